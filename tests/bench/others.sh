#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Other job systems beside leat: one worker process each drains jobs that do nothing, pushed by
# the system's own bulk call. All take turns on one private Redis, and beside them stands the raw
# limit of the same minutes. A system that cannot be had is a line that says so.
usage() {
  cat <<'EOT'
Usage: tests/bench/others.sh [--markdown] [--quick] [SYSTEM...]
Prints a table, or with --markdown the page docs/measured.md. Systems, else all of them: sidekiq,
celery, rq, bullmq, bee-queue, beanstalkd. LEAT_BIN names the folder of the binaries (default:
build/bench/bin).
EOT
}

markdown='' turns=3 jobs=1000000 rounds=3 pushes=500 wanted=''
while [ $# -gt 0 ]; do
  case $1 in
    --markdown) markdown=1 ;;
    --quick) turns=1 rounds=1 ;;
    -h | --help) usage && exit 0 ;;
    -*) usage >&2 && exit 64 ;;
    *) wanted+=" $1 " ;;
  esac
  shift
done

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
LEAT_BIN=${LEAT_BIN:-$root/build/bench/bin}
. "$here/../support/e2e.sh"
. "$here/shared.sh"
. "$here/others/systems.sh"
# What Debian packages needs Debian's interpreters, whatever else is installed.
export PATH=/usr/bin:/bin:$PATH REDIS_SOCKET=$socket PYTHONDONTWRITEBYTECODE=1
limit_s=120 # a worker that needs longer is given up

# ---- leat and the raw limit -----------------------------------------------------------------

fill() {
  local round
  empty_redis
  for ((round = 0; round < rounds; round++)); do load "$1" >/dev/null; done
}

# The worker is timed from its start to its exit, and every counter is compared.
leat_turn() {
  local kind seconds cpu
  fill log
  raw_pops $((jobs * rounds)) >>"$dir/raw.rate"
  for kind in log uniform; do
    fill "$kind"
    read -r seconds cpu < <(tool times 1 "$leat" worker -p 0 --drain)
    expect_counts "$kind" "$rounds"
    per_s $((jobs * rounds)) "$seconds" | cat - <(echo) >>"$dir/leat-$kind.rate"
  done
  empty_redis
  tool push "$pushes" >>"$dir/leat.one"
  read -r seconds cpu < <(tool times 1 "$leat" push --ndjson "$dir/log.jobs")
  per_s "$jobs" "$seconds" | cat - <(echo) >>"$dir/leat.bulk"
}

# ---- the others -----------------------------------------------------------------------------

# The worker tells when its last job has run; all of them must.
await_ran() {
  local name=$1 count=$2 end=$((SECONDS + limit_s))
  until grep -q "^ran $count jobs" "$dir/$name.log"; do
    [ "$SECONDS" -le "$end" ] && child_alive "$child" || return 1
    sleep 0.1
  done
}

# Pushes while no worker runs, and drains from the full queue. The worker takes the time from
# its first job to its last, so that starting an interpreter is not counted. Prints why, with
# status 1, when it could not be measured.
turn_of() {
  local name=$1 count=$2 push=$3 work=$4 place=$here/others ended=1
  [[ $push != node* ]] || place=$node_dir
  empty_redis
  : >"$dir/$name.log"
  env -C "$place" JOBS="$count" $push >"$dir/$name.pushed" 2>>"$dir/$name.log" ||
    { echo 'pushing failed' && return 1; }
  child_start "$name" env -C "$place" JOBS="$count" $work
  await_ran "$name" "$count" && ended=0
  child_stop "$child"
  [ "$ended" = 0 ] || { echo "its worker did not run all $count jobs" && return 1; }
  awk '{ print $2 }' "$dir/$name.pushed" >>"$dir/$name.one"
  awk '{ print $5 }' "$dir/$name.pushed" >>"$dir/$name.bulk"
  awk -v n="$count" '$1 == "ran" { print n / $5 }' "$dir/$name.log" >>"$dir/$name.rate"
}

# other NAME JOBS PUSH WORK: one turn, unless it is clear already that there will be none.
other() {
  local name=$1
  [ ! -e "$dir/$name.why" ] || return 0
  if ! "version_$name" >"$dir/$name.version" 2>&1; then
    mv "$dir/$name.version" "$dir/$name.why"
  elif ! turn_of "$@" >"$dir/$name.trouble"; then
    cp "$dir/$name.trouble" "$dir/$name.why"
    { echo "$name: not measured" && tail -n 5 "$dir/$name.log"; } >&2
  fi
}

