#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Manual pages say what --help says, of every command, and a formatter takes them without a word.
. "$(dirname "$0")/../support/e2e.sh"

# What `leat help` and `leat COMMAND --help` list, for people: first words, then options.
listed() { "$leat" "$@" | sed -n 's/^  \([a-z]\{1,\}\) .*/\1/p'; }
options() { "$leat" "$@" --help | grep -oE '^ +(-., +)?--[a-z-]+' | grep -oE -e '--[a-z-]+'; }

# The page's text without roff's escapes, a line.
text_of() {
  sed 's/\\f[BIR]//g; s/\\(ti/~/g; s/\\(ha/^/g; s/\\-/-/g; s/\\&//g; s/\\e/\\/g' "$dir/man/$1.1" |
    tr '\n' ' '
}

# expect_page PAGE COMMAND…: the page has all options and the whole help of the command.
expect_page() {
  local page=$1 option text
  shift
  text=$(text_of "$page")
  while read -r option; do
    [[ $text =~ \ $option[\ =[] ]] || fail "$page(1) lacks $option of 'leat $*'"
    options_seen=$((options_seen + 1))
  done < <(options "$@")
  while read -r line; do
    [[ $text = *"$line"* ]] || fail "$page(1) lacks '$line'"
  done < <("$leat" "$@" --describe | cut -f 2,5 | sed '/^usage/d; s/.*\t//')
}

sh "$e2e_support/../../docs/man/pages.sh" "$leat" 0.0.0 "$dir/man"
options_seen=0
for command in $(listed help | grep -vxE 'help|version'); do
  expect_match "\.BR leat-$command \(1\)" "$(text_of leat)" "$command in leat(1)"
  verbs=$(listed "$command" --help)
  [ -n "$verbs" ] || expect_page "leat-$command" "$command"
  for verb in $verbs; do
    expect_match "\.SS leat $command $verb" "$(text_of "leat-$command")" 'the heading of a verb'
    expect_page "leat-$command" "$command" "$verb"
  done
done
[ "$options_seen" -gt 50 ] || fail "only $options_seen options: this test has lost them"
ok "$options_seen options of --help are in their pages"

command -v groff >"$dir/out" || skip 'no groff; the pages are complete, how they look was not checked'
for page in "$dir"/man/*.1; do
  expect_eq '' "$(groff -man -Tutf8 -ww -z "$page" 2>&1)" "warnings about ${page##*/}"
done
ok 'groff warns of nothing'
