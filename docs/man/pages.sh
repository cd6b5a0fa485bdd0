#!/bin/sh
# SPDX-License-Identifier: MIT
# pages.sh LEAT VERSION OUT: writes the manual pages into the folder OUT, leat.1 and one for each
# command. Options and verbs come from what the programs tell (`leat COMMAND --describe`), so a
# new row in a table is in its page without further ado. What a table cannot say is hand-written
# beside this script: PAGE.part holds more paragraphs of DESCRIPTION, then sections of its own.
set -eu
leat=$1 version=$2 out=$3
here=$(dirname "$0")
tab=$(printf '\t')

verbs() { "$leat" "$1" --describe | sed -n "s/^verb$tab\([^$tab]*\).*/\1/p"; }

# The records of a command, and those of its verbs, each behind a line `section`.
records() {
  "$leat" "$1" --describe
  for verb in $(verbs "$1"); do
    printf 'section\tleat %s %s\n' "$1" "$verb"
    "$leat" "$1" "$verb" --describe
  done
}

# page NAME SUMMARY TITLE <RECORDS
page() {
  awk -v name="$1" -v summary="$2" -v title="$3" -v version="$version" -v pages="$pages" \
    -v part="$here/$1.part" -f "$here/page.awk" >"$out/$1.1"
}

mkdir -p "$out"
"$leat" --describe >"$out/commands"
pages="leat $(awk -F '\t' '$1 == "command" { printf "leat-%s ", $2 }' "$out/commands")"
grep "^command$tab" "$out/commands" | while IFS=$tab read -r _ name summary; do
  records "$name" >"$out/records"
  page "leat-$name" "$summary" "leat $name" <"$out/records"
done
page leat 'Background jobs on Redis' 'leat COMMAND' <"$out/commands"
rm "$out/commands" "$out/records"
