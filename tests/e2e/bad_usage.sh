#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What is refused at the command line, before it reaches a queue: wrong flags and values, args
# that are none, lines that are no jobs. Each row runs with a Redis at hand, must end with its
# exit status and a message that holds its text, and must push only the lines that are good.
. "$(dirname "$0")/../support/e2e.sh"

# ---- the table -----------------------------------------------------------------------------
# exit status | jobs pushed | text on stderr | command, which may use $leat and the files below
table() {
  cat <<'EOF'
64 | 0 | Usage: leat COMMAND                                      | $leat
64 | 0 | there is no command 'psuh'; did you mean 'push'?         | $leat psuh increment
64 | 0 | unrecognized option '--bogus'                            | $leat push increment --bogus
64 | 0 | the job's TYPE is missing                                | $leat push
64 | 0 | 'counter' is no argument: key=text, key:=json or key=@file | $leat push increment counter
64 | 0 | queue name 'a/b' is not allowed: 1 to 64 of              | $leat push -q a/b increment counter=x
64 | 0 | queue name '' is not allowed                             | $leat push -q '' increment counter=x
64 | 0 | is not allowed: 1 to 64 of                               | $leat push -q "$(times 65 q)" increment counter=x
64 | 0 | queue name 'a b' is not allowed                          | $leat worker --drain -q 'a b'
64 | 0 | --in needs a duration with its unit, such as 250ms, 10s, 5m or 2h: not '5' | $leat push increment counter=x --in 5
64 | 0 | --in is out of bounds: not '4000d' (1ms to 3652d12h) | $leat push increment counter=x --in 4000d
64 | 0 | --at 'tomorrow' is no time                               | $leat push increment counter=x --at tomorrow
64 | 0 | --in and --at exclude each other                         | $leat push increment counter=x --in 5s --at @1
64 | 0 | --retries is out of bounds: not '-1'                     | $leat push increment counter=x --retries -1
64 | 0 | --timeout is out of bounds: not '2h' (1ms to 1h)         | $leat push increment counter=x --timeout 2h
65 | 0 | by=2 is a text; as a number it is by:=2                 | $leat push increment counter=x by=2
64 | 0 | leat speaks no TLS                                       | $leat push increment counter=x --redis rediss://example.org
64 | 0 | --lines needs --arg NAME                                 | $leat push --lines increment </dev/null
64 | 0 | --ndjson and --lines exclude each other                  | $leat push --ndjson --lines increment --arg counter </dev/null
64 | 0 | --lease is out of bounds: not '1s' (2s to 1h)            | $leat worker --drain --lease 1s
64 | 0 | --lease is out of bounds: not '2h' (2s to 1h)            | $leat worker --drain --lease 2h
64 | 0 | --concurrency is out of bounds: not '0' (1 to 1024)      | $leat worker --drain -c 0
64 | 0 | --concurrency needs a whole number: not 'many' (1 to 1024) | $leat worker --drain -c many
64 | 0 | --allow-net: "nonsense" is no range of addresses         | $leat worker --drain --allow-net nonsense
64 | 0 | --allow-net: "10.0.0.1/8" has bits set behind its /8     | $leat worker --drain --allow-net 10.0.0.1/8
64 | 0 | --drain takes no value, or 'all', not 'bogus'            | $leat worker --drain=bogus
64 | 0 | --exec greet=false: the type 'greet' has a command already | $leat worker --drain --exec greet=true --exec greet=false
64 | 0 | --lines greet=cat: the type 'greet' has a command already | $leat worker --drain --lines greet=cat --exec greet=true
64 | 0 | --log-level is debug, info, warn or error, not 'loud'    | $leat worker --drain --log-level loud
64 | 0 | --log-format is logfmt or json, not 'xml'                | $leat worker --drain --log-format xml
64 | 0 | --log-format is logfmt or json, not 'xml'                | $leat dashboard --log-format xml
64 | 0 | --log-format is logfmt or json, not 'xml'                | $leat up --log-format xml --state $dir/up
64 | 0 | unexpected argument 'x'                                  | $leat worker --drain x
64 | 0 | LEAT_REDIS: the Redis address is not understood          | LEAT_REDIS=nonsense $leat worker --drain
64 | 0 | LEAT_REDIS: the Redis address is not understood          | LEAT_REDIS=redis://h:1:2:x $leat push increment counter=x
64 | 0 | --redis: the Redis address is not understood             | $leat push --redis http://127.0.0.1/ increment counter=x
65 | 0 | 'counter' is missing                                     | $leat push increment
65 | 0 | 'counter' has 2000 bytes, allowed are 1 to 1024          | $leat push increment counter="$(times 2000 n)"
65 | 0 | 'counter' has 0 bytes, allowed are 1 to 1024             | $leat push increment counter=
65 | 0 | 'counter' is not UTF-8                                   | $leat push increment counter=$'\xff'
65 | 0 | duplicate object key                                     | $leat push increment counter=x counter=y
65 | 0 | 'by' is no JSON value: not JSON: invalid token near 'notjson' | $leat push increment counter=x by:=notjson
65 | 0 | 'by' is more than one JSON value                         | $leat push increment counter=x by:='1,"w":2'
65 | 0 | 'by' must be an integer, not 1.5                         | $leat push increment counter=x by:=1.5
65 | 0 | 'by' must be an integer, not "1"                         | $leat push increment counter=x by=1
65 | 0 | 'by' is 9007199254740993, allowed is -9007199254740992 to 9007199254740992 | $leat push increment counter=x by:=9007199254740993
65 | 0 | 'url' must begin with http:// or https://, not ftp://127.0.0.1/ | $leat push refresh url=ftp://127.0.0.1/
65 | 0 | cannot open missing: No such file or directory           | $leat push increment counter=@missing
65 | 0 | large has more than 65536 bytes                          | $leat push increment counter=@large
65 | 0 | 'counter' is not UTF-8                                   | $leat push increment counter=@broken
65 | 0 | standard input has more than 65536 bytes                 | $leat push increment --args - <large
65 | 0 | --args is no JSON value                                  | $leat push increment --args - </dev/null
65 | 0 | nested 101 deep, the limit is 64                         | $leat push x --args "$(times 100 '[')$(times 100 ']')"
65 | 0 | 'type' has a character that is not allowed               | $leat push 'in crement' counter=x
65 | 0 | 'id' has 65 bytes, allowed are 1 to 64                   | $leat push increment counter=x --id "$(times 65 i)"
65 | 0 | --then is no JSON value                                  | $leat push x --then '{'
65 | 0 | 'then' must be an object, not 1                          | $leat push x --then 1
65 | 0 | 'then': 'args' is missing                                | $leat push x --then '{"type":"y"}'
65 | 0 | 'then': 'queue' has a character that is not allowed      | $leat push x --then '{"type":"y","args":1,"queue":"a b"}'
65 | 0 | cannot open missing: No such file or directory           | $leat push x --then @missing
65 | 0 | large has more than 65536 bytes                          | $leat push x --then @large
64 | 0 | --track and --then are for a single job                  | $leat push --ndjson --track </dev/null
65 | 0 | cannot open missing: No such file or directory           | $leat push --ndjson missing
65 | 0 | cannot read the input: Is a directory                    | $leat push --ndjson .
65 | 0 | cannot read the input: Bad file descriptor               | $leat push --ndjson <&-
0  | 0 | pushed 0 of 0                                            | $leat push --ndjson </dev/null
0  | 0 | pushed 0 of 0                                            | $leat push --lines increment --arg counter </dev/null
65 | 2 | line 2: not JSON: invalid token near 'nonsense'          | $leat push --ndjson jobs
65 | 2 | line 4: 'by' must be an integer, not "1"                 | $leat push --ndjson jobs
65 | 2 | line 6: longer than 65536 bytes                          | $leat push --ndjson jobs
65 | 2 | line 7: 'args' is missing                                | $leat push --ndjson jobs
65 | 2 | pushed 2 of 6                                            | $leat push --ndjson jobs
65 | 3 | line 2: not UTF-8                                        | $leat push --lines increment --arg counter lines
65 | 3 | line 3: 'counter' has 0 bytes, allowed are 1 to 1024     | $leat push --lines increment --arg counter lines
65 | 3 | line 5: 'counter' has 2000 bytes, allowed are 1 to 1024  | $leat push --lines increment --arg counter lines
65 | 3 | line 6: longer than 65536 bytes                          | $leat push --lines increment --arg counter lines
65 | 3 | line 7: not JSON: \u0000 is not allowed                  | $leat push --lines increment --arg counter lines
65 | 3 | pushed 3 of 8                                            | $leat push --lines increment --arg counter lines
65 | 0 | and 80 more lines refused                                | seq 100 | $leat push --ndjson
EOF
}

