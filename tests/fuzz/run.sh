#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# run.sh --build     build the preset fuzz
# run.sh NAME…       run its fuzzers, each for LEAT_FUZZ_SECONDS (default 30), on copies of their
#                    seeds. What breaks one is left in build/fuzz/crashes.
# Exit 77: no libFuzzer.
set -euo pipefail
cd "$(dirname "$0")/../.."

if ! command -v clang >/dev/null; then
  echo "skipped: no clang" >&2
  exit 77
fi
runtime=$(clang -print-file-name=libclang_rt.fuzzer-x86_64.a)
[ -f "$runtime" ] || runtime=$(find "$(clang -print-resource-dir)" -name 'libclang_rt.fuzzer*.a' -print -quit)
if [ ! -f "$runtime" ]; then
  echo "skipped: clang has no libFuzzer (libclang-rt-dev)" >&2
  exit 77
fi

if [ "$*" = --build ]; then
  cmake --preset fuzz >/dev/null
  cmake --build --preset fuzz --target fuzzers >/dev/null
  exit
fi

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
crashes=build/fuzz/crashes
mkdir -p "$crashes"

# Texts in JSON start from the vectors of the wire format; large ones would make each run slow.
seeds_of() {
  case $1 in
    members | envelope) find broker-schema/vectors -name transcripts -prune -o -type f -size -3k -exec cp --parents -t "$2" {} + ;;
    config) cp -r tests/unit/config/{valid,invalid} "$2" ;;
    *) cp "tests/fuzz/corpus/$1"/* "$2" ;;
  esac
}

dictionary_of() {
  case $1 in
    door | http) echo http ;;
    replies) echo resp ;;
    url | config) echo "$1" ;;
    *) echo json ;;
  esac
}

# The same seed each time: a commit that passed here passes again. LEAT_FUZZ_SEED=0 takes a new one.
# No input is large; what asks for much memory at once does so for a number in it.
failed=0
for name in "$@"; do
  mkdir "$scratch/$name"
  seeds_of "$name" "$scratch/$name"
  log=$scratch/$name.log
  if build/fuzz/bin/fuzz_"$name" -max_total_time="${LEAT_FUZZ_SECONDS:-30}" -timeout=10 \
    -seed="${LEAT_FUZZ_SEED:-1}" \
    -malloc_limit_mb=64 -dict="tests/fuzz/$(dictionary_of "$name").dict" \
    -artifact_prefix="$crashes/$name-" "$scratch/$name" >"$log" 2>&1; then
    echo "$name: $(grep -ao 'Done .*' "$log" | tail -1)"
  else
    echo "$name: FAILED"
    tail -40 "$log"
    failed=1
  fi
done
exit $failed
