#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The house's rules that a machine can check. Each rule prints its offences, `file:line: what`,
# and any offence fails the test; the figures at the end are only printed.
set -euo pipefail
cd "$(dirname "$0")/../.."

existing() {
  local path
  for path in "$@"; do [ ! -e "$path" ] || echo "$path"; done
}

mapfile -t roots < <(existing broker-schema producer worker dashboard tests examples docs completions packaging)
mapfile -t sources < <(find "${roots[@]}" -name '*.[ch]' | sort)
mapfile -t product < <(printf '%s\n' "${sources[@]}" | grep -v -E '^(tests|examples)/')
mapfile -t scripts < <(find "${roots[@]}" -name '*.sh' -o -name '*.lua' -o -name '*.pml' -o -name '*.js' -o -name '*.mjs' -o -name '*.css' | sort; existing run test .ci/run)
mapfile -t cmake_lists < <(find "${roots[@]}" cmake CMakeLists.txt -name CMakeLists.txt -o -name '*.cmake' | sort)
mapfile -t pages < <(existing packages ./*.md; find "${roots[@]}" -name '*.md' -not -path 'tests/data/*')

# rule TEXT COMMAND…: what the command prints are the offences.
failed=0
rule() {
  local text=$1 offences
  shift
  offences=$("$@")
  if [ -z "$offences" ]; then
    echo "ok - $text"
  else
    echo "not ok - $text"
    printf '%s\n' "$offences" | sed 's/^/  /'
    failed=1
  fi
}

# The arrows: which layer may include which. An include without a folder is the neighbour's
# in the same folder, or else whatever layer has a file of that name at its top.
include_edges() {
  awk '
    function layer(path) {
      sub(/^broker-schema\//, "", path)
      return path ~ /\// ? substr(path, 1, index(path, "/") - 1) : path
    }
    function target(name, own) {
      sub(/^(\.\.\/)+/, "", name)
      if (name ~ /\// && layer(name) in may) return layer(name)
      if (name in public) return public[name]
      return own
    }
    BEGIN {
      may["base"] = " base "
      may["schema"] = may["base"] "schema "
      may["broker"] = may["schema"] "broker "
      may["config"] = may["broker"] "config "
      may["producer"] = may["config"] "producer "
      may["worker"] = may["config"] "worker "
      may["dashboard"] = may["config"] "dashboard "
      may["examples"] = " producer examples "
      may["tests"] = may["config"] "producer worker dashboard tests "
      for (i = 1; i < ARGC; i++) {
        here[ARGV[i]] = 1
        if (ARGV[i] ~ /^(producer|worker|dashboard)\/[^\/]*\.h$/) {
          name = ARGV[i]; sub(/.*\//, "", name); public[name] = layer(ARGV[i])
        }
      }
    }
    /^[ \t]*#[ \t]*include[ \t]*"/ {
      split($0, part, "\""); dir = FILENAME; sub(/[^\/]*$/, "", dir)
      own = layer(FILENAME)
      to = (dir part[2]) in here ? own : target(part[2], own)
      if (!index(may[own], " " to " "))
        print FILENAME ":" FNR ": " own " may not include " to " (" part[2] ")"
    }' "${sources[@]}"
}

# One door per third-party header: header, files that may have it, whether only one may. Behind an
# …_inside.h the door has several rooms, since one file would be too long.
third_party_doors() {
  awk '
    function door(header, files, single) {
      n++; name[n] = header; allowed[n] = files; one[n] = single
    }
    BEGIN {
      door("^jansson\\.h$", "^(broker-schema/schema/json\\.c|tests/(fuzz/.*|unit/test_log\\.c|support/fields\\.c))$") # tests want a second opinion
      door("^confuse\\.h$", "^broker-schema/config/reader\\.c$")
      door("^hiredis", "^broker-schema/broker/")
      door("^curl/", "^worker/", 1)
      door("^openssl/", "^worker/(signer|ca_file)\\.c$|^tests/support/receiver\\.c$")
      door("^microhttpd\\.h$", "^dashboard/http_inside\\.h$|^tests/support/web\\.h$", 1)
      door("^check\\.h$", "^tests/")
      door("^bsd/", "^worker/title\\.c$", 1)
      door("^argp\\.h$", "^broker-schema/base/opt\\.c$")
      door("^ev\\.h$", "^(broker-schema/broker|producer|worker|dashboard|tests)/")
    }
    /^[ \t]*#[ \t]*include[ \t]*</ {
      header = $0; sub(/^[^<]*</, "", header); sub(/>.*/, "", header)
      for (i = 1; i <= n; i++) {
        if (header !~ name[i]) continue
        if (FILENAME !~ allowed[i])
          print FILENAME ":" FNR ": " header " has its door elsewhere"
        else if (one[i] && FILENAME !~ /^tests\// && first[i] != "" && first[i] != FILENAME)
          print FILENAME ":" FNR ": " header " has its door in " first[i]
        else if (FILENAME !~ /^tests\//)
          first[i] = FILENAME
      }
    }' "${sources[@]}"
}

