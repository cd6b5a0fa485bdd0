#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The configuration file: what it says holds for workers, the dashboard and the commands; what is
# wrong with it is said with file and line.
. "$(dirname "$0")/../support/e2e.sh"

file=$dir/leat.conf
address=$LEAT_REDIS

# shown SETTING [ARG…]: its line of `leat config show --origin`, without the setting.
shown() { "$leat" config show --origin --config "$file" "${@:2}" | sed -n "s/^$1\t//p"; }

a_bad_file_is_refused_by_all() {
  local name
  printf 'log { level = info }\n# a comment\nworker {\n  lease = 1\n}\n' >"$file"
  for name in 'config check' 'config show' status worker dashboard; do
    expect_exit 78 "$leat" $name --config "$file"
    expect_eq "leat: $file:4: worker.lease needs a duration with its unit, such as 250ms, 10s, 5m or 2h: not '1' (2s to 1h)" \
      "$(cat "$dir/err")" "what leat $name says"
  done
  expect_exit 78 "$leat" config check "$file"
  expect_exit 78 env "LEAT_CONFIG=$dir/none" "$leat" config check
  expect_match "cannot read $dir/none: No such file" "$(cat "$dir/err")" 'a file that is not there'
  mkfifo "$dir/pipe"
  expect_exit 78 timeout 20 "$leat" config check "$dir/pipe"
  expect_match "$dir/pipe is a pipe: settings stand in a file" "$(cat "$dir/err")" 'a pipe'
  printf 'worker { }\n' >"$file"
  expect_exit 0 "$leat" config check "$file"
  printf 'retry refesh { max = 1 }\n' >"$file"
  expect_exit 78 "$leat" worker --drain --config "$file"
  expect_match "$file:1: this worker has no handler for 'refesh'" "$(cat "$dir/err")" 'a type misspelt'
  ok 'a bad file is refused with file and line, by every program'
}

the_later_wins() {
  mkdir "$file.d"
  printf 'redis = "redis://:secret@file"\nworker { concurrency = 1 lease = 5s }\nqueue mail { weight = 3 }\n' >"$file"
  printf 'worker { concurrency = 2 }\n' >"$file.d/10.conf"
  printf '\nworker { concurrency = 3 }\n' >"$file.d/20.conf"
  printf 'worker { concurrency = 4 }\n' >"$file.d/30.conf~"
  expect_eq $'info\tdefault' "$(shown log.level)" 'what nobody says'
  expect_eq $'5s\t'"$file:2" "$(shown worker.lease)" 'what the file says'
  expect_eq $'3\t'"$file.d/20.conf:2" "$(shown worker.concurrency)" 'what the last drop-in says'
  expect_eq $'3\t'"$file:3" "$(shown queue.mail.weight)" 'a weight'
  expect_match "^unix:.*[[:space:]]environment LEAT_REDIS$" "$(shown redis)" 'what the environment says'
  expect_match "^redis://option:6379/0[[:space:]]--redis$" "$(shown redis --redis redis://option)" 'an option'
  expect_eq $'redis://file:6379/0\t'"$file:1" "$(LEAT_REDIS='' && unset LEAT_REDIS && shown redis)" 'an address, without its password'
  expect_eq $'redis://a:6379/0, redis://b:1/0\tenvironment LEAT_REPLICA' \
    "$(LEAT_REPLICA='redis://:secret@a redis://b:1' shown replica)" 'replicas, without their passwords'
  expect_match '^\{"setting":"log.level","value":"info","origin":"default"\}' \
    "$("$leat" config show --origin --json --config "$file")" 'as JSON'
  rm -r "$file.d"
  ok 'the default, the file, drop-ins, the environment, the command line: the later wins'
}

