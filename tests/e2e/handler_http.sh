#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Handlers of the kind http: what a peer gets, over how many connections, and what each of its
# answers comes to. The peer checks signatures; one is checked by the command openssl, too.
. "$(dirname "$0")/../support/e2e.sh"
. "$(dirname "$0")/../support/queue.sh"
. "$(dirname "$0")/../support/handlers.sh"

far='"args":{},"retry":{"max":3,"base_ms":3600000}' # a retry that no test waits for

# posted TYPE PATH [LINE…]: the peer gets the jobs of that type there.
posted() { handler_to "$1" "http://127.0.0.1:$peer_port$2" "${@:3}"; }
push() { redis_cli lpush leat:default "$@" >"$dir/out"; }

# posts PATH: the lines of the requests for it. opened: connections so far.
posts() { grep "^post [0-9]* $1 " "$dir/receiver.log" || true; }
post_count() { posts "$1" | wc -l; }
opened() { grep -c '^open ' "$dir/receiver.log" || true; }

# ---- the table -----------------------------------------------------------------------------
# type | end: dead, retry or done | text of the reason | path at the peer
table() {
  cat <<'EOF'
gone        | dead  | HTTP status 410: no such user   | /answer?status=410&body=no%20such%20user%0Amore
refused     | dead  | HTTP status 422: too \x1blong   | /answer?status=422&body=too%20%1Blong
told        | dead  | HTTP status 422: no address     | /answer?status=422&type=application/json&body=%7B%22error%22:%22no%20address%22%7D
forbidden   | retry | HTTP status 403                 | /answer?status=403
broken      | retry | HTTP status 500: out of order   | /answer?status=500&body=out%20of%20order
hopeless    | dead  | HTTP status 500: never          | /answer?status=500&type=application/json&body=%7B%22error%22:%22never%22,%22retry%22:false%7D
elsewhere   | retry | HTTP status 302                 | /answer?status=302
empty       | done  |                                 | /answer?status=200
plain       | done  |                                 | /answer?status=200&type=text/plain&body=%7B%22error%22
progress    | done  |                                 | /answer?status=200&type=application/json&body=%7B%22progress%22:1%7D
no_json     | retry | answer:                         | /answer?status=200&type=application/json&body=%7B%22error%22
sorry       | retry | not today                       | /answer?status=200&type=application/json;%20charset=utf-8&body=%7B%22error%22:%22not%20today%22%7D
cut         | retry | transfer closed                 | /cut
huge        | retry | answer: body of more than 131072 bytes | /huge
EOF
}

expect_row() {
  local type=$1 end=$2 text=$3 key=sched
  [ "$end" != dead ] || key=dead
  if [ "$end" = 'done' ]; then
    expect_eq '' "$(reason_of sched "$type")$(reason_of dead "$type")" "$type: reason"
    return
  fi
  reason=$(reason_of "$key" "$type")
  [[ $reason = "$text"* ]] || fail "$type: its reason in :$key is '$reason', not '$text'"
}

# ---- the parts -----------------------------------------------------------------------------

