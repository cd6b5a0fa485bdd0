#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The benchmark: each figure in turns with its raw limit on the same private Redis, medians,
# every counter compared, and one table at the end. Status 1 if a result was wrong; a target
# that was missed is only shown. A machine at rest gives steadier figures; ratios bear company.
usage() {
  cat <<'EOT'
Usage: tests/bench/bench.sh [--rows N,N...] [--quick]     rows: 1 to 15
LEAT_BIN names the folder of the binaries (default: build/bench/bin).
EOT
}

rows=1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
quick=''
while [ $# -gt 0 ]; do
  case $1 in
    --rows) [ $# -gt 1 ] && rows=$2 && shift ;;
    --quick) quick=1 ;;
    -h | --help) usage && exit 0 ;;
    *) usage >&2 && exit 64 ;;
  esac
  shift
done

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
LEAT_BIN=${LEAT_BIN:-$root/build/bench/bin}
. "$here/../support/e2e.sh"
. "$here/shared.sh"
. "$here/rows.sh"
. "$here/http_rows.sh"
. "$here/handler_rows.sh"

# What is repeated, and how much of it.
if [ -n "$quick" ]; then
  jobs=100000 turns=3 pushes=400 starts=50 kills=2 http_s=1
else
  jobs=1000000 turns=5 pushes=2000 starts=300 kills=5 http_s=3
fi

# ---- the table ----------------------------------------------------------------------------

table=()

# row NUMBER WHAT OURS RAW FIGURE at-least|at-most TARGET: OURS and RAW as people read them.
row() {
  local verdict=missed sign='>='
  [ "$6" = at-least ] || sign='<='
  awk -v x="$5" -v y="$7" -v sign="$sign" \
    'BEGIN { exit !(sign == ">=" ? x >= y : x <= y) }' && verdict=reached
  table+=("$1|$2|$3|$4|$5|$sign $7|$verdict")
  printf '%s: %s, raw %s: %s (%s %s, %s)\n' "$2" "$3" "$4" "$5" "$sign" "$7" "$verdict"
}

# shown NUMBER WHAT OURS RAW FIGURE: a row without a target.
shown() {
  table+=("$1|$2|$3|$4|$5||")
  printf '%s: %s, %s: %s\n' "$2" "$3" "$4" "$5"
}

# unmeasured NUMBER WHAT WHY
unmeasured() {
  table+=("$1|$2|-|$3|-||not measured")
  printf '%s: not measured, %s\n' "$2" "$3"
}

print_table() {
  echo
  printf '%s, %s, load %s\n' "$(machine)" "${quick:+quick, }$turns turns of $jobs jobs" \
    "$(cut -d' ' -f1-3 /proc/loadavg)"
  printf '%s\n' 'row|what|leat|raw|figure|target|' "${table[@]}" |
    awk -F'|' '{ printf "%-4s%-60s%-12s%-28s%-10s%-10s%s\n", $1, $2, $3, $4, $5, $6, $7 }'
}

# ---- the run ------------------------------------------------------------------------------

redis_start --appendonly no
empty_redis
for number in ${rows//,/ }; do
  declare -F "row_$number" >/dev/null || { usage >&2 && exit 64; }
  "row_$number"
done
print_table
