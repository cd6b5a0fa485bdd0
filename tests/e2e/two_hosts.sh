#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Two hosts: two network namespaces and a wire between them. `near` has Redis, a worker and a
# producer; `far` has a worker, a producer and the dashboard, all over TCP. Under the load of the
# chaos test each round cuts the wire in one way, and shows that near goes on and takes over what
# far held; and that far, once the wire is whole again, works on by itself. In the end the oracle
# of the chaos test finds nothing lost or doubled. The times are measured and printed, not judged:
# machines are noisy. TWO_HOSTS_TIMES: how often all rounds are gone through, once by default.
. "$(dirname "$0")/../support/e2e.sh"
. "$(dirname "$0")/../chaos/handlers.sh"
. "$(dirname "$0")/../support/queue.sh"

near_ip=198.51.100.1 far_ip=198.51.100.2 # for documentation: nobody's
redis_port=7000 origin_port=7001 dashboard_port=7002
lease_ms=2000
rate=500 # jobs a second, by each of the two producers of load
seed=1
times=${TWO_HOSTS_TIMES:-1}

# ---- the hosts -----------------------------------------------------------------------------

# host_start NAME: a namespace that lives as long as a process in it, so that nothing is left
# behind, however this test ends.
host_start() {
  child_start "host-$1" unshare --net sleep infinity
  declare -g "host_$1=$child"
  await '! [ "/proc/$child/ns/net" -ef /proc/self/ns/net ]' 10 'a namespace of its own'
}

# on HOST COMMAND…
on() {
  local holder=host_$1
  shift
  nsenter --net="/proc/${!holder}/ns/net" "$@"
}

# start_on HOST NAME COMMAND…: a child of this test; $child is its pid. It does not hold the
# producer's lines open.
start_on() {
  local holder=host_$1 name=$2
  shift 2
  child_start "$name" nsenter --net="/proc/${!holder}/ns/net" "$@" 9>&-
}

hosts_start() {
  local host ip
  command -v ip unshare nsenter >"$dir/out" || skip 'no ip, unshare or nsenter'
  unshare --net true 2>"$dir/err" || skip "no network namespaces: $(cat "$dir/err")"
  host_start near
  host_start far
  ip link add near netns "$host_near" type veth peer name far netns "$host_far" 2>"$dir/err" ||
    skip "no veth: $(cat "$dir/err")"
  for host in near far; do
    ip=${host}_ip
    on "$host" ip link set lo up
    on "$host" ip address add "${!ip}/24" dev "$host"
    on "$host" ip link set "$host" up
  done
}

# ---- what runs on them ---------------------------------------------------------------------

redis_up() {
  aof_repair "$dir/redis"
  start_on near redis "$dir/tools/redis-server" --bind "$near_ip" --port "$redis_port" \
    --protected-mode no --unixsocket "$socket" --unixsocketperm 700 --dir "$dir/redis" --save '' \
    --appendonly yes --appendfsync always
  redis_pid=$child
  await '[ "$(redis_cli ping 2>&1)" = PONG ]' 10 'Redis to answer'
}

# A page that each host has for itself, so that only Redis is behind the wire.
origin_up() {
  start_on "$1" "origin-$1" "$LEAT_BIN/leat-origin" --port "$origin_port" --pages "$dir/pages"
  await "grep -q ^listening '$dir/origin-$1.log'" 10 'the origin to listen'
}

worker_up() {
  local host=$1
  shift
  start_on "$host" "worker-$host" "$LEAT_BIN/leat-worker" -c 32 --lease "${lease_ms}ms" \
    --allow-net 127.0.0.0/8 --log-level warn -q default --config "$dir/leat.conf" "$@"
}

far_up() {
  worker_up far -p 0 -q far
  far_worker=$child
  await '[ -n "$(worker_record_id "$far_worker")" ]' 20 'the worker at far to be known'
  far_id=$(worker_record_id "$far_worker")
}