# Each .c file is named in the CMakeLists.txt of a folder above it: by its path from there, or,
# for a test, by its name without the test_, since a function there knows the rest.
cmake_lists_all_sources() {
  local file dir stem found
  for file in "${sources[@]}"; do
    [[ $file = *.c ]] || continue
    stem=${file##*/}
    stem=${stem%.c}
    dir=$file found=''
    while [[ $dir = */* && -z $found ]]; do
      dir=${dir%/*}
      [ -f "$dir/CMakeLists.txt" ] || continue
      grep -qF -- "${file#"$dir"/}" "$dir/CMakeLists.txt" && found=1
      [[ $file = tests/* ]] && grep -qwF -- "${stem#*_}" "$dir/CMakeLists.txt" && found=1
    done
    [ -n "$found" ] || echo "$file: in no CMakeLists.txt"
  done
}

cmake_lists_only_existing() {
  local list word
  for list in "${cmake_lists[@]}"; do
    { sed 's/#.*//' "$list" | grep -oE '[A-Za-z0-9_./${}-]+\.c\b' || true; } | while read -r word; do
      [[ $word = *'$'* || -e ${list%/*}/$word ]] || echo "$list: $word is not there"
    done
  done
}

licence_lines() {
  local file
  for file in "${sources[@]}" "${scripts[@]}"; do
    head -n 2 "$file" | grep -q 'SPDX-License-Identifier: MIT' || echo "$file:1: no SPDX line"
  done
}

# The brackets keep the words from finding themselves.
forbidden_words() {
  grep -nE '\b([T]ODO|[F]IXME|[X]XX|[H]ACK)\b|(^|[^A-Za-z0-9_.])/([w]ork|[h]ome|[r]oot|[U]sers)/' \
    "${sources[@]}" "${scripts[@]}" "${cmake_lists[@]}" "${pages[@]}" | cut -c1-120 || true
}

# clang-format leaves comments as they are.
long_lines() {
  LC_ALL=C.UTF-8 grep -nE '^.{91,}' "${sources[@]}" | cut -c1-120 || true
}

formatting() {
  clang-format --dry-run -Werror "${sources[@]}" 2>&1 | grep -E 'error:|^clang-format' |
    sed 's/ error: code should be clang-formatted.*/ not formatted/' | head -n 20 || true
}

# Variables at file scope that are not const; tables that close with `} name[] = {` are
# judged by the line that opened them.
mutable_globals() {
  ctags -f - --languages=C --kinds-C=v --fields=+n "${product[@]}" |
    awk -F'\t' '$2 !~ /\/(main|log|clock)\.c$/ { sub(/^line:/, "", $5); print $2, $5 }' |
    while read -r file line; do
      awk -v line="$line" '/^[a-z]/ { opened = $0 }
        NR == line {
          text = /^}/ ? opened : $0
          sub(/=.*/, "", text)
          last = text; sub(/.*\*/, "", last)
          if (last !~ /(^|[^a-z_])const([^a-z_]|$)/ && text !~ /^extern/)
            print FILENAME ":" NR ": " $0
        }' "$file"
    done
}

# LINES NAME FILE of each function, longest first.
function_sizes() {
  ctags -f - --languages=C --kinds-C=f --fields=+ne "${product[@]}" |
    awk -F'\t' '{
      for (i = 4; i <= NF; i++) {
        if ($i ~ /^line:/) from = substr($i, 6)
        if ($i ~ /^end:/) to = substr($i, 5)
      }
      print to - from + 1, $1, $2 ":" from
    }' | sort -rn
}

documented_prototypes() {
  local headers
  mapfile -t headers < <(printf '%s\n' "${product[@]}" | grep '\.h$')
  ctags -f - --languages=C --langmap=C:.h --kinds-C=p --fields=+n "${headers[@]}" |
    awk -F'\t' '{ sub(/^line:/, "", $5); print $2 ":" $5 }' |
    awk '
      # Documented: a comment ends in the block of lines, free of blank ones, before it.
      NR == FNR { wanted[$0] = 1; next }
      FNR == 1 { said = 0 }
      /^[ \t]*$/ { said = 0 }
      (FILENAME ":" FNR) in wanted { all++; if (said) good++ }
      /\*\// { said = 1 }
      END { if (all) printf "prototypes documented: %d of %d (%d %%)\n", good, all, 100 * good / all }
    ' - "${headers[@]}"
}

figures() {
  echo "Figures (median at most 12, 90th percentile 40, files rarely over 600):"
  function_sizes | awk '
    { size[NR] = $1; if (NR <= 5) longest = longest "\n  " $0 }
    END {
      if (!NR) exit
      print "functions: " NR ", median " size[int(NR / 2) + 1] ", 90th percentile " size[int(NR / 10) + 1]
      print "longest:" longest
    }'
  wc -l "${sources[@]}" | awk '$2 != "total" && $1 > 600 { print "long file: " $1 " " $2 }'
  wc -l "${product[@]}" | awk '$2 == "total" { print "lines of the product: " $1 }'
  documented_prototypes
  mutable_globals | sed 's/^/mutable global: /'
}

rule "the layers' arrows point one way" include_edges
rule "every third-party header has one door" third_party_doors
rule "every C file is listed for CMake" cmake_lists_all_sources
rule "what CMake lists is there" cmake_lists_only_existing
rule "every source names its licence" licence_lines
rule "no line of C is over 90 columns" long_lines
rule "no unfinished business, no paths of one machine" forbidden_words
if command -v clang-format >/dev/null; then
  rule "everything is formatted" formatting
else
  echo "formatting not checked: no clang-format"
fi
if [[ $(ctags --version 2>/dev/null) = *Universal* ]]; then
  figures
else
  echo "no figures: no universal-ctags"
fi
exit "$failed"
