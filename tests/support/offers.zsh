# SPDX-License-Identifier: MIT
# offers.zsh COMPLETIONS LINE DIR: what zsh offers when Tab is pressed behind LINE, a word a
# line. zsh completes at a terminal only, so a second zsh is given one; what it adds to its list
# is written to a file in DIR.
zmodload zsh/zpty
export file=$3/offers script=$3/offers.rc
: >$file

cat >$script <<'EOT'
PS1=
autoload -Uz compinit
compinit -D
setopt no_list_beep
compadd() {
  if [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\ * ]]; then
    builtin compadd "$@" # only sorts what will be added later
    return
  fi
  local -a added
  builtin compadd -A added "$@"
  print -rl -- $added >>$file
  builtin compadd "$@"
}
finish() {
  zle complete-word
  print end >>$file
}
zle -N finish
bindkey '^I' finish
EOT

# Polls a condition for ten seconds at most.
await() {
  local tries=200
  until eval $1 || ((--tries == 0)); do sleep 0.05; done
}

zpty -b terminal zsh -f -i
zpty -w terminal "fpath=(${(q)1} \$fpath); source $script; print rea''dy"
await 'zpty -r -t terminal shown "*ready*"'
zpty -w -n terminal "$2"$'\t'
await 'grep -qx end $file'
zpty -d terminal
sed "/^end\$/d" $file
