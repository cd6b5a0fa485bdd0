#!/bin/sh
# SPDX-License-Identifier: MIT
# Push a job by LPUSH: sh lpush.sh TYPE ARGS-AS-JSON [QUEUE]
set -eu
[ $# -ge 2 ] || { echo "lpush.sh: TYPE and ARGS are missing" >&2; exit 1; }

# -e: an error reply ends with status 1. Prints the queue's length.
redis-cli -e -u "${LEAT_REDIS:-redis://127.0.0.1:6379}" \
  LPUSH "leat:${3-default}" "{\"type\":\"$1\",\"args\":$2}"
