#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The benchmark: each figure in turns with its raw limit on the same private Redis, medians,
# every counter compared, and one table at the end. Status 1 if a result was wrong; a target
# that was missed is only shown. A machine at rest gives steadier figures; ratios bear company.
usage() {
  cat <<'EOT'
Usage: tests/bench/bench.sh [--rows N,N...] [--quick]     rows: 1 3 to 11
LEAT_BIN names the folder of the binaries (default: build/bench/bin).
EOT
}

rows=1,3,4,5,6,7,8,9,10,11
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
. "$here/rows.sh"
. "$here/http_rows.sh"

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
  printf '%s, %s x %s, %s MB, Linux %s, Redis %s, %s, load %s\n' "$(date -u +'%F %H:%M UTC')" \
    "$(nproc)" "$(awk -F': ' '/^model name/ { print $2; exit }' /proc/cpuinfo)" \
    "$(awk '/^MemTotal/ { print int($2 / 1024) }' /proc/meminfo)" "$(uname -r)" \
    "$(redis_cli info server | awk -F: '/^redis_version/ { sub(/\r/, ""); print $2 }')" \
    "${quick:+quick, }$turns turns of $jobs jobs" "$(cut -d' ' -f1-3 /proc/loadavg)"
  printf '%s\n' 'row|what|leat|raw|figure|target|' "${table[@]}" |
    awk -F'|' '{ printf "%-4s%-60s%-12s%-28s%-10s%-10s%s\n", $1, $2, $3, $4, $5, $6, $7 }'
}

# ---- what the rows share ------------------------------------------------------------------

# median: of the numbers on stdin, one a line.
median() {
  sort -g | awk '{ at[NR] = $1 } END { print at[int((NR + 1) / 2)] }'
}

ratio() {
  awk -v a="$1" -v b="$2" 'BEGIN { printf "%.3f", a / b }'
}

# per_s JOBS SECONDS
per_s() {
  awk -v n="$1" -v s="$2" 'BEGIN { printf "%.0f", n / s }'
}

thousands() {
  awk -v n="$1" 'BEGIN { printf n < 20000 ? "%.1f k/s" : "%.0f k/s", n / 1000 }'
}

tool() {
  local name=$1
  shift
  "$LEAT_BIN/leat-bench-$name" "$@" 2>>"$dir/tools.log"
}

# Increments of a thousand counters: as often as the thousand most requested paths of the web
# log, or each as often as the others. Names are of one length, so that both weigh the same.
make_jobs() {
  [ ! -e "$dir/log.jobs" ] || return 0
  awk -F'"' '{ split($2, request, " "); hits[request[2]]++ }
    END { for (path in hits) print hits[path] }' "$root/tests/data/access.log" |
    sort -rn | awk 'NR <= 1000 { printf "%d page:%04d\n", $1, NR }' >"$dir/log.weights"
  awk '{ print 1, $2 }' "$dir/log.weights" >"$dir/uniform.weights"
  local kind
  for kind in log uniform; do
    tool jobs "$jobs" "$dir/$kind.weights" "$dir/$kind.jobs" | sort >"$dir/$kind.counts"
  done
}

empty_redis() {
  redis_cli flushall sync >/dev/null
}

# load KIND: fills the queue; the seconds that took.
load() {
  tool load "$socket" leat:default "$dir/$1.jobs" | cut -d' ' -f2
}

# expect_counts KIND ROUNDS: every counter is what the jobs come to.
expect_counts() {
  redis_cli hgetall '{leat:default}:counters' | paste - - | sort >"$dir/counts.got"
  awk -F'\t' -v times="$2" '{ printf "%s\t%.0f\n", $1, $2 * times }' "$dir/$1.counts" |
    cmp -s - "$dir/counts.got" || fail "counters are wrong ($1): $dir/counts.got"
  expect_eq 0 "$(redis_cli llen leat:default)" "jobs left over"
}

# ---- the run ------------------------------------------------------------------------------

redis_start --appendonly no
empty_redis
for number in ${rows//,/ }; do
  declare -F "row_$number" >/dev/null || { usage >&2 && exit 64; }
  "row_$number"
done
print_table
