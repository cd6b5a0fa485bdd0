#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Would chaos.sh see it? Three short runs with workers that are wrong: one loses one job of all and
# one follow-up, one doubles both; the oracle must count exactly that. One pushes follow-ups before
# the step that ends their job: it must be found out as soon as such a step is refused.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
: "${LEAT_BIN:?names the folder of the binaries}"

# seen MUTANT SECONDS VERDICT
seen() {
  local out code=0
  out=$(CHAOS_WORKER=$LEAT_BIN/leat-worker-$1 bash "$here/chaos.sh" --seconds "$2" --seed 3 2>&1) || code=$?
  [ "$code" != 77 ] || { echo "$out" && exit 77; }
  grep -Eqx "$3" <<<"$out" || { echo "$out" && echo "not ok - the $1 worker was not found out" && exit 1; }
  [ "$code" = 1 ] || { echo "$out" && echo "not ok - exit status $code" && exit 1; }
  echo "ok - the $1 worker: $(grep -Ex "$3" <<<"$out")"
}

seen lossy 10 'lost 2, doubled 0, left over 0'
seen doubling 10 'lost 0, doubled 2, left over 0'
CHAOS_FAULTS=worker_is_stopped seen eager 5 'lost 0, doubled [1-9][0-9]*, left over 0'
