# SPDX-License-Identifier: MIT
# Completion for bash. What may come next is asked of leat itself (`leat COMMAND --describe`), so
# a new option needs no change here.

# _leat_fields KINDS FIELD: a column of those records in $described.
_leat_fields() {
  awk -F '\t' -v kinds="^($1)\$" -v field="$2" '$1 ~ kinds { print $field }' <<<"$described"
}

# What follows the option $1, as in =QUEUE or [=all]; nothing for a flag.
_leat_value() {
  awk -F '\t' -v name="$1" '/^(option|shared)/ && name != "" && ($2 == name || $3 == name) {
    print $4 }' <<<"$described"
}

# Commands and verbs before the word that is typed, each of which says what may follow.
# Fails behind a word that is none of those asked for.
_leat_descend() {
  local path=() next=1 name known
  [[ ${COMP_WORDS[1]} = help ]] && next=2
  described=$("$leat" --describe 2>/dev/null)
  while known=$(_leat_fields 'command|verb' 2) && [[ -n $known ]] && ((next < COMP_CWORD)); do
    name=${COMP_WORDS[next++]}
    grep -qxF -- "$name" <<<"$known" || return 1
    path+=("$name")
    described=$("$leat" "${path[@]}" --describe 2>/dev/null)
  done
}

_leat_offer() {
  local IFS=$'\n'
  COMPREPLY=($(compgen "$@" -- "$word"))
}

# Words to be typed are offered as they are; files where a value is one.
_leat_offer_value() {
  case $1 in
    *FILE* | *PATH* | *DIR*)
      compopt -o filenames 2>/dev/null
      _leat_offer -f
      ;;
    *[[:lower:]]*) _leat_offer -W "$(tr -d '[]=' <<<"$1" | tr '|' '\n')" ;;
  esac
}

# bash splits `--drain=all` into three words.
_leat() {
  local leat=$1 word=${COMP_WORDS[COMP_CWORD]} option=${COMP_WORDS[COMP_CWORD - 1]} described value
  COMPREPLY=()
  _leat_descend || return 0
  if [[ $word = = ]]; then
    word=''
  elif [[ $option = = ]]; then
    option=${COMP_WORDS[COMP_CWORD - 2]}
  elif [[ $(_leat_value "$option") = '['* ]]; then
    option='' # a value that may be left out stands behind a = only
  fi
  value=$(_leat_value "$option")
  if [[ -n $value ]]; then
    _leat_offer_value "$value"
  elif [[ $word = -* ]]; then
    _leat_offer -W "$(_leat_fields 'option|shared' 2)"
  else
    _leat_offer -W "$(_leat_fields 'command|verb|word' 2)"
    [[ ${#COMPREPLY[@]} -gt 0 ]] || _leat_offer_value "$(_leat_fields usage 2 | grep -o FILE)"
  fi
}

complete -F _leat leat
