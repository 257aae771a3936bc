#!/usr/bin/env bash
# Configures and builds everything into build/ (or $CRIA_BUILD). Arguments go to
# cmake, e.g. -DCRIA_SANITIZE=ON.
set -euo pipefail
cd "$(dirname "$0")/.."
build=${CRIA_BUILD:-build}

if [ ! -f "$build/build.ninja" ] || [ $# -gt 0 ]; then
  launcher=()
  command -v ccache >/dev/null && launcher=(-DCMAKE_C_COMPILER_LAUNCHER=ccache -DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
  cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release \
    -DCMAKE_C_COMPILER=clang-22 -DCMAKE_CXX_COMPILER=clang++-22 \
    -DCMAKE_PREFIX_PATH=/usr/lib/llvm-22 "${launcher[@]}" "$@" >&2
fi
# Time stamps and macros of precompiled headers would make ccache give up.
export CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
cmake --build "$build" >&2
