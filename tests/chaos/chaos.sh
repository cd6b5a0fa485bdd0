#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Chaos: jobs of every kind, thousands a second, go through workers while what can break is
# broken, at random, by a schedule that follows from a seed. In the end an oracle, which knows
# every job, counts what was lost and what was doubled. CHAOS_WORKER names another worker, a
# mutant, say; CHAOS_FAULTS is a regular expression: only such faults.
usage() {
  cat <<'EOT'
Usage: ./test chaos [--seconds S] [--seed X] [--rate JOBS]
Pushes jobs for S seconds (60) while workers, Redis and the wires between them are killed,
stopped, cut off and starved, then counts; a long run counts every 150 s, and goes on with the
next seed. The seed makes the schedule and the jobs; without one it is a random one, and
printed. JOBS: how many a second, at most (3000).
EOT
}

seconds=60
lap_s=150 # then all is counted, for no more than 100,000 dead are kept
seed=$((RANDOM * 32768 + RANDOM))
rate=3000
args=("$@")
while [ $# -gt 0 ]; do
  case $1 in
    --seconds | --seed | --rate)
      [[ ${2-} =~ ^[1-9][0-9]{0,8}$ ]] || { usage >&2 && exit 64; }
      printf -v "${1#--}" %s "$2"
      shift
      ;;
    -h | --help) usage && exit 0 ;;
    *) usage >&2 && exit 64 ;;
  esac
  shift
done

# A mount namespace of its own, for a disk that can be full.
if [ -z "${CHAOS_INSIDE-}" ]; then
  export CHAOS_INSIDE=1
  for way in '' --map-root-user; do
    ! unshare --mount $way true 2>/dev/null || exec unshare --mount $way bash "$0" "${args[@]}" --seed "$seed"
  done
  export CHAOS_NO_MOUNT='no mount namespace is permitted here'
fi

here=$(cd "$(dirname "$0")" && pwd)
. "$here/../support/e2e.sh"
. "$here/../support/queue.sh"
. "$here/servers.sh"
. "$here/handlers.sh"
. "$here/faults.sh"

worker_program=${CHAOS_WORKER:-$LEAT_BIN/leat-worker}
masters=('' '' '')
orphans=() # names of processes whose master was killed: they end by themselves
restarts=0
loads=('' '')
generation=0
mark=handlers-of-$$
wire=''
wired=unix://$socket_dir/wire.sock

elapsed_ms() {
  local now=${EPOCHREALTIME/[.,]/}
  echo $(((now - began_us) / 1000))
}

# ---- who works -----------------------------------------------------------------------------

# Every other master, and one producer, go by the wire that is cut.
redis_of() {
  if [ $(($1 % 2)) = 0 ]; then echo "unix://$socket"; else echo "$wired"; fi
}

wire_start() {
  child_start wire "$LEAT_BIN/leat-proxy" --listen "$socket_dir/wire.sock" --to "$socket" "$@"
  wire=$child
}

master_put() {
  child_start "worker-$1" "$worker_program" --redis "$(redis_of "$1")" --config "$dir/leat.conf" \
    --processes 2 --concurrency 48 --lease 2s --allow-net 127.0.0.0/8
  masters[$1]=$child
}

# The handlers of tasks, as their masters find them when they begin or read their settings again.
# Each time the command lines are other ones. $mark tells their processes from all others.
handlers_write() {
  generation=$((generation + 1))
  handlers_conf "$mark" "$generation" >"$dir/leat.conf.new"
  mv "$dir/leat.conf.new" "$dir/leat.conf"
}

handlers_left() {
  grep -l --null-data --fixed-strings --line-regexp "$mark" /proc/[0-9]*/cmdline 2>/dev/null || true
}

# As systemd would: a master that ended, for whatever reason, is started again.
tend() {
  local i
  run_laters
  for i in "${!masters[@]}"; do
    if child_alive "${masters[i]}"; then continue; fi
    child_stop "${masters[i]}"
    restarts=$((restarts + 1))
    master_put "$i"
  done
}

# await_tending CONDITION S WHAT: as await, while the fleet is kept up.
await_tending() {
  local end=$((SECONDS + $2))
  until eval "$1"; do
    tend
    [ "$SECONDS" -le "$end" ] || fail "waited $2 s for $3"
    sleep 0.05
  done
}

# ---- who pushes ----------------------------------------------------------------------------

loads_start() {
  local i
  pauses=0
  for i in "${!loads[@]}"; do
    : >"$dir/load-$i.log"
    child_start "load-$i" "$LEAT_BIN/leat-chaos-load" --redis "$(redis_of "$i")" --seed "$seed" \
      --origin "$origin" --producer "$i" --rate $((rate / 2))
    loads[i]=$child
  done
}

# loads_said WORD TIMES: both have.
loads_said() {
  local i
  for i in "${!loads[@]}"; do
    child_alive "${loads[i]}" || fail "producer $i ended: $(tail -n 1 "$dir/load-$i.log")"
    [ "$(grep -c "^$1" "$dir/load-$i.log")" -ge "$2" ] || return 1
  done
}

loads_pause() {
  pauses=$((pauses + 1))
  kill -USR1 "${loads[@]}"
  await_tending 'loads_said paused "$pauses"' 120 'all pushes to be acknowledged'
}

