# SPDX-License-Identifier: MIT
# For sourcing by bench.sh and others.sh: figures, jobs to drain, and the raw limit beside which
# every figure stands. `$jobs` says how many jobs.

# The date, the machine and the Redis that was measured on.
machine() {
  printf '%s, %s x %s, %s MB, Linux %s, Redis %s' "$(date -u +'%F %H:%M UTC')" \
    "$(nproc)" "$(awk -F': ' '/^model name/ { print $2; exit }' /proc/cpuinfo)" \
    "$(awk '/^MemTotal/ { print int($2 / 1024) }' /proc/meminfo)" "$(uname -r)" \
    "$(redis_cli info server | awk -F: '/^redis_version/ { sub(/\r/, ""); print $2 }')"
}

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

# raw_pops [COUNT]: the raw limit; values are taken by nobody who would do anything with them.
raw_pops() {
  redis-benchmark -s "$socket" -n "${1:-$jobs}" -P 100 -c 50 --csv RPOP leat:default |
    tail -n 1 | cut -d, -f2 | tr -d '"'
}
