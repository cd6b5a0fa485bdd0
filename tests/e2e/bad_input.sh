#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What stands in a queue and is no good job. Each row of the table is pushed by a bare LPUSH,
# in the middle of forty good increments, into a queue of its own; one worker drains them all.
# It must end where the row says, byte for byte as it was pushed, for the reason that the row
# names, and its neighbours must count as if it had not been there.
. "$(dirname "$0")/../support/e2e.sh"

max=9223372036854775807

# ---- the table -----------------------------------------------------------------------------
# name | end: bad, dead or good | text that the reason holds | command that prints the entry
table() {
  cat <<'EOF'
empty                 | bad  | not JSON                               | printf ''
no_json               | bad  | not JSON: invalid token                | printf 'nonsense'
cut_off               | bad  | not JSON                               | printf '{"type":"increment","args":{"counter":"x"'
two_values            | bad  | not JSON: end of file expected         | increment '"counter":"x"'; printf '{}'
no_object             | bad  | not a JSON object                      | printf '["increment"]'
php_serialized        | bad  | not JSON                               | printf 'a:1:{s:4:"type";s:9:"increment";}'
type_missing          | bad  | 'type' is missing                      | printf '{"args":{"counter":"x"}}'
type_number           | bad  | 'type' must be a string, not 7         | printf '{"type":7,"args":{}}'
type_too_long         | bad  | 'type' has 65 bytes, allowed are 1 to 64 | printf '{"type":"%s","args":{}}' "$(times 65 t)"
args_missing          | bad  | 'args' is missing                      | printf '{"type":"increment"}'
depth_10000           | bad  | nested 10001 deep, the limit is 64     | printf '{"type":"x","args":'; times 10000 '['; times 10000 ']'; printf '}'
depth_10000_open      | bad  | nested 10000 deep, the limit is 64     | times 10000 '['
depth_65              | bad  | nested 65 deep, the limit is 64        | printf '{"type":"x","args":'; times 64 '['; times 64 ']'; printf '}'
nul_byte              | bad  | control character 0x0                  | increment '"counter":"x\0y"'
nul_escaped           | bad  | u0000 is not allowed                   | increment '"counter":"x\\u0000y"'
utf8_broken           | bad  | unable to decode byte 0xff             | increment '"counter":"x\377"'
utf8_overlong         | bad  | unable to decode byte 0xc0             | increment '"counter":"x\300\257"'
duplicate_keys        | bad  | duplicate object key                   | increment '"counter":"x","counter":"y"'
keys_65               | bad  | more than 64 fields                    | printf '{"type":"x","args":{}'; for i in {3..65}; do printf ',"k%d":1' "$i"; done; printf '}'
payload_64_kib        | bad  | payload has 65537 bytes, the limit is 65536 | sized 65537
payload_2_mib         | bad  | the entry has 2097152 bytes, the limit is 67584 | sized 2097152
retry_negative        | bad  | 'max' is -1, allowed is 0 to 1000      | printf '{"type":"increment","args":{"counter":"x"},"retry":{"max":-1}}'
header_words          | bad  | the header must be R1 <iid> <deliveries> <fails> | printf 'R1 x'
header_negative       | bad  | not R1 a -1 0                          | printf 'R1 a -1 0\n'; increment '"counter":"x"'
header_fraction       | bad  | not R1 a 1e3 0                         | printf 'R1 a 1e3 0\n'; increment '"counter":"x"'
header_no_newline     | bad  | a line of at most 2048 bytes           | printf 'R1 a 0 0'; increment '"counter":"x"'
header_10_kb          | bad  | a line of at most 2048 bytes           | printf 'R1 a 0 0 e=%s\n' "$(times 10000 e)"; increment '"counter":"x"'
header_iid_65         | bad  | the header must be R1 <iid>            | printf 'R1 %s 0 0\n' "$(times 65 i)"; increment '"counter":"x"'
redelivered_bad       | bad  | not JSON                               | printf 'R1 a 0 0\nnonsense'
args_no_object        | dead | not a JSON object                      | printf '{"type":"increment","args":[1]}'
counter_missing       | dead | 'counter' is missing                   | increment '"by":1'
counter_number        | dead | 'counter' must be a string, not 5      | increment '"counter":5'
counter_empty         | dead | 'counter' has 0 bytes, allowed are 1 to 1024 | increment '"counter":""'
counter_2000_bytes    | dead | 'counter' has 2000 bytes, allowed are 1 to 1024 | increment '"counter":"%s"' "$(times 2000 n)"
counter_1024_bytes    | good | -                                      | increment '"counter":"%s"' "$(times 1024 n)"
by_fraction           | dead | 'by' must be an integer, not 1.5       | increment '"counter":"x","by":1.5'
by_whole_fraction     | dead | 'by' must be an integer, not 2.0       | increment '"counter":"x","by":2.0'
by_text               | dead | 'by' must be an integer, not "1"       | increment '"counter":"x","by":"1"'
by_null               | dead | 'by' must be an integer, not null      | increment '"counter":"x","by":null'
by_2_53               | good | -                                      | increment '"counter":"x","by":9007199254740992'
by_beyond_2_53        | dead | 'by' is 9007199254740993, allowed is -9007199254740992 to 9007199254740992 | increment '"counter":"x","by":9007199254740993'
by_below_2_53         | dead | 'by' is -9007199254740993, allowed is -9007199254740992 to 9007199254740992 | increment '"counter":"x","by":-9007199254740993'
by_beyond_int64       | bad  | too big integer                        | increment '"counter":"x","by":9223372036854775808'
counter_overflow      | dead | counter full by 2: the value would leave the range from -2^63 to 2^63-1 | increment '"counter":"full","by":2'
counter_no_integer    | dead | counter words by 1: what it holds is no integer | increment '"counter":"words"'
url_missing           | dead | 'url' is missing                       | refresh ''
url_ftp               | dead | 'url' must begin with http:// or https://, not ftp://127.0.0.1/ | refresh '"url":"ftp://127.0.0.1/"'
url_file              | dead | 'url' must begin with http:// or https://, not file:///etc/passwd | refresh '"url":"file:///etc/passwd"'
url_too_long          | dead | 'url' has 2049 bytes, allowed are 1 to 2048 | refresh '"url":"http://%s"' "$(times 2042 u)"
url_loopback          | dead | address 127.0.0.1 is refused as loopback (127.0.0.0/8, RFC 1122); to allow it: --allow-net 127.0.0.1 | refresh '"url":"http://127.0.0.1:1/"'
url_private           | dead | address 10.0.0.1 is refused            | refresh '"url":"http://10.0.0.1/"'
url_link_local        | dead | address 169.254.169.254 is refused     | refresh '"url":"http://169.254.169.254/latest"'
url_ipv6_loopback     | dead | address ::1 is refused                 | refresh '"url":"http://[::1]/"'
url_number            | dead | address 127.0.0.1 is refused           | refresh '"url":"http://2130706433/"'
url_localhost         | dead | is refused as loopback                 | refresh '"url":"http://localhost:1/"'
url_mapped            | dead | address 192.168.0.1 is refused         | refresh '"url":"http://[::ffff:192.168.0.1]/"'
no_handler_for_a_day  | dead | no handler for nobody                  | printf 'R1 a 0 0 t=1000\n{"type":"nobody","args":{}}'
delivered_5_times     | dead | its workers died of it, or lost it, too often | printf 'R1 a 5 0\n'; increment '"counter":"x"'
EOF
}

