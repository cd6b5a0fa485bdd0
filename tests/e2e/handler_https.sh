#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Handlers of the kind http whose peers speak TLS: a job goes to who proves to be the one that
# the handler names, and to nobody else. The peers are real, the certificates made by openssl.
. "$(dirname "$0")/../support/e2e.sh"
. "$(dirname "$0")/../support/queue.sh"
. "$(dirname "$0")/../support/handlers.sh"

far='"args":{},"retry":{"max":3,"base_ms":3600000}' # a retry that no test waits for
certs=$dir/certs

# ---- certificates --------------------------------------------------------------------------

# made COMMAND…: openssl, silent unless it fails.
made() {
  openssl "$@" >"$dir/out" 2>"$dir/err" || fail "openssl $1: $(tail -n 2 "$dir/err")"
}

# authority NAME, and certificate NAME WHOM DAYS, signed by the authority `ours`
authority() {
  made req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
    -subj "/CN=$1" -keyout "$certs/$1.key" -out "$certs/$1.pem"
}

certificate() {
  made req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=$1" \
    -addext "subjectAltName=$2" -keyout "$certs/$1.key" -out "$certs/$1.csr"
  made x509 -req -in "$certs/$1.csr" -CA "$certs/ours.pem" -CAkey "$certs/ours.key" \
    -CAcreateserial -copy_extensions copy -days "$3" -out "$certs/$1.pem"
}

# ---- peers and handlers --------------------------------------------------------------------

# certified NAME: a peer with the certificate of that name.
declare -A url
certified() {
  peer_start "$1" --cert "$certs/$1.pem" --key "$certs/$1.key"
  url[$1]=https://127.0.0.1:$peer_port
}

# posted TYPE PEER [LINE…]
posted() { handler_to "$1" "${url[$2]}/$1" "${@:3}"; }
push() { redis_cli lpush leat:default "$@" >"$dir/out"; }
asked() { grep -c "^post [0-9]* /$2 " "$dir/$1.log" || true; }

# expect_refused TYPE PEER REASON: it failed for it, and the peer saw nothing.
expect_refused() {
  push "{\"type\":\"$1\",$far}"
  await '[ -n "$(reason_of sched '"$1"')" ]' 20 "the job $1 to fail"
  expect_match "$3" "$(reason_of sched "$1")" "the reason of $1"
  expect_eq 0 "$(asked "$2" "$1")" "requests that the peer of $1 saw"
}

# ---- the parts -----------------------------------------------------------------------------

trusted() {
  local line
  push '{"type":"trusted","id":"trusted-1","args":{"n":1}}' '{"type":"trusted","args":{"n":2}}'
  await '[ "$(tally done)" = 2 ]' 20 'the jobs of the trusted peer'
  line=$(grep '/trusted .*Leat-Id=trusted-1 ' "$dir/good.log")
  [[ $line =~ t=([0-9]+),v1=([0-9a-f]{64}) ]] || fail "no signature: $line"
  expect_eq "${BASH_REMATCH[2]}" \
    "$(printf '%s.%s' "${BASH_REMATCH[1]}" "${line#* body=}" | openssl dgst -sha256 -hmac "$secret" | sed 's/.*= //')" \
    'the signature, by openssl'
  ok 'a peer whom ca-file vouches for gets the job, signed'
}

nobody_else() {
  expect_refused stranger good 'SSL certificate problem: '
  ok 'a peer whom nobody vouches for that the system trusts gets no job, and the job fails'
  expect_refused foreign good 'SSL certificate problem: '
  ok 'nor does one whom another authority than those of ca-file vouches for'
  expect_refused elsewhere wrong "no alternative certificate subject name matches"
  ok 'nor does one whose certificate names somebody else'
  expect_refused late old 'SSL certificate problem: certificate has expired'
  ok 'nor does one whose certificate has expired'
}

# Its fetches know nothing of what a handler trusts.
refresh_too() {
  push "{\"type\":\"refresh\",\"args\":{\"url\":\"${url[good]}/page\"},\"retry\":{\"base_ms\":3600000}}"
  await '[ -n "$(reason_of sched refresh)" ]' 20 'the refresh to fail'
  expect_match 'SSL certificate problem: ' "$(reason_of sched refresh)" 'the reason'
  ok 'a refresh from a peer whom the system does not trust fails'
}

new_authority() {
  echo 'no certificate' >"$certs/named.pem"
  kill -HUP "$worker"
  await 'grep -q "level=error.*handler foreign: ca-file .* holds no certificates" "$(worker_log)"' \
    20 'the broken file to be told'
  push '{"type":"trusted","args":{"n":3}}'
  await '[ "$(tally done)" = 3 ]' 20 'a job after that'
  cp "$certs/ours.pem" "$certs/named.pem"
  kill -HUP "$worker"
  await 'grep -q "reload ended" "$(worker_log)"' 30 'the reload'
  push '{"type":"foreign","args":{}}'
  await '[ "$(asked good foreign)" = 1 ]' 20 'the job of a peer that is trusted now'
  ok 'another file counts from HUP on; a broken one is told and changes nothing'
}

# refused TEXT LINE…: with such a handler no worker starts.
refused() {
  printf 'handler x {\n kind = http\n' >"$dir/bad.conf"
  printf ' %s\n' "${@:2}" '}' >>"$dir/bad.conf"
  expect_exit 78 "$leat" worker --drain --config "$dir/bad.conf"
  expect_match "$1" "$(cat "$dir/err")" "what it says of ${*:2}"
}

bad_settings() {
  local https='url = "https://127.0.0.1/"'
  head -n 4 "$certs/ours.pem" >"$certs/half.pem"
  refused 'ca-file /nowhere cannot be read: No such file' "$https" 'ca-file = "/nowhere"'
  refused 'is no regular file' "$https" "ca-file = \"$certs\""
  refused 'holds no certificates in PEM' "$https" "ca-file = \"$dir/secret\""
  refused 'one that is broken' "$https" "ca-file = \"$certs/half.pem\""
  refused 'is no https:// address' 'url = "http://127.0.0.1/"' "ca-file = \"$certs/ours.pem\""
  ok 'a ca-file that cannot be read, or is none, is refused at the start'
}

# ---- the test ------------------------------------------------------------------------------

redis_start
mkdir "$certs"
authority ours
authority theirs
certificate good IP:127.0.0.1 2
certificate wrong DNS:elsewhere.example.org 2
certificate old IP:127.0.0.1 -1
cp "$certs/theirs.pem" "$certs/named.pem"
for name in good wrong old; do certified "$name"; done
posted trusted good "ca-file = \"$certs/ours.pem\""
posted stranger good
posted foreign good "ca-file = \"$certs/named.pem\""
posted elsewhere wrong "ca-file = \"$certs/ours.pem\""
posted late old "ca-file = \"$certs/ours.pem\""

bad_settings
worker_start -p 1 --allow-net 127.0.0.0/8 --config "$conf"
trusted
nobody_else
refresh_too
new_authority
