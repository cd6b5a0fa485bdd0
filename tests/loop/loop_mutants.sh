#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Would the failure loop see it? A worker that is wrong only when its link is cut: a settle that is
# sent again begins the records of its follow-ups a second time. The books must tell just that.
set -euo pipefail

out=$("$1" --scene tasks --way to-client --unit edges) && code=0 || code=$?
said=$(grep -Eom1 ' (pushed|late|then|once)=(queued|scheduled)(,done)?,queued' <<<"$out" || true)
[ "$code" = 1 ] && [ -n "$said" ] || {
  echo "$out"
  echo "not ok - the mutant was not found out (exit status $code)"
  exit 1
}
echo "ok - the mutant was found out:${said//$'\n'/}"
