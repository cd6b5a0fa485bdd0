# SPDX-License-Identifier: MIT
# For sourcing by chaos.sh: two Redis servers, `a` and `b`, of which one serves at a time. All
# clients connect to $socket, a symlink to the serving one's; so a failover is a switch of it.
# Their data is on a small disk of its own where mounting is permitted, so that it can be full.

serving=a
server_pid=''
disk_mib=256
no_disk='' # why the disk cannot be full, or nothing

other_server() {
  if [ "$serving" = a ]; then echo b; else echo a; fi
}

server_socket() {
  echo "$socket_dir/redis-$1.sock"
}

# server_cli NAME ARG…
server_cli() {
  redis-cli -s "$(server_socket "$1")" "${@:2}"
}

# chaos.sh runs in a mount namespace of its own if it may have one.
disk_mount() {
  mkdir -p "$dir/redis"
  [ -z "${CHAOS_NO_MOUNT-}" ] || { no_disk=$CHAOS_NO_MOUNT && return; }
  if mount -t tmpfs -o "size=${disk_mib}m" leat-chaos "$dir/redis" 2>"$dir/mount.err"; then
    e2e_undos+=("umount '$dir/redis'")
  else
    no_disk=$(tail -n 1 "$dir/mount.err")
  fi
}

# A port is needed for the replica alone; one that is taken ends the server at once.
server_try() {
  local name=$1
  shift
  mkdir -p "$dir/redis/$name"
  aof_repair "$dir/redis/$name"
  port=$((20000 + $$ % 20000 + ports_tried++))
  child_start "redis-$name" "$dir/tools/redis-server" --port "$port" --bind 127.0.0.1 \
    --unixsocket "$(server_socket "$name")" --unixsocketperm 700 --dir "$dir/redis/$name" \
    --save '' --appendonly yes --appendfsync always --auto-aof-rewrite-min-size 16mb \
    --repl-diskless-sync-delay 0 --maxmemory-policy noeviction "$@"
  server_pid=$child
  await '[ "$(server_cli "$starting" ping 2>&1)" = PONG ] || ! child_alive "$server_pid"' 60 \
    'Redis to answer'
  child_alive "$server_pid"
}
ports_tried=0

# server_start NAME [ARG…]: its pid is in $server_pid, its port in $port.
server_start() {
  local tries starting=$1
  for tries in 1 2 3 4 5; do
    if server_try "$@"; then return; fi
    child_stop "$server_pid"
  done
  fail "Redis does not start ($tries tries)"
}

server_serves() {
  serving=$1
  ln -sfn "redis-$1.sock" "$socket.new"
  mv -T "$socket.new" "$socket"
}

servers_start() {
  redis_link "$dir/tools" || skip 'no redis-server'
  disk_mount
  server_start a
  server_serves a
}

server_restart() {
  server_start "$serving"
}

# ---- faults --------------------------------------------------------------------------------

redis_is_killed() {
  child_stop "$server_pid" KILL
  server_restart
}

# Redis, which fsyncs always, ends when it cannot write.
disk_is_full() {
  head -c "$disk_mib"M /dev/zero >"$dir/redis/filler" 2>>"$dir/out" || true
  await_tending '! child_alive "$server_pid"' 60 'Redis to meet the full disk'
  child_stop "$server_pid"
  rm "$dir/redis/filler"
  server_restart
}

replica_is_synced() {
  server_cli "$1" info replication | grep -q '^master_link_status:up'
}

# What was acknowledged to the producers is on the replica before the master is killed; what
# the workers did meanwhile may be there or not, jobs and effects alike.
replica_is_promoted() {
  local old=$serving new old_pid=$server_pid old_port
  new=$(other_server)
  old_port=$(server_cli "$old" config get port | tail -n 1)
  rm -rf "$dir/redis/$new"
  server_start "$new" --replicaof "127.0.0.1 $old_port"
  await 'replica_is_synced "$new"' 60 'the replica to be in step'
  loads_pause
  server_cli "$old" eval 'return redis.call("SET", KEYS[1], 1)' 1 '{leat:default}:chaos' >>"$dir/out"
  expect_eq 1 "$(printf 'SET {leat:default}:chaos 2\nWAIT 1 60000\n' | server_cli "$old" | tail -n 1)" \
    'replicas that have all'
  child_stop "$old_pid" KILL
  server_cli "$new" replicaof no one >>"$dir/out"
  server_serves "$new"
  loads_go_on
}
