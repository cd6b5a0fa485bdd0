#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A Redis that is not there, not ours to use, too old, set up wrongly, or full. Every program
# must end with the exit status that says so and name the cure; what is accepted already must
# be worked off as if nothing had happened.
. "$(dirname "$0")/../support/e2e.sh"

job='increment counter=x'

# expect_refusal STATUS TEXT COMMAND…: it ends so, says so, and shows no password.
expect_refusal() {
  local want=$1 text=$2
  shift 2
  expect_exit "$want" "$@"
  grep -qF -- "$text" "$dir/err" || fail "no '$text' in '$(cat "$dir/err")' of: $*"
  ! grep -qE 'sesame|swordfish' "$dir/out" "$dir/err" || fail "the password is shown by: $*"
}

admin() {
  redis_cli "$@" >"$dir/admin.log"
}

# The same of a producer and of a worker.
expect_both() {
  # shellcheck disable=SC2086  # three words
  expect_refusal "$1" "$2" "$leat" push $job
  expect_refusal "$1" "$2" "$leat" worker --drain
}

# ---- whether and how Redis lets us in ------------------------------------------------------

nobody_there() {
  local cures='start one there, or name another with --redis URL or LEAT_REDIS; leat up starts a private one'
  expect_both 69 "cannot reach Redis at unix:$socket (No such file or directory); $cures"
  expect_refusal 69 "$cures" "$leat" counter ls
  LEAT_REDIS=redis://127.0.0.1:1 expect_both 69 "redis://127.0.0.1:1/0 (Connection refused); $cures"
  LEAT_REDIS=redis://:sesame@127.0.0.1:1 expect_both 69 "redis://127.0.0.1:1/0"
  ok 'without a Redis the status is 69, and both cures are named'
}

# One hangs up, one never says a word.
no_redis_there() {
  local kind
  for kind in 'close $s->accept while 1' 'sleep 60'; do
    rm -f "$socket_dir/other.sock"
    child_start other perl -MIO::Socket::UNIX -e \
      '$s = IO::Socket::UNIX->new(Local => shift, Listen => 8) or die; '"$kind" "$socket_dir/other.sock"
    await '[ -S "$socket_dir/other.sock" ]' 10 'somebody to listen'
    # shellcheck disable=SC2086
    expect_refusal 69 'cannot reach Redis' timeout 30 "$leat" push $job --redis "unix://$socket_dir/other.sock"
    child_stop "$child"
  done
  ok 'who listens and is no Redis is not waited for'
}

too_old() {
  child_start old-redis perl "$e2e_support/old-redis.pl" "$socket_dir/old.sock" 6.2.7
  await '[ -S "$socket_dir/old.sock" ]' 10 'the old Redis to listen'
  expect_refusal 78 'has version 6.2.7, leat needs 7.0 or later' \
    "$leat" worker --drain --redis "unix://$socket_dir/old.sock"
  # shellcheck disable=SC2086
  expect_refusal 78 'cannot run the scripts of leat, which needs 7.0 or later' \
    "$leat" push $job --redis "unix://$socket_dir/old.sock"
  child_stop "$child"
  ok 'a Redis that is too old ends with 78, and what is needed is named'
}

wrong_password() {
  admin config set requirepass sesame
  expect_both 77 'NOAUTH Authentication required'
  LEAT_REDIS=unix://:swordfish@$socket expect_both 77 'WRONGPASS invalid username-password pair'
  LEAT_REDIS=unix://nobody:sesame@$socket expect_both 77 'WRONGPASS invalid username-password pair'
  export LEAT_REDIS_PASSWORD_FILE=$dir/password
  expect_both 78 "LEAT_REDIS_PASSWORD_FILE: cannot read $dir/password: No such file or directory"
  : >"$dir/password"
  expect_both 78 "LEAT_REDIS_PASSWORD_FILE: in $dir/password is no password of 1 to 511 bytes"
  echo swordfish >"$dir/password"
  expect_both 77 'WRONGPASS invalid username-password pair'
  echo sesame >"$dir/password"
  # shellcheck disable=SC2086
  expect_exit 0 "$leat" push $job
  unset LEAT_REDIS_PASSWORD_FILE
  REDISCLI_AUTH=sesame admin config set requirepass ''
  ok 'a wrong or missing password ends with 77 and is never shown'
}

