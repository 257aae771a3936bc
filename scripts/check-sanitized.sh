#!/usr/bin/env bash
# Builds cria with AddressSanitizer and UndefinedBehaviorSanitizer into build-asan/
# and runs the tests that feed it hostile input. Takes about ten minutes, so it is not
# part of check.sh. libMLIR and libLLVM are not instrumented: what they poison and
# annotate themselves must be left alone.
set -euo pipefail
cd "$(dirname "$0")/.."
export CRIA_BUILD=${CRIA_BUILD:-build-asan}
export ASAN_OPTIONS=allow_user_poisoning=0:detect_container_overflow=0:detect_leaks=0
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
scripts/build.sh -DCRIA_SANITIZE=ON
exec ctest --test-dir "$CRIA_BUILD" --output-on-failure --no-tests=error -j "$(nproc)" \
  -R 'frontends|tokenizer|weights|reference-ops|driver|hostile|storyteller|lit' "$@"