# What printf makes of the format and its arguments, as the args of a job.
increment() {
  printf '{"type":"increment","args":{'
  printf "$@"
  printf '}}'
}

refresh() {
  printf '{"type":"refresh","args":{'
  printf "$@"
  printf '}}'
}

times() {
  head -c "$1" /dev/zero | tr '\0' "$2"
}

# A good job of that many bytes but for its size.
sized() {
  local head='{"type":"increment","args":{"counter":"x"},"fill":"' tail='"}'
  printf '%s' "$head"
  times $(($1 - ${#head} - ${#tail})) f
  printf '%s' "$tail"
}

# ---- pushing -------------------------------------------------------------------------------

declare -a names ends texts neighbours
declare -A preset=([counter_overflow]="full $max" [counter_no_integer]='words hello')

good_jobs() {
  local i
  for ((i = 0; i < $1; i++)); do neighbours+=("$(increment '"counter":"before"')"); done
}

read_table() {
  local name end text command
  while IFS='|' read -r name end text command; do
    name=${name// /} end=${end// /} text=$(sed 's/^ *//; s/ *$//' <<<"$text")
    names+=("$name") ends+=("$end") texts+=("$text")
    eval "$command" >"$dir/in/$name"
  done < <(table)
}

push_row() {
  local name=$1
  # shellcheck disable=SC2086  # name and value are two words
  [ -z "${preset[$name]:-}" ] || redis_cli hset "{leat:$name}:counters" ${preset[$name]}
  redis_cli lpush "leat:$name" "${neighbours[@]}"
  redis_cli -x lpush "leat:$name" <"$dir/in/$name"
  redis_cli lpush "leat:$name" "${neighbours[@]/\"before\"/\"after\"}"
}

# ---- looking -------------------------------------------------------------------------------

# redis-cli ends what it prints with a newline of its own.
entry_of() {
  case $2 in
    bad) redis_cli lrange "{leat:$1}:bad" 0 -1 ;;
    dead) redis_cli zrange "{leat:$1}:dead" 0 -1 ;;
  esac | head -c -1
}

# A header that can be read is ours; the bytes behind it are the producer's.
expect_entry() {
  local name=$1 end=$2
  entry_of "$name" "$end" >"$dir/entry"
  cp "$dir/in/$name" "$dir/pushed"
  case $name in header_*) ;; *) LC_ALL=C sed -i '1{/^R1 /d}' "$dir/pushed" ;; esac
  [ "$end" = bad ] || sed -i 1d "$dir/entry"
  cmp "$dir/pushed" "$dir/entry" || fail "$name: the bytes in :$end are others"
}