what_a_peer_gets() {
  local line body stamp want
  push '{"type":"mail","id":"mail-1","args":{"to":"a@example.org"},"traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}'
  await '[ "$(tally done)" = 1 ]' 20 'the first job'
  line=$(posts /mail)
  for want in 'Content-Type=application/json ' 'Leat-Id=mail-1 ' 'Leat-Type=mail ' \
    'Leat-Queue=default ' 'Leat-Attempt=1 ' 'traceparent=00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01 ' \
    '"id":"mail-1"' '"type":"mail"' '"attempt":1' '"args":{"to":"a@example.org"}'; do
    [[ $line = *"$want"* ]] || fail "the request lacks $want: $line"
  done
  [[ $line =~ Leat-Token=([0-9]+)\  ]] || fail "no token: $line"
  [[ $line = *"\"token\":${BASH_REMATCH[1]},"* ]] || fail "two tokens: $line"
  body=${line#* body=}
  [[ $line =~ t=([0-9]+),v1=([0-9a-f]{64}) ]] || fail "no signature: $line"
  stamp=${BASH_REMATCH[1]} want=${BASH_REMATCH[2]}
  expect_eq "$want" "$(printf '%s.%s' "$stamp" "$body" | openssl dgst -sha256 -hmac "$secret" | sed 's/.*= //')" \
    'the signature, by openssl'
  ok 'a job is posted as JSON, with its headers and a signature that others can check'
}

connections_stay() {
  local before n jobs=()
  before=$(opened)
  for ((n = 0; n < 60; n++)); do jobs+=("{\"type\":\"one\",\"args\":{\"n\":$n}}"); done
  push "${jobs[@]}"
  await '[ "$(post_count /one)" = 60 ]' 20 'sixty jobs'
  expect_eq 1 $(($(opened) - before)) 'connections of sixty jobs, one at a time'
  before=$(opened) jobs=()
  for ((n = 0; n < 12; n++)); do jobs+=('{"type":"two","args":{}}'); done
  push "${jobs[@]}"
  await '[ "$(post_count /slow)" = 12 ]' 20 'twelve slow jobs'
  expect_eq 2 $(($(opened) - before)) 'connections of twelve slow jobs, at most two to a host'
  await '[ "$(tally done)" = 73 ]' 20 'all of them to be done'
  ok 'connections are kept, and no more are opened than the handler may have'
}

each_answer() {
  local type end text path pushed=0 done=0 before
  before=$(tally done)
  while IFS='|' read -r type end text path; do
    push "{\"type\":\"${type// /}\",$far}"
    pushed=$((pushed + 1))
    [ "${end// /}" != 'done' ] || done=$((done + 1))
  done < <(table)
  await '[ $(($(size sched) + $(size dead) + $(tally done) - before)) = $pushed ] && [ "$(size lease)" = 0 ]' \
    30 'all answers'
  expect_eq "$done" $(($(tally done) - before)) 'jobs done'
  while IFS='|' read -r type end text path; do
    expect_row "${type// /}" "${end// /}" "$(sed 's/^ *//; s/ *$//' <<<"$text")"
  done < <(table)
  expect_eq 1 "$(grep -c "answer is ignored.* type=plain content_type=text/plain" "$(worker_log)")" \
    'lines that tell of an answer of the wrong type'
  ok "$pushed kinds of answers come to what they should"
}

retry_after() {
  local type due start
  start=$(redis_cli time | head -n 1)
  for type in busy away; do push "{\"type\":\"$type\",\"args\":{},\"retry\":{\"base_ms\":100}}"; done
  await '[ "$(redis_cli zcount "$(key sched)" $((start + 590))000 $((start + 660))000)" = 1 ]' 20 'the job asked to wait 600 s'
  await '[ "$(redis_cli zcount "$(key sched)" $((start + 890))000 $((start + 960))000)" = 1 ]' 20 'the job asked to wait 900 s'
  ok 'Retry-After of a 429 and a 503 is honoured'
}

effects() {
  push '{"type":"effects","args":{}}'
  await '[ "$(redis_cli hget "$(key counters)" pushed)" = 1 ]' 20 'the pushed job'
  expect_eq 2 "$(redis_cli hget "$(key counters)" n)" 'the counter'
  ok 'what a peer answers takes effect: counters, and jobs pushed'
}

too_slow() {
  local gone
  gone=$(grep -c '^gone ' "$dir/receiver.log" || true)
  push "{\"type\":\"never\",$far}"
  await '[ -n "$(reason_of sched never)" ]' 20 'the job to time out'
  expect_eq 'timed out after 300ms' "$(reason_of sched never)" 'the reason'
  await '[ "$(grep -c "^gone " "$dir/receiver.log")" -gt "$gone" ]' 20 'its connection to be closed'
  ok 'a peer that is too slow loses the connection, and the job fails'
}

wrong_secret() {
  push "{\"type\":\"forged\",$far}"
  await '[ -n "$(reason_of sched forged)" ]' 20 'the refusal'
  expect_eq 'HTTP status 401: the signature is wrong' "$(reason_of sched forged)" 'the reason'
  ok 'another secret makes another signature'
}

nobody_listens() {
  push "{\"type\":\"nobody\",$far}"
  await '[ -n "$(reason_of sched nobody)" ]' 20 'the failure'
  expect_match 'refused|connect' "$(reason_of sched nobody)" 'the reason'
  ok 'a peer that is away is tried again'
}

# Asked twice, a worker waits for nobody.
leaving() {
  push '{"type":"held","id":"held-1","args":{}}'
  await '[ "$(posts /slow | grep -c Leat-Type=held)" = 1 ]' 20 'the peer to have the job'
  kill -s TERM "$worker"
  await 'grep -q "msg=.stopping. running=1" "$(worker_log)"' 20 'the worker to wait for its job'
  worker_stop
  expect_eq 0 "$status" 'the exit status of the worker'
  await '[ "$(grep -c "^gone " "$dir/receiver.log")" = "$(opened)" ]' 20 'all connections to be closed'
  expect_empty lease body queue
  expect_match '"id":"held-1"' "$(redis_cli lindex "$(key h)" 0)" 'the job given back'
  ok 'a worker that leaves gives back what its peer has not answered'
}

bad_settings() {
  local line
  printf 'handler x {\n kind = http\n}\n' >"$dir/bad.conf"
  expect_exit 78 "$leat" worker --drain --config "$dir/bad.conf"
  expect_match 'url is missing' "$(cat "$dir/err")" 'what it says'
  for line in 'url = "ftp://127.0.0.1/"' 'url = "http://a b/"' 'url = "/jobs"'; do
    printf 'handler x {\n kind = http\n %s\n}\n' "$line" >"$dir/bad.conf"
    expect_exit 78 "$leat" worker --drain --config "$dir/bad.conf"
    expect_match 'is no http:// or https:// address' "$(cat "$dir/err")" "what it says of $line"
  done
  ok 'a handler without a URL, or with another scheme, is refused at the start'
}

# ---- the test ------------------------------------------------------------------------------

redis_start
peer_start receiver
(umask 077 && echo 0123456789abcdef0123 >"$dir/other")
posted mail /mail
posted one /one 'concurrency = 1'
posted two '/slow?ms=50' 'connections = 2' 'concurrency = 12'
while IFS='|' read -r type _ _ path; do posted "${type// /}" "${path// /}"; done < <(table)
posted busy '/answer?status=429&retry_after=600'
posted away '/answer?status=503&retry_after=900'
posted effects '/answer?type=application/json&body=%7B%22incr%22:%7B%22n%22:2%7D,%22push%22:[%7B%22type%22:%22increment%22,%22args%22:%7B%22counter%22:%22pushed%22%7D%7D]%7D'
posted never /slow 'timeout = 300ms'
posted held /slow
posted forged /forged
sed -i "/^handler forged/,/^}/ s|$dir/secret|$dir/other|" "$conf"
handler_to nobody http://127.0.0.1:1/

bad_settings
worker_start -p 0 --config "$conf"
what_a_peer_gets
connections_stay
each_answer
retry_after
effects
too_slow
wrong_secret
nobody_listens
leaving