times() {
  head -c "$1" /dev/zero | tr '\0' "$2"
}

files() {
  times 2097152 x >large
  printf '\xff\xfe' >broken
  {
    echo '{"type":"increment","args":{"counter":"first"}}'
    echo 'nonsense'
    echo
    echo '{"type":"increment","args":{"counter":"x","by":"1"}}'
    echo '{"type":"increment","args":{"counter":"second"}}'
    times 100000 x && echo
    echo '{"type":"increment"}'
  } >jobs
  {
    echo 'first'
    printf 'broken \xff\n'
    echo
    echo 'second'
    times 2000 x && echo
    times 100000 x && echo
    printf 'a\0b\n'
    printf 'without newline'
  } >lines
}

# ---- the test ------------------------------------------------------------------------------

run_row() {
  local want=$1 pushed=$2 text=$3 command=$4 got=0
  (eval "$command") >"$dir/out" 2>"$dir/err" || got=$?
  expect_eq "$want" "$got" "exit status of: $command"
  grep -qF -- "$text" "$dir/err" || fail "no '$text' in '$(head -c 600 "$dir/err")' of: $command"
  expect_eq "$pushed" "$(redis_cli llen leat:default)" "jobs pushed by: $command"
  redis_cli flushall >"$dir/out"
}

redis_start
mkdir "$dir/work"
cd "$dir/work"
files
count=0
while IFS='|' read -r want pushed text command; do
  run_row "${want// /}" "${pushed// /}" "$(sed 's/^ *//; s/ *$//' <<<"$text")" "$command" </dev/null
  count=$((count + 1))
done < <(table)
ok "$count kinds of wrong usage and bad input are refused with status, place and reason"
