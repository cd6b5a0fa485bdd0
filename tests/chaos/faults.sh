# SPDX-License-Identifier: MIT
# For sourcing by chaos.sh: the faults, and the schedule that a seed makes of them.

# WEIGHT FAULT NOMINAL-MS: how often, which, and how long it takes about.
fault_table=(
  '10 worker_is_killed 20'
  '7 worker_is_stopped 20'
  '4 master_is_killed 50'
  '4 master_is_ended 20'
  '4 master_is_reloaded 20'
  '6 handler_is_killed 20'
  '4 handler_is_stopped 20'
  '8 tasks_are_cancelled 200'
  '5 redis_is_killed 900'
  '3 redis_is_frozen 5000'
  '6 scripts_are_flushed 20'
  '6 clients_are_killed 20'
  '5 clients_are_paused 20'
  '9 link_is_cut 50'
  '3 memory_is_full 20'
  '3 disk_is_full 1500'
  '3 replica_is_promoted 2500'
)
declare -A fault_counts=()
recoveries=() # ms from Redis' answering again until jobs ended again

# ---- random numbers that a seed decides ----------------------------------------------------

# below N: a number in [0, N) is in $drawn.
below() {
  random_state=$(((random_state * 1103515245 + 12345) & 0x7fffffff))
  drawn=$(((random_state >> 8) % $1))
}

# ---- the schedule --------------------------------------------------------------------------

possible_faults() {
  local row
  for row in "${fault_table[@]}"; do
    case $row in *disk_is_full*) [ -z "$no_disk" ] || continue ;; esac
    [[ $row =~ ${CHAOS_FAULTS-} ]] || continue
    echo "$row"
  done
}

draw_fault() {
  local row total=0
  for row in "${possible[@]}"; do total=$((total + ${row%% *})); done
  below "$total"
  for row in "${possible[@]}"; do
    drawn=$((drawn - ${row%% *}))
    if [ "$drawn" -lt 0 ]; then break; fi
  done
  fault=$row
}

