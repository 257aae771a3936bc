#!/usr/bin/env bash
# Installs what is missing, builds, and passes all tests. Arguments go to ctest.
set -euo pipefail
cd "$(dirname "$0")"
scripts/install-packages.sh
scripts/build.sh
exec ctest --test-dir "${CRIA_BUILD:-build}" --output-on-failure --no-tests=error -j "$(nproc)" "$@"