# ---- what came out --------------------------------------------------------------------------

# Three digits that mean something, in groups: 19437 -> 19,400.
rounded() {
  awk -v x="$1" 'BEGIN {
    scale = 1; while (x / scale >= 1000) scale *= 10
    n = sprintf("%d", int(x / scale + 0.5) * scale)
    for (; length(n) > 3; n = substr(n, 1, length(n) - 3))
      groups = "," substr(n, length(n) - 2) groups
    print n groups
  }'
}

table=()

# share RATE RAW: two digits that mean something.
share() {
  awk -v a="$1" -v b="$2" 'BEGIN { printf a / b < 0.1 ? "%.2g" : "%.2f", a / b }'
}

# line RATES PUSHES VERSION JOBS COMMAND: the first two name files of figures.
line() {
  local rate raw one bulk
  rate=$(median <"$dir/$1.rate") raw=$(median <"$dir/raw.rate")
  one=$(median <"$dir/$2.one") bulk=$(median <"$dir/$2.bulk")
  table+=("$3|$5|$(rounded "$4")|$(rounded "$rate")|$(share "$rate" "$raw")|$(rounded \
    "$one") us|$(rounded "$bulk")")
}

make_table() {
  local system name count push work version all=$((jobs * rounds))
  version="leat $("$leat" version | awk '{ print $NF; exit }')"
  line leat-log leat "$version, counters as in a web log" "$all" 'leat worker -p 0 --drain'
  line leat-uniform leat "$version, counters equally often" "$all" 'leat worker -p 0 --drain'
  for system in "${systems[@]}"; do
    IFS='|' read -r name count push work <<<"$system"
    if [ -s "$dir/$name.why" ]; then
      table+=("$name|not measured: $(<"$dir/$name.why")|||||")
    elif [ -s "$dir/$name.rate" ]; then
      line "$name" "$name" "$(<"$dir/$name.version")" "$count" "$work"
    fi
  done
}

heads='system|what runs|jobs|jobs/s|of raw RPOP|one push|pushed in bulk, a second'

print_text() {
  echo
  about
  printf '%s\n' "$heads" "${table[@]}" | awk -F'|' '
    $4 == "" { printf "%-52s%s\n", $1, $2; next }
    { printf "%-52s%10s%11s%13s%10s%26s\n", $1, $3, $4, $5, $6, $7; if (NR > 1) ran[n++] = $2 }
    END { print "\nWhat ran:"; for (i = 1; i < n; i++) print "  " ran[i] }'
}

about() {
  printf '%s. Raw RPOP, 100 in a pipeline, 50 connections: %s a second. ' \
    "$(machine)" "$(rounded "$(median <"$dir/raw.rate")")"
  printf 'Medians of %s turns; load before: %s.' "$turns" "$load_before"
  awk -v load="${load_before%% *}" 'BEGIN {
    print (load > 0.5 ? " The machine was not at rest: all figures are too low, some by half." : "")
  }'
}

print_page() {
  sed "s%@ABOUT@%$(about)%" "$here/others/measured.md.in" | while IFS= read -r text; do
    if [ "$text" = '@TABLE@' ]; then print_rows; else printf '%s\n' "$text"; fi
  done
}

print_rows() {
  printf '%s\n' "$heads" '---|---|---:|---:|---:|---:|---:' "${table[@]}" | awk -F'|' -v OFS=' | ' '
    NR > 2 && $4 != "" { $2 = "`" $2 "`" }
    { $1 = $1; print "| " $0 " |" }'
}

# ---- the run ------------------------------------------------------------------------------

for name in $wanted; do
  declare -F "version_$name" >/dev/null || { usage >&2 && exit 64; }
done
load_before=$(cut -d' ' -f1-3 /proc/loadavg)
redis_start --appendonly no
make_jobs
node_install
beanstalkd_start
for ((turn = 1; turn <= turns; turn++)); do
  echo "Turn $turn of $turns: leat" >&2
  leat_turn
  for system in "${systems[@]}"; do
    IFS='|' read -r name count push work <<<"$system"
    [[ -z $wanted || $wanted = *" $name "* ]] || continue
    echo "Turn $turn of $turns: $name" >&2
    other "$name" "$count" "$push" "$work"
  done
done
make_table
if [ -n "$markdown" ]; then print_page; else print_text; fi