expect_reason() {
  local listed
  listed=$("$leat" job ls -q "$1" --state "$2")
  [[ $listed == *"$3"* ]] || fail "$1: the reason is not '$3': $listed"
}

expect_neighbours() {
  local name=$1 want
  want=$(printf '%s\n' 'before 20' 'after 20' "${preset[$name]:-}" | sed '/^$/d')
  redis_cli hgetall "{leat:$name}:counters" | paste -d ' ' - - >"$dir/counters"
  grep -qxF -- "$want" "$dir/counters" || fail "$name: its neighbours count otherwise"
  expect_eq "$(wc -l <<<"$want")" "$(grep -cxF -- "$want" "$dir/counters")" "$name: right counters"
}

expect_row() {
  local name=$1 end=$2 text=$3
  expect_neighbours "$name"
  case $end in
    bad) expect_eq '1 0' "$(ended "$name")" "$name: bad, dead" ;;
    dead) expect_eq '0 1' "$(ended "$name")" "$name: bad, dead" ;;
    good) expect_eq '0 0' "$(ended "$name")" "$name: bad, dead" ;;
  esac
  expect_eq "$([ "$end" = good ] && echo 1 || echo 0)" \
    "$(grep -cvxE 'before 20|after 20|(full|words) .*' "$dir/counters" || :)" "$name: other counters"
  [ "$end" = good ] && return
  expect_entry "$name" "$end"
  expect_reason "$name" "$end" "$text"
}

ended() {
  echo "$(redis_cli llen "{leat:$1}:bad") $(redis_cli zcard "{leat:$1}:dead")"
}

# ---- a flood -------------------------------------------------------------------------------

# As many bad entries as good ones, of all kinds, well mixed.
flood() {
  local i
  for ((i = 0; i < 2500; i++)); do
    printf '%s\n' '"{\"type\":\"increment\",\"args\":{\"counter\":\"good\"}}"'{,,,}
    printf '%s\n' '"nonsense '"$i"'"' '"R1 x"' '"{\"type\":\"increment\"}"' \
      '"{\"type\":\"increment\",\"args\":{\"counter\":\"good\",\"by\":\"1\"}}"'
  done | sed 's/^/LPUSH leat:flood /'
}

calls_of_scripts() {
  redis_cli info commandstats | sed -n 's/^cmdstat_evalsha:calls=\([0-9]*\),.*/\1/p'
}

flood_stops_nobody() {
  local before
  flood | redis_cli >"$dir/out"
  before=$(calls_of_scripts)
  expect_exit 0 "$leat" worker --drain -q flood
  expect_eq 10000 "$(redis_cli hget '{leat:flood}:counters' good)" 'good jobs in the flood'
  expect_eq '7500 2500' "$(ended flood)" 'bad and dead jobs of the flood'
  # Leases grow although half of what they bring is bad: 20,000 jobs need few of them.
  [ $(($(calls_of_scripts) - before)) -lt 200 ] || fail 'the flood keeps leases small'
  ok 'a flood with as many bad entries as good ones keeps nobody from being counted'
}

# ---- types without a handler ---------------------------------------------------------------

