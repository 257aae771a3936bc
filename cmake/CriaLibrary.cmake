# cria_library(NAME sources... [EXCEPTIONS] [LINK targets...] [DEPENDS targets...])
#
# A static library of ours. Everything links MLIR and LLVM as shared libraries
# (never mixed with their static ones) and is built without exceptions, like
# them; libraries whose dependencies throw say EXCEPTIONS.
function(cria_library name)
  cmake_parse_arguments(ARG "EXCEPTIONS" "" "LINK;DEPENDS" ${ARGN})
  add_library(${name} STATIC ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PUBLIC ${ARG_LINK})
  if(NOT ARG_EXCEPTIONS)
    target_compile_options(${name} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-fno-exceptions>)
  endif()
  if(ARG_DEPENDS)
    add_dependencies(${name} ${ARG_DEPENDS})
  endif()
endfunction()
