#!/usr/bin/env bash
# From nothing to a story: installs what is missing, builds, compiles the model
# that ships with the project, and runs what came out.
set -euo pipefail
cd "$(dirname "$0")"
scripts/install-packages.sh
scripts/build.sh
build=${CRIA_BUILD:-build}
"$build/bin/cria" compile -o "$build/story"
echo >&2
"$build/story" -p "Once upon a time" "$@"
