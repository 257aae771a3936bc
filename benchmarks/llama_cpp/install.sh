#!/usr/bin/env bash
# Fetches llama.cpp's prebuilt libraries with npm, at the version and checksum of
# package-lock.json, into build/llama.cpp (or $CRIA_BUILD/llama.cpp). Needs npm.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
folder=${CRIA_BUILD:-$here/../../build}/llama.cpp
mkdir -p "$folder"
cp "$here/package.json" "$here/package-lock.json" "$folder"
cd "$folder"
npm ci --ignore-scripts --no-audit --no-fund >&2
