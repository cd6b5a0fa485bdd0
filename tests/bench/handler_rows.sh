# SPDX-License-Identifier: MIT
# For sourcing by bench.sh: the users' own jobs. Each kind of handler runs jobs that do nothing,
# beside what the same program or the same server reaches with no job system in between.

# The interpreter itself: a wrapper in front of it would be measured, too.
bench_python=$(python3 -c 'import os, sys; print(os.path.realpath(sys.executable))' 2>/dev/null || true)

# make_noops COUNT: $dir/noops.jobs, which `load noops` pushes.
make_noops() {
  awk -v count="$1" 'BEGIN {
    for (n = 1; n <= count; n++)
      printf "{\"type\":\"noop\",\"id\":\"01981f2e-7bc8-7000-8d2d-%012x\",\"args\":{\"n\":%d}}\n", n, n
  }' >"$dir/noops.jobs"
}

# drain_noops COUNT OPTION…: jobs a second of one worker process, from its start to its exit.
drain_noops() {
  local count=$1 seconds
  shift
  empty_redis
  load noops >/dev/null
  read -r seconds _ < <(tool times 1 "$LEAT_BIN/leat-worker" -p 0 --drain "$@")
  expect_eq "$count" "$(redis_cli hget '{leat:default}:m' done)" "jobs done ($*)"
  expect_eq '0 0' "$(redis_cli llen leat:default) $(redis_cli zcard '{leat:default}:dead')" 'jobs left, and dead'
  per_s "$count" "$seconds" && echo
}

