#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The image and the fleet, as far as that can be told without an engine: the Dockerfile installs
# what the file `packages` says, the build gets by with what .dockerignore lets through, and
# docker-compose takes docker-compose.yml and sees in it what its comments claim.
set -euo pipefail
cd "$(dirname "$0")/../.."
dir=$(mktemp -d "${TMPDIR:-/tmp}/leat-docker.XXXXXX")
trap 'rm -rf "$dir"' EXIT

fail() {
  echo "not ok - $*"
  exit 1
}

# A line for each instruction.
instructions() { sed -e '/^#/d' -e ':a' -e '/\\$/{N; s/\\\n//; ta' -e '}' Dockerfile; }

installs=$(instructions | grep -o 'apt-get install.*' | sed 's/&&.*//')
groups=$(grep -oE '\$1 == "[a-z]+"' <<<"$installs" | grep -oE '[a-z]+' | xargs)
[ "$groups" = 'build run' ] || fail "the Dockerfile installs the groups '$groups' of packages"
by_hand=$(sed -E 's/\$\([^)]*\)//g; s/apt-get install//; s/ -[-a-z]+//g' <<<"$installs" | xargs)
[ -z "$by_hand" ] || fail "the Dockerfile installs what is not in packages: $by_hand"
[ "$(instructions | sed -n 's/^USER //p')" = 10001:10001 ] || fail 'the image runs as root'
echo 'ok - the Dockerfile installs what packages says, and runs as nobody'

sed -n 's/^!//p' .dockerignore >"$dir/let-through"
mkdir "$dir/context"
tar -c -T "$dir/let-through" | tar -x -C "$dir/context"
cmake -S "$dir/context" -B "$dir/build" -DLEAT_TESTS=OFF >"$dir/log" 2>&1 || {
  tail -n 5 "$dir/log"
  fail '.dockerignore keeps back what the build needs'
}
echo 'ok - .dockerignore lets through what the build needs'

command -v docker-compose >"$dir/log" || {
  echo 'skip - no docker-compose; docker-compose.yml was not checked'
  exit 77
}
docker-compose config >"$dir/seen" 2>"$dir/log" || fail "docker-compose: $(cat "$dir/log")"
expect() { grep -qE -- "$1" "$dir/seen" || fail "docker-compose.yml has no '$1'"; }
expect '^ +command: redis-server --appendonly yes .*--maxmemory-policy$|noeviction'
expect '^ +- 127\.0\.0\.1:8740:8740(/tcp)?$'
[ "$(grep -c '^    ports:' "$dir/seen")" = 1 ] || fail 'more than the dashboard is published'
expect '^ +replicas: 2$'
expect '^ +stop_grace_period: 40s$'
expect '^ +- --host$'
echo 'ok - docker-compose takes docker-compose.yml'
