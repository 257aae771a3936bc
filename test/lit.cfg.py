# How lit runs the .mlir tests: RUN lines with cria-opt and FileCheck.
import os
import sys

import lit.formats

config.name = "cria"
config.test_format = lit.formats.ShTest(True)
config.suffixes = [".mlir"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(config.cria_build, "test")
config.environment["PATH"] = os.pathsep.join(
    [os.path.join(config.cria_build, "bin"), config.llvm_tools, os.environ.get("PATH", "")])
# What mlir-runner loads, for tests that run IR on this machine.
config.substitutions.append(("%llvm_lib", os.path.join(os.path.dirname(config.llvm_tools), "lib")))
config.substitutions.append(("%python", sys.executable))
# A failing check must show its input.
config.environment["FILECHECK_OPTS"] = "--dump-input-filter=all"