# handler_row NUMBER WHAT KIND LIMIT NAME [TARGET]: medians of $dir/KIND.rate and $dir/LIMIT.raw.
handler_row() {
  local ours raw beside
  ours=$(median <"$dir/$3.rate") raw=$(median <"$dir/$4.raw")
  beside="$5 $(thousands "$raw")"
  if [ $# = 6 ]; then
    row "$1" "$2" "$(thousands "$ours")" "$beside" "$(ratio "$ours" "$raw")" at-least "$6"
  else
    shown "$1" "  $2" "$(thousands "$ours")" "$beside" "$(ratio "$ours" "$raw")"
  fi
}

# ---- 2: a shared object ----------------------------------------------------------------------

row_2() {
  local turn
  printf 'handler noop {\n kind = plugin\n file = "%s"\n}\n' "$LEAT_BIN/leat-bench-plugin.so" >"$dir/plugin.conf"
  make_noops "$jobs"
  for ((turn = 0; turn < turns; turn++)); do
    empty_redis
    load noops >/dev/null
    raw_pops >>"$dir/plugin.raw"
    drain_noops "$jobs" -c 1000 --config "$dir/plugin.conf" >>"$dir/plugin.rate"
  done
  handler_row 2 'jobs of a plugin that do nothing' plugin plugin RPOP 0.3
}

# ---- 12 and 13: programs that read lines -----------------------------------------------------

# The lines that a worker hands over, as the limit's programs get them.
copy_lines() {
  [ ! -e "$dir/calls" ] || return 0
  make_noops 1000
  drain_noops 1000 --lines "noop=$LEAT_BIN/leat-bench-handler 100 $dir/calls" >/dev/null
}

row_12() {
  local turn count=$((jobs / 2))
  copy_lines
  make_noops "$count"
  for ((turn = 0; turn < turns; turn++)); do
    tool lines "$dir/calls" "$count" 1 "$LEAT_BIN/leat-bench-handler" >>"$dir/pingpong.raw"
    tool lines "$dir/calls" "$count" 100 "$LEAT_BIN/leat-bench-handler" >>"$dir/hundred.raw"
    drain_noops "$count" --lines "noop=$LEAT_BIN/leat-bench-handler 100" >>"$dir/c_lines.rate"
  done
  handler_row 12 'lines handler in C that does nothing' c_lines pingpong ping-pong 0.5
  handler_row 12 'the same, a hundred lines in flight' c_lines hundred pipes
}

# The limit is the very program, fed by one that does nothing else. From a file to /dev/null it
# is quicker still, for nobody has to be woken by what it writes.
row_13() {
  local turn seconds count=$((jobs / 4)) round
  local handler=("$bench_python" "$here/handler.py")
  [ -n "$bench_python" ] || { unmeasured 13 'lines handler in Python' 'no python3' && return; }
  copy_lines
  make_noops "$count"
  for ((round = 0; round < count / 1000; round++)); do cat "$dir/calls"; done >"$dir/many_calls"
  for ((turn = 0; turn < turns; turn++)); do
    tool lines "$dir/calls" "$count" 100 "${handler[@]}" >>"$dir/python.raw"
    read -r seconds _ < <(tool times 1 bash -c 'exec "$@" <"$0"' "$dir/many_calls" "${handler[@]}")
    per_s "$count" "$seconds" | cat - <(echo) >>"$dir/python_file.raw"
    drain_noops "$count" --lines "noop=${handler[*]} 100" >>"$dir/python.rate"
  done
  handler_row 13 'lines handler in Python that parses and answers' python python 'bare Python' 0.7
  handler_row 13 'the same, from a file to /dev/null' python python_file 'bare Python'
}

# ---- 14: a program for each job --------------------------------------------------------------

row_14() {
  local turn count=$((jobs / 100)) true
  true=$(type -P true)
  make_noops "$count"
  for ((turn = 0; turn < turns; turn++)); do
    tool spawn "$count" 1 "$true" >>"$dir/spawn.raw"
    tool spawn "$count" 4 "$true" >>"$dir/spawn4.raw"
    drain_noops "$count" --exec "noop=$true" >>"$dir/exec.rate"
  done
  handler_row 14 'exec of true' exec spawn posix_spawn 0.6
  handler_row 14 'the same, four at once' exec spawn4 posix_spawn
}

# ---- 15: requests ----------------------------------------------------------------------------

http_secret=MDEyMzQ1Njc4OWFiY2RlZg
http_at_once=32

# http_handler URL: the configuration of a worker that posts there.
http_handler() {
  printf '%s\n' "$http_secret" >"$dir/http.secret"
  chmod 600 "$dir/http.secret"
  printf 'handler noop {\n kind = http\n url = "%s"\n secret-file = "%s"\n connections = %d\n concurrency = %d\n}\n' \
    "$1" "$dir/http.secret" "$http_at_once" "$http_at_once" >"$dir/http.conf"
}

# receiver_start NAME OPTION…: leaves its URL in $receiver. It checks what is signed.
receiver_start() {
  child_start "$1" "$LEAT_BIN/leat-receiver" --secret "$http_secret" "${@:2}"
  await "grep -q ^listening '$dir/$1.log'" 10 'the receiver to listen'
  receiver=http://127.0.0.1:$(awk '$1 == "listening" { print $2 }' "$dir/$1.log")
}

# The request that a worker sends, for wrk: one that was received, with its headers.
copy_request() {
  receiver_start request
  http_handler "$receiver/noop"
  make_noops 1
  drain_noops 1 --config "$dir/http.conf" >/dev/null
  sed -n 's/^post [0-9]* [^ ]* //p' "$dir/request.log" | awk '{
    body = substr($0, index($0, " body=") + 6)
    print "wrk.method = \"POST\""
    print "wrk.body = [==[" body "]==]"
    for (i = 1; i <= NF && $i !~ /^body=/; i++) {
      at = index($i, "=")
      print "wrk.headers[\"" substr($i, 1, at - 1) "\"] = \"" substr($i, at + 1) "\""
    }
  }' >"$dir/request.lua"
}

# http_turns NAME URL COUNT: both against the same server, in turns.
http_turns() {
  local turn
  http_handler "$2"
  make_noops "$3"
  for ((turn = 0; turn < turns; turn++)); do
    wrk -t1 "-c$http_at_once" "-d${http_s}s" -s "$dir/request.lua" "$2" >"$dir/wrk.out"
    ! grep -E 'Non-2xx' "$dir/wrk.out" || fail "wrong answers of $2"
    awk '/^Requests\/sec:/ { print $2 }' "$dir/wrk.out" >>"$dir/$1.raw"
    drain_noops "$3" --config "$dir/http.conf" >>"$dir/$1.rate"
  done
}

row_15() {
  local count=$((jobs / 10))
  command -v wrk >/dev/null || { unmeasured 15 'http handler' 'no wrk' && return; }
  copy_request
  receiver_start receiver --quiet
  http_turns receiver "$receiver/noop" "$count"
  handler_row 15 'http handler, to a server that checks the signature' receiver receiver wrk 0.4
  [ -n "$(nginx_path)" ] || return 0
  http_start
  http_turns posted "${http_url[nginx]}" "$count"
  handler_row 15 'the same, to nginx, which only says 200' posted posted wrk
}