# What a user may not do: run scripts, touch our keys, or call what the scripts call.
not_permitted() {
  admin acl setuser ann on '>sesame' '~*' '&*' +@all -evalsha -eval
  admin acl setuser bob on '>sesame' '~other' '&*' +@all
  admin acl setuser cat on '>sesame' '~*' '&*' +@all -lpush -exists -type
  LEAT_REDIS=unix://ann:sesame@$socket expect_both 77 "no permissions to run the 'evalsha' command"
  LEAT_REDIS=unix://bob:sesame@$socket expect_both 77 'no permissions to access one of the keys'
  LEAT_REDIS=unix://cat:sesame@$socket expect_both 77 'script'
  admin acl deluser ann bob cat
  ok 'what the ACL of Redis forbids ends with 77, inside a script as outside'
}

evicting() {
  admin config set maxmemory-policy allkeys-lru
  expect_refusal 78 'maxmemory-policy is allkeys-lru, it must be noeviction' "$leat" worker --drain
  admin config set maxmemory-policy noeviction
  ok 'a Redis that may evict jobs is refused by the worker with 78'
}

# ---- what is full --------------------------------------------------------------------------

# Several pushes wait out their patience at the same time.
pushes_start() {
  # shellcheck disable=SC2086
  "$leat" push $job >"$dir/push-one.log" 2>&1 &
  push_one=$!
  seq 100 | "$leat" push --lines increment --arg counter >"$dir/push-many.log" 2>&1 &
  push_many=$!
}

expect_pushes_busy() {
  local one=0 many=0
  wait "$push_one" || one=$?
  wait "$push_many" || many=$?
  expect_eq '75 75' "$one $many" 'exit statuses of pushes'
  grep -q "queue 'default' takes no more jobs for now ($1" "$dir/push-one.log" || fail 'one: no reason'
  grep -q "queue 'default' takes no more jobs for now ($1" "$dir/push-many.log" || fail 'many: no reason'
  grep -q 'pushed 0 of 100' "$dir/push-many.log" || fail 'how many were pushed is not told'
}

fill_queue() {
  seq 2000 | sed 's/.*/line/' | "$leat" push --lines increment --arg counter 2>>"$dir/push.log"
}

expect_counted() {
  await "[ \"\$(\"\$leat\" counter get line)\" = $1 ]" 20 "$1 jobs to be counted"
  expect_eq 0 "$(redis_cli llen leat:default)" 'jobs left'
}

memory_full() {
  admin flushall
  fill_queue
  admin config set maxmemory 1mb
  pushes_start
  expect_exit 0 "$leat" worker --drain
  expect_counted 2000
  expect_pushes_busy OOM
  admin config set maxmemory 0
  ok 'with no memory left pushes end with 75, and workers go on draining'
}

# The file system is unmounted at once and lives on as the working directory of Redis: so it
# ends with Redis, whatever becomes of this test.
disk_full() {
  local disk
  redis_stop
  mkdir "$dir/disk"
  mount -t tmpfs -o size=4m leat-test "$dir/disk" 2>"$dir/mount.log" || {
    ok 'a full disk # skip: no file system can be mounted here'
    return 0
  }
  redis_start --dir "$dir/disk" --auto-aof-rewrite-percentage 0
  umount -l "$dir/disk"
  disk=/proc/$redis_pid/cwd
  fill_queue
  ! dd if=/dev/zero of="$disk/ballast" bs=64k 2>"$dir/out" || fail 'the disk does not fill'
  await 'redis_cli set probe "$(head -c 8192 /dev/zero | tr "\0" x)" | grep -q MISCONF' 20 'the disk to fill'
  worker_start
  pushes_start
  expect_pushes_busy MISCONF
  child_alive "$worker" || fail 'the worker gave up'
  expect_eq 2000 "$(redis_cli llen leat:default)" 'jobs that wait for space'
  rm "$disk/ballast"
  expect_counted 2000
  # shellcheck disable=SC2086
  expect_exit 0 "$leat" push $job
  worker_stop
  expect_eq 0 "$status" 'exit status of the worker'
  expect_eq '0 0' "$(redis_cli llen '{leat:default}:bad') $(redis_cli zcard '{leat:default}:dead')" 'bad, dead'
  ok 'with a full disk pushes end with 75, the worker waits, and goes on when there is space'
}

# ---- the test ------------------------------------------------------------------------------

nobody_there
no_redis_there
too_old
redis_start
wrong_password
not_permitted
evicting
memory_full
disk_full
