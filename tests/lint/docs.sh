#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The pages promise nothing that is not there: every relative link of README.md, CONTRIBUTING.md,
# docs/ and the examples' pages leads somewhere, every page of docs/ stands in its index, and each `leat …` in code
# names a command, a verb and options that the program's own help knows. docs/logs.md explains
# each message that is logged above debug, and each row of docs/failure-modes.md names tests that
# are there.
set -euo pipefail
cd "$(dirname "$0")/../.."

leat=${LEAT_BIN:?names the folder of the binaries}/leat
[ -x "$leat" ] || { echo "skip - $leat is not built" && exit 77; }
pages=(README.md CONTRIBUTING.md docs/*.md examples/*/README.md)
failed=0 links=0 uses=0 told=0 shown=0

offence() {
  echo "$1"
  failed=1
}

# FILE:LINE<TAB>TARGET of each link that stays in the project.
relative_links() {
  awk '{
    text = $0
    while (match(text, /\]\([^) ]+\)/)) {
      target = substr(text, RSTART + 2, RLENGTH - 3)
      text = substr(text, RSTART + RLENGTH)
      if (target !~ /^[a-z]+:/) print FILENAME ":" FNR "\t" target
    }
  }' "${pages[@]}"
}

# The names that links after a # may use: the headings, as code hosts spell them.
anchors() {
  awk '
    /^```/ { fence = !fence }
    !fence && /^#+ / {
      sub(/^#+ +/, ""); name = tolower($0)
      gsub(/[^a-z0-9 _-]/, "", name); gsub(/ /, "-", name)
      print name
    }' "$1"
}

check_link() {
  local place=$1 path=${2%%#*} anchor=''
  [[ $2 != *'#'* ]] || anchor=${2#*#}
  if [ -n "$path" ]; then path=$(dirname "${place%:*}")/$path; else path=${place%:*}; fi
  if [ ! -e "$path" ]; then
    offence "$place: $2 leads nowhere"
  elif [ -n "$anchor" ] && ! anchors "$path" | grep -qxF -- "$anchor"; then
    offence "$place: $path has no heading #$anchor"
  fi
}

# FILE:LINE<TAB>TEXT of each line of commands: indented, in a fence that says sh, between
# backticks; a fence that says nothing holds what a program printed. Lines that go on after a
# backslash are one; comments are no commands.
code() {
  awk '
    function say(text) {
      sub(/(^|[ \t])#.*/, "", text)
      if (text ~ /\\$/) { held = held substr(text, 1, length(text) - 1); return }
      print FILENAME ":" FNR "\t" held text
      held = ""
    }
    FNR == 1 { fence = 0; held = "" }
    /^ *```/ { fence = fence ? 0 : /```(sh|console)/ ? 1 : 2; next }
    fence == 2 { next }
    fence || /^    [^`]*$/ { say($0); next }
    {
      text = $0
      while (match(text, /`[^`]+`/)) {
        say(substr(text, RSTART + 1, RLENGTH - 2))
        text = substr(text, RSTART + RLENGTH)
      }
    }' "${pages[@]}"
}

# FILE:LINE<TAB>WORDS behind each `leat` that is a command, up to the end of that command.
leat_uses() {
  code | awk -F'\t' '{
    text = $0; sub(/^[^\t]*\t/, "", text)
    while (match(text, /(^|[^A-Za-z0-9_-])leat +[a-z][^|;&)<>]*/)) {
      use = substr(text, RSTART, RLENGTH)
      text = substr(text, RSTART + RLENGTH)
      sub(/^.?leat +/, "", use)
      print $1 "\t" use
    }
  }'
}

declare -A helps=()
help_of() {
  [ -n "${helps[$*]-}" ] || helps[$*]=$("$leat" "$@" --help 2>&1 || true)
  help=${helps[$*]}
}

knows_option() {
  grep -qE -- "(^|[ ,])$1([=,[ ]|$)" <<<"$help"
}

check_use() {
  local place=$1 word words command
  read -ra words <<<"$2"
  command=(${words[0]//[^a-z]/})
  grep -qE "^  ${command[0]} +[A-Z]" <<<"$commands" ||
    { offence "$place: there is no command leat ${command[0]}"; return; }
  help_of "${command[0]}"
  if [[ $help = "Usage: leat ${command[0]} VERB"* && ${words[1]-} = [a-z]* ]]; then
    grep -qE "^  ${words[1]//[^a-z]/} +[A-Z]" <<<"$help" ||
      { offence "$place: there is no leat ${command[0]} ${words[1]}"; return; }
    command+=("${words[1]//[^a-z]/}")
    help_of "${command[@]}"
  fi
  for word in "${words[@]}"; do
    [[ $word =~ ^(--[a-z-]+|-[a-z])([^a-z-]|$) ]] || continue
    knows_option "${BASH_REMATCH[1]}" ||
      offence "$place: leat ${command[*]} has no ${BASH_REMATCH[1]}"
  done
}

index_is_whole() {
  local page
  for page in docs/*.md; do
    [ "$page" = docs/README.md ] || grep -qF "](${page#docs/})" docs/README.md ||
      offence "docs/README.md: does not name $page"
  done
}

# Each message that a program logs above debug, FILE<TAB>MESSAGE.
messages() {
  local file
  for file in worker/*.[ch] dashboard/*.c broker-schema/*/*.c; do
    tr '\n' ' ' <"$file" | grep -oE '(log_(info|warn|error)\( *|X\(JOB_[A-Z_]*, LOG_(INFO|WARN|ERROR), )"[^"]*"' |
      sed -E "s|^[^\"]*\"(.*)\"\$|$file\t\1|" || true
  done
}

logs_are_explained() {
  local file message
  while IFS=$'\t' read -r file message; do
    told=$((told + 1))
    grep -qF "\`$message\`" docs/logs.md || offence "docs/logs.md: does not explain \`$message\` of $file"
  done < <(messages)
}

# The rows of docs/failure-modes.md name tests, `FILE` or `FILE:PART`; of PROTOCOL.md, `FILE`.
check_test() {
  local place=$1 file=${2%%:*} part=''
  [[ $2 != *:* ]] || part=${2#*:}
  if [ ! -e "tests/$file" ]; then
    offence "$place: there is no tests/$file"
  elif [ -n "$part" ] && ! grep -qw -- "$part" "tests/$file"; then
    offence "$place: tests/$file has no $part"
  fi
}

named_tests() {
  grep -noE '`(unit|broker|e2e|model|loop|chaos|fuzz|browser)/[a-zA-Z0-9_./]*(:[a-z0-9_]+)?`' \
    docs/failure-modes.md broker-schema/PROTOCOL.md | sed -E 's/^([^:]*:[0-9]+):`(.*)`$/\1\t\2/'
}

failures_are_shown() {
  local place name
  while IFS=$'\t' read -r place name; do
    shown=$((shown + 1))
    check_test "$place" "$name"
  done < <(named_tests)
  # A row without a test promises what nobody has seen.
  while IFS= read -r place; do
    offence "docs/failure-modes.md:$place: names no test"
  done < <(awk '/shown by/ { table = 1; next } /^$/ { table = 0 }
    table && /^\| [^-]/ && !/`[a-z0-9]+\/[^`]*`[^|]*\|$/ { print NR }' docs/failure-modes.md)
}

commands=$("$leat" help)
while IFS=$'\t' read -r place target; do
  links=$((links + 1))
  check_link "$place" "$target"
done < <(relative_links)
while IFS=$'\t' read -r place words; do
  uses=$((uses + 1))
  check_use "$place" "$words"
done < <(leat_uses)
index_is_whole
logs_are_explained
failures_are_shown
for count in "$links" "$uses" "$told" "$shown"; do
  [ "$count" -gt 0 ] || offence "no link, command, message or test found: this test has lost them"
done

[ "$failed" = 0 ] || exit 1
echo "ok - $links links lead somewhere, the help knows $uses uses of leat, $told messages are explained, $shown names of tests lead to one"