loads_go_on() {
  kill -USR2 "${loads[@]}"
}

# How many jobs each had acknowledged: $acknowledged.
loads_end() {
  local i
  acknowledged=()
  loads_pause
  for i in "${!loads[@]}"; do
    child_stop "${loads[i]}"
    expect_eq 0 "$status" "exit status of producer $i"
    acknowledged+=("$(awk '$1 == "acknowledged" { print $2 }' "$dir/load-$i.log")")
  done
}

# look_on: whatever was broken just now, what is kept fits together at every instant. Redis may
# be away or hold its answers back.
look_on() {
  local code=0
  "$leat" fsck -q default >"$dir/fsck" 2>>"$dir/out" || code=$?
  case $code in 0 | 69 | 75) ;; *) fail "leat fsck: $(grep -v ^ok "$dir/fsck" | head -n 3)" ;; esac
}

# ---- the end -------------------------------------------------------------------------------

# All that may wait or be in hands.
unfinished() {
  redis_cli eval 'local n = 0
    for i = 1, 4 do n = n + redis.call("LLEN", KEYS[i]) end
    for i = 5, 6 do n = n + redis.call("ZCARD", KEYS[i]) end
    return n + redis.call("HLEN", KEYS[7]) + redis.call("HLEN", KEYS[8])' 8 \
    "$(key queue)" "$(key high)" "$(key h)" "$(key s)" "$(key lease)" "$(key sched)" "$(key body)" "$(key again)"
}

faults_stop() {
  run_laters all
  redis_cli client unpause >>"$dir/out"
}

# process_name PID: PID:BORN, or nothing if it is gone. A pid alone may by now be another's: so many
# processes come and go.
process_name() {
  local stat
  { read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 0
  set -- "$1" ${stat##*) }
  echo "$1:${21}"
}

# names_left NAME…: those that still live.
names_left() {
  local name
  for name in "$@"; do
    if [ "$(process_name "${name%:*}")" = "$name" ]; then echo "$name"; fi
  done
}

# However long it takes, as long as jobs end. What crashed workers twice runs alone, one after
# the other.
drain() {
  local i fin=-1 since=$SECONDS now
  until [ "$(unfinished)" = 0 ]; do
    tend
    now=$(tally fin)
    [ "$now" = "$fin" ] || since=$SECONDS
    fin=$now
    [ $((SECONDS - since)) -le 90 ] || fail "no job ended for 90 s, and $(unfinished) remain"
    sleep 0.1
  done
  for i in "${!masters[@]}"; do
    child_stop "${masters[i]}"
    expect_eq 0 "$status" "exit status of master $i"
  done
  await '[ -z "$(names_left "${orphans[@]}")" ]' 60 'processes whose master was killed to end'
  orphans=()
  await '[ -z "$(handlers_left)" ]' 20 'handlers to end behind their workers'
}

verdict() {
  local code=0
  "$LEAT_BIN/leat-chaos-oracle" --seed "$seed" --origin "$origin" "${acknowledged[@]}" || code=$?
  "$leat" fsck -q default >"$dir/fsck" || code=$?
  grep -v '^ok' "$dir/fsck" && code=1
  return "$code"
}

lap_figures() {
  echo "$(((acknowledged[0] + acknowledged[1]) * 1000 / pushed_ms)) jobs/s pushed in $((pushed_ms / 1000)) s;" \
    "all done $((drained_ms - pushed_ms)) ms later"
}

figures() {
  local name kinds='' total=0
  for name in "${!fault_counts[@]}"; do
    kinds+=", $name ${fault_counts[$name]}"
    total=$((total + fault_counts[$name]))
  done
  echo "$total faults: ${kinds#, }; $restarts masters started again"
  [ -z "$no_disk" ] || echo "no full disk: $no_disk"
  [ ${#recoveries[@]} = 0 ] ||
    echo "jobs ended again behind Redis' return after ms: $(printf '%s\n' "${recoveries[@]}" | sort -n | paste -sd' ')"
}

# ---- a lap ---------------------------------------------------------------------------------

# lap SEED SECONDS: from an empty Redis to the verdict.
lap() {
  local i
  seed=$1
  schedule_make "$seed" "$2"
  echo "seed $seed: ${#schedule[@]} faults in about $2 s"
  redis_cli flushall >"$dir/out"
  redis_cli hset "$(key counters)" full 9223372036854775807 >"$dir/out"
  redis_cli hset "$(key m)" maxlen 20000 >"$dir/out"
  handlers_write
  began_us=${EPOCHREALTIME/[.,]/}
  for i in "${!masters[@]}"; do master_put "$i"; done
  loads_start
  schedule_run
  loads_end
  pushed_ms=$(elapsed_ms)
  faults_stop
  drain
  drained_ms=$(elapsed_ms)
  lap_figures
  verdict || fail "jobs were lost or doubled, or something is left: see above (seed $seed)"
}

e2e_undos+=('kill -KILL $(handlers_left | cut -d / -f 3) 2>/dev/null || true')
servers_start
seq -f '/page/%g' 0 19 >"$dir/pages"
origin_start --pages "$dir/pages"
wire_start --times 0
for ((left = seconds, next = seed; left > 0; left -= lap_s, next++)); do
  lap "$next" $((left < lap_s ? left : lap_s))
done
figures
ok "chaos in $SECONDS s"
