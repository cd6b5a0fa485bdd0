#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What the shells offer when Tab is pressed; all of it from the tables of the options.
. "$(dirname "$0")/../support/e2e.sh"
completions=$(cd "$e2e_support/../../completions" && pwd)

# The line as typed; a `.` stands for a word not yet begun. What is offered, in any order.
table() {
  cat <<'EOF'
leat pu                      | push
leat cou                     | counter
leat help cou                | counter
leat nonsense .              |
leat counter .               | get ls top rm
leat help counter r          | rm
leat counter rm --           | --queue --all --yes --redis --config --json --help --usage
leat push --nd               | --ndjson
leat push -q mail x --nd     | --ndjson
leat push -q .               |
leat worker --log-level .    | debug info warn error
leat worker --log-level w    | warn
leat worker --log-level=     | debug info warn error
leat worker --log-level=w    | warn
leat worker --drain .        |
leat worker --drain=         | all
leat worker --drain --le     | --lease
leat job ls --state .        | dead bad failed scheduled retrying ready
leat push --ndjson some      | some-file
leat push -q some            |
EOF
}

# bash hands over the words split at each =.
offers_of_bash() {
  bash --norc -c '
    . "$1/leat.bash"
    set -f
    COMP_WORDS=(${2//=/ = }) COMPREPLY=()
    [[ $2 != *" " ]] || COMP_WORDS+=("")
    COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
    _leat leat
    printf "%s\n" "${COMPREPLY[@]}"' - "$completions" "$1" 2>"$dir/bash.log"
}

# fish offers whole words, and explains each behind a tab.
offers_of_fish() {
  fish --no-config -c "source '$completions/leat.fish'; complete -C '$1'" | cut -f 1 | sed 's/.*=//'
}

offers_of_zsh() { zsh -f "$e2e_support/offers.zsh" "$completions" "$1" "$dir"; }

# The words of standard input in one line.
sorted() { tr -s ' ' '\n' | sed '/^$/d' | LC_ALL=C sort | paste -sd ' '; }

expect_offers() {
  local shell=$1 line want got count=0
  while IFS='|' read -r line want; do
    line=$(sed 's/ *$//; s/\.$//' <<<"$line")
    got=$("offers_of_$shell" "$line" | sorted)
    expect_eq "$(sorted <<<"$want")" "$got" "$shell behind '$line'"
    count=$((count + 1))
  done < <(table)
  [ ! -s "$dir/$shell.log" ] || fail "$shell complains"
  ok "$shell: $count lines"
}

mkdir "$dir/work"
touch "$dir/work/some-file"
cd "$dir/work"
export PATH=$LEAT_BIN:$PATH HOME=$dir
expect_offers bash
for shell in zsh fish; do
  if command -v "$shell" >"$dir/out"; then expect_offers "$shell"; else echo "not tried: no $shell"; fi
done