unknown_type_waits() {
  local entry
  redis_cli lpush leat:unknown '{"type":"increment","args":{"counter":"a"}}' \
    '{"type":"nobody","args":{}}' '{"type":"increment","args":{"counter":"b"}}' >"$dir/out"
  worker_start -q unknown
  await '[ "$(redis_cli hmget "{leat:unknown}:counters" a b | xargs)" = "1 1" ]' 10 'the neighbours'
  await '[ "$(redis_cli zcard "{leat:unknown}:sched")" = 1 ]' 10 'the job to be given back'
  entry=$(redis_cli zrange '{leat:unknown}:sched' 0 0)
  expect_match '^R1 [^ ]+ 0 0 t=[0-9]+ e=no%20handler%20for%20nobody' "$entry" 'its header'
  expect_match 'nh:nobody' "$(redis_cli hkeys '{leat:unknown}:m')" 'the alarm field'
  worker_stop
  expect_eq '0 0' "$(ended unknown)" 'a type without handler: bad, dead'
  ok 'a type without handler is given back with back-off, counts as no failure and is told'
}

# ---- a counter at its end -------------------------------------------------------------------

# Room for three: of five by one, two die. A lease is summed first, so up and down together fit.
full_counter_takes_what_fits() {
  local up='{"type":"increment","args":{"counter":"full"}}'
  redis_cli hset '{leat:full}:counters' full "${max%7}4" low "-$max" >"$dir/out"
  redis_cli lpush leat:full "$up" "$up" "$up" "$up" "$up" "${neighbours[@]}" \
    "$(increment '"counter":"low","by":-2')" "$(increment '"counter":"low","by":5')" >"$dir/out"
  expect_exit 0 "$leat" worker --drain -q full
  expect_eq "$max -9223372036854775804 20" \
    "$(redis_cli hmget '{leat:full}:counters' full low before | xargs)" 'full, low, before'
  expect_eq '0 2' "$(ended full)" 'increments without room: bad, dead'
  ok 'a counter takes all increments that fit, and only those that do not die'
}

# ---- a key that is no hash -----------------------------------------------------------------

foreign_size() {
  echo $(($(redis_cli llen leat:foreign) + $(redis_cli llen '{leat:foreign}:h')))
}

# More often than a job may be delivered: each end must give back what was held.
foreign_key_ends_a_drain() {
  local i
  redis_cli set '{leat:foreign}:counters' text >"$dir/out"
  redis_cli lpush leat:foreign "${neighbours[@]}" >"$dir/out"
  for i in {1..7}; do
    expect_exit 78 "$leat" worker --drain -q foreign
    expect_match '\{leat:foreign\}:counters holds a string, expected a hash' "$(tail -n 1 "$dir/err")" 'message'
    expect_eq 20 "$(foreign_size)" "jobs after $i drains"
  done
  expect_eq '' "$(redis_cli lrange '{leat:foreign}:h' 0 -1 | grep '^R1 ' || :)" 'deliveries counted'
  ok 'a counters key of another type ends a drain with its name, and no job is lost or killed'
}

foreign_key_stops_one_queue() {
  worker_start -p 1 -q foreign -q elsewhere
  await 'grep -q "queue foreign stands still: WRONGTYPE {leat:foreign}:counters" "$dir"/worker-*.log' \
    10 'the alarm'
  redis_cli lpush leat:elsewhere "${neighbours[@]}" >"$dir/out"
  await '[ "$(redis_cli hget "{leat:elsewhere}:counters" before)" = 20 ]' 10 'the other queue'
  redis_cli del '{leat:foreign}:counters' >"$dir/out"
  await '[ "$(redis_cli hget "{leat:foreign}:counters" before)" = 20 ]' 15 'the queue to go on'
  worker_stop
  expect_eq '0 0' "$(ended foreign)" 'a queue that stood still: bad, dead'
  expect_eq 1 "$(grep -c 'msg="alarm"' "$(worker_log)")" 'times the alarm is told'
  ok 'without --drain only that queue stands still, and goes on by itself once the key is repaired'
}

# ---- the test ------------------------------------------------------------------------------

# A worker serves at most 64 queues.
drain_all() {
  local i options=()
  for ((i = 0; i < ${#names[@]}; i++)); do
    options+=(-q "${names[i]}")
    if ((i % 60 == 59 || i + 1 == ${#names[@]})); then
      expect_exit 0 "$leat" worker --drain "${options[@]}"
      cat "$dir/err" >>"$dir/worker.log"
      options=()
    fi
  done
}

redis_start
mkdir "$dir/in"
good_jobs 20
read_table
for name in "${names[@]}"; do push_row "$name"; done >"$dir/out"
drain_all
for ((row = 0; row < ${#names[@]}; row++)); do
  expect_row "${names[row]}" "${ends[row]}" "${texts[row]}"
done
ok "${#names[@]} kinds of bad entries end as they should, and cost no neighbour anything"
unknown_type_waits
full_counter_takes_what_fits
foreign_key_ends_a_drain
foreign_key_stops_one_queue
flood_stops_nobody
