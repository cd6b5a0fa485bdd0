#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Would chaos.sh see it? Two short runs with workers that are wrong: one loses one job of all,
# one doubles one. The oracle must count exactly that.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
: "${LEAT_BIN:?names the folder of the binaries}"

# seen MUTANT VERDICT
seen() {
  local out code=0
  out=$(CHAOS_WORKER=$LEAT_BIN/leat-worker-$1 bash "$here/chaos.sh" --seconds 10 --seed 3 2>&1) || code=$?
  [ "$code" != 77 ] || { echo "$out" && exit 77; }
  grep -qx "$2" <<<"$out" || { echo "$out" && echo "not ok - the $1 worker was not found out" && exit 1; }
  [ "$code" = 1 ] || { echo "$out" && echo "not ok - exit status $code" && exit 1; }
  echo "ok - the $1 worker: $2"
}

seen lossy 'lost 1, doubled 0, left over 0'
seen doubling 'lost 0, doubled 1, left over 0'
