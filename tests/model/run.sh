#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# run.sh [NAME…]: check the scenarios of that name, or all, with spin. One line for each: name,
# states, transitions, depth, seconds, verdict. A scenario passes when its whole state space was
# seen without an error; a mutant when the promise named for it was found broken. What spin made
# stays in build/model/NAME. Exit 77: no spin.
set -euo pipefail
cd "$(dirname "$0")"
model=$PWD
made=${LEAT_MODEL_DIR:-$model/../../build/model}

command -v spin >/dev/null || { echo "skip - no spin" && exit 77; }

rows() { grep -vE '^(#|$)' "$model/scenarios"; }

# A file of its own, so that spin finds the bounds again when it shows a trail.
write_scenario() {
  local bound
  echo "/* $1 */"
  for bound in "${@:2}"; do
    echo "#define ${bound/=/ }"
  done
  echo "#include \"$model/leat.pml\""
}

# -m and MEMLIM are far above what is needed: what meets them was not searched whole. A mutant
# is found before an optimiser has paid.
search() {
  local name=$1 level=-O1
  [ "$2" = holds ] || level=-O0
  rm -f ./*
  write_scenario "$name" "${@:3}" >scenario.pml
  spin -a scenario.pml >spin.log
  gcc "$level" -w -DSAFETY -DCOLLAPSE -DMEMLIM=1900 -o pan pan.c
  ./pan -m100000 >pan.log 2>&1
}

# The promise that the trail ends by breaking; or what else stopped spin.
broken_promise() {
  ./pan -r scenario.pml.trail >trail.log 2>&1 || true
  grep -m 1 -oE '\bI[0-9]+ .*' trail.log || grep -m 1 '^pan:1: ' pan.log
}

is_exhaustive() {
  grep -q '^Full statespace search' pan.log &&
    ! grep -qiE 'depth too small|not completed|memory bound|out of memory|memlim|aborting' pan.log
}

verdict() {
  if [ -f scenario.pml.trail ]; then
    broken_promise
  elif is_exhaustive && grep -q 'errors: 0$' pan.log; then
    echo holds
  else
    echo "not searched whole"
  fi
}

# figure PATTERN: the number that stands in front of it, or behind it.
figure() { grep -oE "$1" pan.log | grep -oE '[0-9]+' | head -n 1; }

failed=0
check() {
  local name=$1 expected=$2 got start=$EPOCHREALTIME
  mkdir -p "$made/$name"
  cd "$made/$name"
  search "$@" || true
  got=$(verdict)
  LC_ALL=C printf '%-32s %8s %9s %4s %7.1f  %s' "$name" "$(figure '[0-9]+ states, stored')" \
    "$(figure '[0-9]+ transitions')" "$(figure 'depth reached [0-9]+')" \
    "$(bc <<<"${EPOCHREALTIME/,/.} - ${start/,/.}")" "$got"
  if [[ "$got " = "$expected "* ]]; then
    echo
  else
    printf '   <- expected %s; see %s\n' "$expected" "$made/$name"
    failed=1
  fi
}

printf '%-32s %8s %9s %4s %7s  %s\n' scenario states transit. depth seconds verdict
[ $# -gt 0 ] || mapfile -t all < <(rows | awk '{ print $1 }')
for name in "${@:-${all[@]}}"; do
  read -ra row < <(rows | awk -v name="$name" '$1 == name') ||
    { echo "no scenario $name" && exit 64; }
  check "${row[@]}"
done
exit "$failed"
