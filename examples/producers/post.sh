#!/bin/sh
# SPDX-License-Identifier: MIT
# Push a job by HTTP: sh post.sh TYPE ARGS-AS-JSON [QUEUE]
set -eu
[ $# -ge 2 ] || { echo "post.sh: TYPE and ARGS are missing" >&2; exit 1; }

# Prints the answer: {"id":...,"queue":...}, or what is wrong.
curl -sS --fail-with-body --max-time 5 -H 'Content-Type: application/json' \
  ${LEAT_TOKEN:+-H "Authorization: Bearer $LEAT_TOKEN"} \
  --data-binary "{\"type\":\"$1\",\"id\":\"$(date +%s)-$$\",\"args\":$2}" \
  "${LEAT_DASHBOARD:-http://127.0.0.1:8740}/api/v1/jobs?queue=${3-default}" || exit 1
