#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What libleat.so shows is what the committed list says, and what leat.h promises: nothing
# leaks out, and nothing that a program was linked against goes away unnoticed.
set -euo pipefail
cd "$(dirname "$0")/../.."

library=${1:?names libleat.so}
list=tests/data/libleat.symbols
shown=$(nm -D --defined-only "$library" | awk '{ print $3 }' | grep -v '^LEAT_[0-9]*$' | LC_ALL=C sort)
promised=$(grep -ohE '\bleat_[a-z_]+\(' <(grep -A 2 '^LEAT_API' producer/leat.h) | tr -d '(' | LC_ALL=C sort -u)

diff "$list" - <<<"$shown" || {
  echo "not ok - libleat.so shows other symbols ('>') than $list says ('<')"
  echo "  A new function is a new line there; one that goes needs another SOVERSION."
  exit 1
}
diff <(sed 's/@.*//' "$list") - <<<"$promised" || {
  echo "not ok - leat.h declares other functions ('>') than $list says ('<')"
  exit 1
}
echo "ok - libleat.so shows the $(wc -l <"$list") functions of leat.h, and nothing else"