# The page's rows, and the example with its settings uncommented, are the tables' rows.
the_page_and_the_example_have_every_setting() {
  local setting value rest count=0 project=$e2e_support/../..
  unset LEAT_REDIS
  printf 'queue NAME { }\nretry TYPE { }\nhandler TYPE { }\n' >"$file"
  while IFS= read -r rest; do
    setting=${rest%%$'\t'*} value=${rest#*$'\t'}
    grep -qF "| \`$setting\` | ${value:+$value }|" "$project/docs/configuration.md" ||
      fail "docs/configuration.md: no row | \`$setting\` | $value |"
    count=$((count + 1))
  done < <("$leat" config show --config "$file")
  expect_eq "$count" "$(grep -c '^| `' "$project/docs/configuration.md")" 'rows of the page'
  expect_exit 0 "$leat" config check "$project/packaging/leat.conf"
  expect_match 'says nothing' "$(cat "$dir/err")" 'the example as it comes'
  sed -E 's/^#([a-z}]|  )/\1/' "$project/packaging/leat.conf" >"$file"
  expect_exit 0 "$leat" config show --config "$file"
  expect_eq '' "$("$leat" config show --origin --config "$file" | grep -E 'default$' || true)" \
    'settings that the example lacks'
  export LEAT_REDIS=$address
  ok "the page and the example know all $count settings"
}

# judged STATUS REGEX TEXT: what the check, and a worker that only checks, say of a file.
judged() {
  local check
  printf '%s\n' "$3" >"$file"
  for check in 'config check' 'worker --check-config'; do
    expect_exit "$1" env "LEAT_REDIS=unix://$dir/none" "$leat" $check --config "$file"
    expect_match "^$2\$" "$(cat "$dir/err" "$dir/out")" "what leat $check says of: $3"
  done
}

what_handlers_name_is_looked_at() {
  local at="leat: $file:2: handler x: "
  (umask 077 && echo sixteen-letters-or-more >"$dir/secret")
  echo 'no shared object' >"$dir/text.so"
  judged 78 "${at}command: /no/such is no program .*No such file or directory" $'\nhandler x { command = {"/no/such"} }'
  judged 78 "${at}command is missing: .*" $'\nhandler x { kind = lines }'
  judged 78 "${at}url is missing: .*" $'\nhandler x { kind = http }'
  judged 78 "${at}secret-file: cannot read .*$dir/none: No such file or directory" $'\nhandler x { kind = http url = "http://127.0.0.1/" secret-file = "'"$dir/none\" }"
  judged 78 "${at}file: $dir/none: No such file or directory" $'\nhandler x { kind = plugin file = "'"$dir/none\" }"
  judged 78 "${at}file: $dir/text.so is no shared object: .*" $'\nhandler x { kind = plugin file = "'"$dir/text.so\" }"
  judged 78 "leat: $file:2: handler.kind .*'ftp'.*" $'\nhandler x { kind = ftp }'
  judged 78 "leat: $file:2: found duplicate title 'x'; put all that is said of it into one section" 'handler x { command = {true} }
handler x { grace = 1s }'
  judged 78 "leat: $file:2: this worker has no handler for 'y'" $'\nretry y { max = 1 }'
  judged 0 '' 'handler a { command = {"sh", "-c", "true"} }
handler b { kind = lines  command = {"/bin/cat"} }
handler c { kind = http  url = "http://127.0.0.1/"  secret-file = "'"$dir/secret"'" }
handler d { kind = plugin  file = "'"$LEAT_BIN"'/test_plugin.so" }
retry d { max = 1 }'
  ok 'what handlers name is looked at before a worker has to'

  mkdir "$dir/alone"
  cp "$leat" "$dir/alone"
  expect_exit 0 "$dir/alone/leat" config check "$file"
  expect_eq 'leat: there is no leat-worker here: handlers were not looked at' "$(cat "$dir/err")" 'what it says alone'
  ok 'where there is no worker, that is said'
}

commands_find_redis_by_the_file() (
  unset LEAT_REDIS
  export LEAT_CONFIG=$file
  printf 'redis = "%s"\n' "$address" >"$file"
  "$leat" push increment counter=n >"$dir/out"
  expect_exit 69 env "LEAT_REDIS=unix://$dir/none" "$leat" status
  expect_exit 69 "$leat" status --redis "unix://$dir/none"
  expect_exit 0 "$leat" worker --drain
  expect_eq 1 "$("$leat" counter get n)" 'the counter'
  ok 'commands and workers find Redis by the file, unless something else says where'
)

a_worker_does_as_the_file_says() {
  local queue
  printf 'log { format = json }\nqueue a { }\nqueue b { weight = 2 }\n' >"$file"
  for queue in a b c; do "$leat" push increment -q "$queue" counter=n >"$dir/out"; done
  expect_exit 0 "$leat" worker --drain --config "$file"
  expect_match '^\{.*"msg":"redis up"' "$(cat "$dir/err")" 'its log'
  expect_eq '1 1 0' "$(for queue in a b c; do
    redis_cli hget "{leat:$queue}:counters" n | sed 's/^$/0/'
  done | paste -sd' ')" 'what was counted in a, b and c'
  expect_exit 0 "$leat" worker --drain --config "$file" -q c --log-format logfmt
  expect_match '^ts=' "$(cat "$dir/err")" 'its log'
  expect_eq 1 "$(redis_cli hget '{leat:c}:counters' n)" 'what was counted in c'
  ok 'a worker serves the queues of the file, and those of its command line instead'
}

# fails OPTIONS…: push a fetch that cannot succeed, run it to its end, and say how often it failed.
fails() {
  redis_cli flushall >"$dir/out"
  "$leat" push refresh "url=$origin/status/500" "$@" >"$dir/out"
  expect_exit 0 "$leat" worker --drain=all --allow-net 127.0.0.0/8 --config "$file"
  redis_cli --raw zrange '{leat:default}:dead' 0 -1 | awk '/^R1/ { print $4 }'
}

a_type_retries_as_the_file_says() {
  origin_start
  printf 'retry refresh { policy = fixed  max = 3  base = 20ms }\n' >"$file"
  expect_eq 4 "$(fails)" 'failures, three of them retried'
  expect_eq 1 "$(fails --retries 0)" 'failures of a job with a policy of its own'
  printf 'retry refresh { max = 2  list = {"10ms", "30ms"} }\n' >"$file"
  expect_eq 3 "$(fails)" 'failures by a list'
  ok 'a type retries as the file says, unless the job itself says otherwise'
}

a_dashboard_does_as_the_file_says() {
  local port
  (umask 077 && echo a-token-of-some-length >"$dir/token")
  printf 'dashboard { listen = "127.0.0.1:0" token-file = "%s" }\n' \
    "$dir/token" >"$file"
  child_start dashboard "$leat" dashboard --config "$file"
  await 'grep -q ^dashboard "$dir/dashboard.log"' 10 'the dashboard'
  port=$(sed -n 's/.*:\([0-9]*\)\/$/\1/p' "$dir/dashboard.log")
  expect_match '^HTTP/1.1 401' "$(http_send "$port" POST /counters/n /dev/null)" 'a write without the token'
  expect_match '^HTTP/1.1 200' "$(http_send "$port" POST /counters/n /dev/null \
    'Authorization: Bearer a-token-of-some-length')" 'a write with the token'
  child_stop "$child"
  expect_eq 0 "$status" 'exit status'
  ok 'the dashboard listens and asks for the token as the file says'
}

redis_start
a_bad_file_is_refused_by_all
the_later_wins
the_page_and_the_example_have_every_setting
what_handlers_name_is_looked_at
commands_find_redis_by_the_file
a_worker_does_as_the_file_says
a_type_retries_as_the_file_says
a_dashboard_does_as_the_file_says
