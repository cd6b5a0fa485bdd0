#!/bin/sh
# SPDX-License-Identifier: MIT
# A lines handler: counts the words of {"text": "..."}. `leat worker --lines words=./lines.sh`
# `job` is the first member of a call. This is no JSON parser: it knows its own jobs, whose texts
# are plain words; for others use jq.
set -f
while IFS= read -r line; do
  case $line in '{"job":"'*) ;; *) continue ;; esac # a cancel, of what was answered by now
  job=${line#'{"job":"'} job=${job%%'"'*}
  case $line in
    *'"args":{"text":"'*) ;;
    *) echo "{\"job\":\"$job\",\"error\":\"there is no text\"}" && continue ;;
  esac
  text=${line##*'"args":{"text":"'}
  set -- ${text%%'"'*}
  echo "{\"job\":\"$job\",\"incr\":{\"words\":$#},\"result\":$#}"
done