# Its jobs are those that the oracle knows.
load_up() {
  start_on "$1" "load-$1" "$LEAT_BIN/leat-chaos-load" --seed "$seed" --rate "$rate" \
    --origin "http://127.0.0.1:$origin_port" --producer "$2"
  declare -g "load_$1=$child"
}

# One more at far, whose lines this test writes to fd 9: they become increments.
producer_up() {
  mkfifo "$dir/lines"
  start_on far push bash -c 'exec "$0" push -q here --lines increment --arg counter <"$1"' "$leat" "$dir/lines"
  producer=$child
  exec 9>"$dir/lines"
}

all_up() {
  export LEAT_REDIS=redis://$near_ip:$redis_port
  redis_link "$dir/tools" || skip 'no redis-server'
  mkdir -p "$dir/redis"
  seq -f '/page/%g' 0 19 >"$dir/pages"
  handlers_conf "$$" 1 >"$dir/leat.conf"
  redis_up
  redis_cli hset "$(key counters)" full 9223372036854775807 >"$dir/out"
  origin_up near
  origin_up far
  worker_up near -p 2 -q here
  near_worker=$child
  far_up
  producer_up
  load_up near 0
  load_up far 1
  start_on far dashboard "$LEAT_BIN/leat-dashboard" --listen "127.0.0.1:$dashboard_port"
  await 'far_ready' 20 'the dashboard at far'
}

# ---- load ----------------------------------------------------------------------------------

pushed_near=0 pushed_producer=0 pushed_far=0

# shellcheck disable=SC2046
lines() { printf "$1%.0s\n" $(seq "$2"); }

# The queues `here` and `far` are served by near alone, and by far alone.
push_near() {
  lines near "$1" | on near "$leat" push -q here --lines increment --arg counter 2>>"$dir/push-near.log"
  pushed_near=$((pushed_near + $1))
}

push_producer() {
  lines producer "$1" >&9
  pushed_producer=$((pushed_producer + $1))
}

push_far() {
  on near "$leat" push -q far increment counter=far >"$dir/out"
  pushed_far=$((pushed_far + 1))
}

# counted COUNTER QUEUE N: at least so much. That it is not more is seen in the end.
count_of() { redis_cli hget "{leat:$2}:counters" "$1"; }
counted() { [ "$(count_of "$1" "$2")" -ge "$3" ] 2>>"$dir/out"; }

far_holds() { [ "$(leases_of "$far_id")" != 0 ]; }

far_ready() {
  on far bash -c "$(declare -f http_get); http_get $dashboard_port /readyz" 2>&1 | grep -q '^HTTP/1.1 200'
}

# ---- the wire ------------------------------------------------------------------------------

# What leaves HOST is sent to a card that nobody has: it goes, and does not arrive.
lose_from() {
  local other=$far_ip
  [ "$1" = near ] || other=$near_ip
  on "$1" ip neighbour replace "$other" lladdr 02:00:00:00:00:01 dev "$1" nud permanent
}

find_from() {
  local other=$far_ip
  [ "$1" = near ] || other=$near_ip
  on "$1" ip neighbour delete "$other" dev "$1"
}

cut_unplugged() { on far ip link set far down; }
heal_unplugged() { on far ip link set far up; }

cut_hole() { lose_from near && lose_from far; }
heal_hole() { find_from near && find_from far; }

# What far asks for arrives and runs, and far never hears of it.
cut_answers() { lose_from near; }
heal_answers() { find_from near; }

cut_questions() { lose_from far; }
heal_questions() { find_from far; }

# The far worker is gone without a word; Redis keeps its connections, which wait for jobs.
cut_vanished() {
  cut_hole
  child_stop "$far_worker" KILL
}
heal_vanished() {
  heal_hole
  far_up
}

# Redis is gone without a word, and back under the same address; far keeps its connections.
cut_rebooted() {
  cut_hole
  redis_kill9
  redis_up
}
heal_rebooted() { heal_hole; }

# ---- a round -------------------------------------------------------------------------------

now_ms() { echo $((${EPOCHREALTIME/[.,]/} / 1000)); }

# await_since FROM CONDITION WHAT: how long it took is in $took.
await_since() {
  await "$2" 30 "$3"
  took=$(($(now_ms) - $1))
}