# Each fault once, in any order, so that the shortest run has all; then by weight.
draw_first_faults() {
  local i
  first=("${possible[@]}")
  for ((i = ${#first[@]} - 1; i > 0; i--)); do
    below $((i + 1))
    local kept=${first[i]}
    first[i]=${first[drawn]}
    first[drawn]=$kept
  done
}

# schedule_make SEED SECONDS: rows of `AT-MS FAULT NUMBER NUMBER` in $schedule.
schedule_make() {
  local at=1000 possible first fault one
  random_state=$(($1 & 0x7fffffff))
  mapfile -t possible < <(possible_faults)
  draw_first_faults
  schedule=()
  while [ "$at" -lt $(($2 * 1000)) ]; do
    fault=${first[${#schedule[@]}]-}
    [ -n "$fault" ] || draw_fault
    below 65536
    one=$drawn
    below 65536
    set -- "$1" "$2" $fault
    schedule+=("$at $4 $one $drawn")
    below 1400
    at=$((at + $5 + 300 + drawn))
  done
}

# ---- what comes later ----------------------------------------------------------------------

laters=() # rows of `AT-MS COMMAND`

later() {
  laters+=("$(($(elapsed_ms) + $1)) ${*:2}")
}

# run_laters [all]: those that are due.
run_laters() {
  local row now left=()
  now=$(elapsed_ms)
  for row in "${laters[@]}"; do
    if [ "${row%% *}" -le "$now" ] || [ "${1-}" = all ]; then
      ${row#* } >>"$dir/out" 2>>"$dir/faults.log" || true
    else
      left+=("$row")
    fi
  done
  laters=("${left[@]}")
}

# ---- faults of workers ---------------------------------------------------------------------

# draw_worker NUMBER: the pid of one of a master's processes is in $worker. One that has just
# begun has none yet.
draw_worker() {
  local master=$(($1 % ${#masters[@]})) processes
  await_tending '[ -n "$(children_of "${masters[master]}")" ]' 60 'a master to have processes'
  processes=($(children_of "${masters[master]}"))
  worker=${processes[$1 / 16 % ${#processes[@]}]}
}

# What it had started for its jobs ends with it, although, after USR1, it would not by itself.
worker_is_killed() {
  local pid heirs=()
  draw_worker "$1"
  for pid in $(children_of "$worker"); do
    heirs+=($(process_name "$pid"))
    kill -USR1 "$pid" || true
  done
  kill -KILL "$worker" || true
  await_tending '[ -z "$(names_left "${heirs[@]}")" ]' 20 'handlers to end with their worker'
}

# For longer than its leases last.
worker_is_stopped() {
  draw_worker "$1"
  kill -STOP "$worker" || true
  later $((2200 + $2 % 2500)) kill -CONT "$worker"
}

master_is_killed() {
  local master=${masters[$1 % ${#masters[@]}]} pid
  for pid in $(children_of "$master"); do orphans+=($(process_name "$pid")); done
  child_stop "$master" KILL
}

# It may have been killed just now, here and below.
master_is_ended() {
  kill -TERM "${masters[$1 % ${#masters[@]}]}" || true
}

master_is_reloaded() {
  handlers_write
  kill -HUP "${masters[$1 % ${#masters[@]}]}" || true
}

# ---- faults of handlers --------------------------------------------------------------------

# draw_handler NUMBER: the pid of what one of a master's processes has started, or nothing, is in
# $handler.
draw_handler() {
  local handlers
  draw_worker "$1"
  handlers=($(children_of "$worker"))
  handler=''
  [ ${#handlers[@]} = 0 ] || handler=${handlers[$1 / 64 % ${#handlers[@]}]}
}

handler_is_killed() {
  draw_handler "$1"
  [ -z "$handler" ] || kill -KILL "$handler" || true
}

# Some for longer than its jobs may take.
handler_is_stopped() {
  draw_handler "$1"
  [ -n "$handler" ] || return 0
  kill -STOP "$handler" || true
  later $((1000 + $2 % 10000)) kill -CONT "$handler"
}

# Nobody waits for the answers: Redis may be away.
tasks_are_cancelled() {
  local i
  for i in 0 1 2 3; do
    timeout 2 "$leat" job cancel "stop:$((($1 + $2 * i) % 16))" || true
  done
}

# ---- faults of Redis and of the way to it --------------------------------------------------

# Long enough that some give the connection up: what they had sent is run when it goes on, beside
# what they send by the next one. Nothing is tended meanwhile: whoever asks Redis would wait.
redis_is_frozen() {
  kill -STOP "$server_pid"
  sleep "$((1000 + $1 % 8000))e-3"
  kill -CONT "$server_pid"
}

scripts_are_flushed() {
  redis_cli script flush
}

clients_are_killed() {
  redis_cli client kill type normal
}

clients_are_paused() {
  redis_cli client pause $((300 + $1 % 2500)) all
}

memory_is_full() {
  redis_cli config set maxmemory 1
  later $((500 + $1 % 2000)) redis_cli config set maxmemory 0
}

# The wire breaks now, and again after some bytes, in one of three ways.
link_is_cut() {
  local ways=(close hole late) directions=(to-server to-client)
  child_stop "$wire" KILL
  wire_start --fault "${ways[$1 % 3]}" --direction "${directions[$2 % 2]}" \
    --after $(($2 % 20000)) --times 2
}

# ---- running -------------------------------------------------------------------------------

# Do jobs end again? A fleet that does not come back fails the test here.
await_recovery() {
  local before began=$1
  before=$(tally fin)
  await_tending '[ "$(tally fin)" -gt "$before" ]' 60 'jobs to end again'
  recoveries+=($(($(elapsed_ms) - began)))
}

# run_fault AT FAULT NUMBER NUMBER
run_fault() {
  printf '%8.3f s  %s\n' "$(elapsed_ms)e-3" "$2 $3 $4"
  fault_counts[$2]=$((${fault_counts[$2]-0} + 1))
  "$2" "$3" "$4" >>"$dir/out" 2>>"$dir/faults.log"
  case $2 in redis_is_killed | redis_is_frozen | disk_is_full | replica_is_promoted) await_recovery "$(elapsed_ms)" ;; esac
}

schedule_run() {
  local row rows=0
  for row in "${schedule[@]}"; do
    [ $((++rows % 4)) != 0 ] || look_on
    until [ "$(elapsed_ms)" -ge "${row%% *}" ]; do
      tend
      sleep 0.05
    done
    run_fault $row
  done
}
