# SPDX-License-Identifier: MIT
# For sourcing by bench.sh: the counter service beside nginx, which answers the same bytes from
# its configuration, and beside a counter in Python's memory. Whatever is not installed is left
# out, and its row says so.

count=12345 # the counter's value; all answer it

# nginx_path: the binary; the package would start a service, so it is only unpacked.
nginx_path() {
  command -v nginx || { [ -x "$root/build/tools/nginx/usr/sbin/nginx" ] &&
    echo "$root/build/tools/nginx/usr/sbin/nginx"; }
}

free_port() {
  local candidate
  until
    candidate=$((RANDOM % 20000 + 20000))
    port_free "$candidate"
  do :; done
  echo "$candidate"
}

# http_peer NAME PORT COMMAND…: a child that listens there soon, or else is left out.
http_peer() {
  local name=$1 port=$2 end=$((SECONDS + 10))
  shift 2
  child_start "$name" "$@"
  while port_free "$port"; do
    if [ "$SECONDS" -gt "$end" ] || ! child_alive "$child"; then
      echo "$name did not start: $dir/$name.log" >&2
      return 0
    fi
    sleep 0.05
  done
  http_url[$name]=http://127.0.0.1:$port/hits
  http_order+=("$name")
}

nginx_start() {
  local nginx port
  nginx=$(nginx_path) || return 0
  port=$(free_port)
  mkdir -p "$dir/nginx"
  cat >"$dir/nginx/conf" <<EOT
daemon off; worker_processes 1; pid $dir/nginx/pid; error_log $dir/nginx/error;
events { worker_connections 256; }
http {
  access_log off; keepalive_requests 100000000;
  client_body_temp_path $dir/nginx/1; proxy_temp_path $dir/nginx/2; fastcgi_temp_path $dir/nginx/3;
  uwsgi_temp_path $dir/nginx/4; scgi_temp_path $dir/nginx/5;
  server { listen 127.0.0.1:$port; location / { default_type text/plain; return 200 "$count"; } }
}
EOT
  http_peer nginx "$port" "$nginx" -e "$dir/nginx/error" -c "$dir/nginx/conf"
}

wsgi_start() {
  local port
  export HITS=$count
  port=$(free_port)
  [ ! -x /usr/bin/uwsgi-core ] || http_peer uwsgi "$port" /usr/bin/uwsgi-core --plugin python3 \
    --http-socket "127.0.0.1:$port" --wsgi-file "$here/counter_wsgi.py" --disable-logging
  port=$(free_port)
  [ ! -x /usr/bin/gunicorn ] || http_peer gunicorn "$port" /usr/bin/gunicorn --workers 1 \
    --bind "127.0.0.1:$port" --chdir "$here" --log-level error counter_wsgi:application
}

# Starts everybody once; http_url has where each answers.
http_start() {
  [ ${#http_order[@]} = 0 ] || return 0
  local port
  child_start dashboard "$LEAT_BIN/leat-dashboard" --listen 127.0.0.1:0
  await 'grep -q ^dashboard "$dir/dashboard.log"' 10 'the dashboard'
  port=$(sed -n 's/.*:\([0-9]*\)\/$/\1/p' "$dir/dashboard.log")
  http_url[leat]=http://127.0.0.1:$port/counters/hits
  http_order=(leat)
  nginx_start
  wsgi_start
}
declare -A http_url=()
http_order=()

# Each prints requests a second; a wrong answer ends the benchmark.
rate_wrk() {
  wrk -t1 -c32 "-d${http_s}s" "$1" >"$dir/wrk.out"
  ! grep -E 'Non-2xx' "$dir/wrk.out" || fail "wrong answers of $1"
  awk '/^Requests\/sec:/ { print $2 }' "$dir/wrk.out"
}

rate_ab() {
  ab -q -n 10000 -c 1 "$1" >"$dir/ab.out" 2>>"$dir/tools.log"
  ! grep -E '^(Non-2xx|Failed requests: +[1-9])' "$dir/ab.out" || fail "wrong answers of $1"
  awk '/^Requests per second:/ { print $4 }' "$dir/ab.out"
}

# http_row NUMBER WHAT TOOL TARGET: all take turns, so that a busy moment hits each of them.
http_row() {
  local number=$1 what=$2 tool=$3 target=$4 turn name
  command -v "$tool" >/dev/null || { unmeasured "$number" "$what" "no $tool" && return; }
  http_start
  redis_cli hset '{leat:default}:counters' hits "$count" >/dev/null
  for ((turn = 0; turn < turns; turn++)); do
    for name in "${http_order[@]}"; do
      "rate_$tool" "${http_url[$name]}" >>"$dir/$name.$tool"
    done
  done
  local ours beside
  ours=$(median <"$dir/leat.$tool")
  if [ -n "${http_url[nginx]-}" ]; then
    beside=$(median <"$dir/nginx.$tool")
    row "$number" "$what" "$(thousands "$ours")" "nginx $(thousands "$beside")" \
      "$(ratio "$ours" "$beside")" at-least "$target"
  else
    unmeasured "$number" "$what" 'no nginx'
  fi
  for name in uwsgi gunicorn; do
    [ -n "${http_url[$name]-}" ] || continue
    beside=$(median <"$dir/$name.$tool")
    shown "$number" "  the same, counted in Python's memory" "$(thousands "$ours")" \
      "$name $(thousands "$beside")" "$(ratio "$ours" "$beside")"
  done
}

row_10() {
  http_row 10 'GET /counters/NAME, 32 connections' wrk 0.4
}

row_11() {
  http_row 11 'GET /counters/NAME, a connection each (ab -c 1)' ab 0.8
}