noticed() { [ "$(grep -c 'redis lost' "$dir/worker-far.log")" -gt "$losses" ]; }

# It is over when near has taken over what far held and, if far still runs, far has noticed.
cut_lasts() {
  [ "$1" = vanished ] || await noticed 30 'far to notice'
}

round() {
  local fault=$1 cut healed near_on taken_over
  losses=$(grep -c 'redis lost' "$dir/worker-far.log" || true)
  await far_holds 20 'far to hold a lease'
  cut=$(now_ms)
  "cut_$fault"
  push_near 100
  push_producer 500
  await_since "$cut" 'counted near here "$pushed_near"' 'near to go on'
  near_on=$took
  await_since "$cut" '! far_holds' 'near to take over what far held'
  taken_over=$took
  cut_lasts "$fault"
  healed=$(now_ms)
  "heal_$fault"
  push_far
  await_since "$healed" 'counted far far "$pushed_far"' 'far to work again'
  times_of[far_works]+=" $took"
  echo "$fault: near went on in $near_on ms, took over in $taken_over ms;" \
    "after $((healed - cut)) ms healed, far worked in $took ms"
  await_since "$healed" 'counted producer here "$pushed_producer"' 'the producer at far to go on'
  times_of[far_pushes]+=" $took"
  await_since "$healed" far_ready 'the dashboard at far to be ready'
  times_of[far_reads]+=" $took"
  [ "$fault" = answers ] || times_of[taken_over]+=" $taken_over"
}

# ---- the verdict ---------------------------------------------------------------------------

median() { printf '%s\n' "$@" | sort -n | sed -n "$((($# + 1) / 2))p"; }

slowest() { printf '%s\n' "$@" | sort -n | tail -n 1; }

figures() {
  local name
  for name in taken_over far_works far_pushes far_reads; do
    # shellcheck disable=SC2086
    echo "$name: median $(median ${times_of[$name]}) ms, at most $(slowest ${times_of[$name]}) ms"
  done
}

# ends PID WHAT: by itself, and well.
ends() {
  ended=$1
  await '! child_alive "$ended"' 60 "$2 to end"
  child_stop "$ended"
  expect_eq 0 "$status" "exit status of $2"
}

# How many jobs each producer of load had acknowledged: $acknowledged.
pushing_ends() {
  local host
  exec 9>&-
  ends "$producer" 'the producer at far'
  kill "$load_near" "$load_far"
  ends "$load_near" 'the load at near'
  ends "$load_far" 'the load at far'
  for host in near far; do
    acknowledged+=("$(awk '$1 == "acknowledged" { print $2 }' "$dir/load-$host.log")")
  done
}

is_drained() {
  local name
  for name in queue high h s lease sched body again; do
    [ "$(size "$name")" = 0 ] || return 1
  done
}

workers_end() {
  local pid
  for pid in "$near_worker" "$far_worker"; do
    child_stop "$pid"
    expect_eq 0 "$status" 'exit status of a worker'
  done
}

hosts_start
all_up
ok 'two hosts, one Redis'

declare -A times_of
for ((i = 0; i < times; i++)); do
  for fault in unplugged hole answers questions vanished rebooted; do
    round "$fault"
  done
done
ok 'whatever became of the wire, near went on, and far came back'

pushing_ends
await is_drained 180 'all jobs to end'
workers_end
expect_eq "$pushed_near" "$(count_of near here)" 'the counter near'
expect_eq "$pushed_producer" "$(count_of producer here)" 'the counter producer'
expect_eq "$pushed_far" "$(count_of far far)" 'the counter far'
on near "$LEAT_BIN/leat-chaos-oracle" --seed "$seed" --origin "http://127.0.0.1:$origin_port" \
  "${acknowledged[@]}" || fail 'jobs were lost or doubled: see above'
expect_exit 0 on near "$leat" fsck -q default
ok "nothing of $((acknowledged[0] + acknowledged[1])) jobs was lost or doubled"
figures
ok "in $SECONDS s"
