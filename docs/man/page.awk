# SPDX-License-Identifier: MIT
# Writes a manual page from the records of pages.sh on standard input, and from a hand-written
# part, whose lines before the first .SH belong to DESCRIPTION.
BEGIN { FS = "\t" }

# Text as it is: what roff would take for its own is escaped, and every dash can be copied.
function plain(text) {
  gsub(/\\/, "\\e", text)
  gsub(/-/, "\\-", text)
  gsub(/~/, "\\(ti", text)
  gsub(/\^/, "\\(ha", text)
  return (text ~ /^[.']/ ? "\\&" : "") text
}

function bold(text) { return "\\fB" plain(text) "\\fR" }

# What is to be typed is bold, what stands for something else slanted: =QUEUE, [=all]
function value(text,    word) {
  if (!match(text, /[A-Za-z|]+/)) return ""
  word = substr(text, RSTART, RLENGTH)
  return substr(text, 1, RSTART - 1) (word ~ /[A-Z]/ ? "\\fI" word "\\fR" : bold(word)) \
    substr(text, RSTART + RLENGTH)
}

function item(head, text) { return ".TP\n" head "\n" text "\n" }
function option() { return item(($3 == "" ? "" : bold($3) ", ") bold($2) value($4), plain($5) ".") }

function usage(text) { return ".B " plain(title) "\n" plain("[OPTION...] " text) "\n.br\n" }

$1 == "section" { title = $2; description = description ".SS " plain(title) "\n" }
$1 == "usage"   { synopsis = synopsis usage($2) }
$1 == "about" || $1 == "note" { description = description ".PP\n" plain($2) "\n" }
$1 == "command" { options = options item(bold("leat " $2), plain($3) ": see\n.BR leat\\-" $2 " (1).") }
$1 == "word"    { options = options item(bold("leat " $2), plain($3) ".") }
$1 == "option"  { if (title ~ / .* /) description = description option(); else options = options option() }
$1 == "shared" && !seen[$2]++ { options = options option() }

function section(heading, text) { if (text != "") printf ".SH %s\n%s", heading, text }

function see_also(    i, count, names) {
  count = split(pages, names, " ")
  for (i = 1; i <= count; i++)
    if (names[i] != name) text = text ".BR " plain(names[i]) " (1)" (i < count ? "," : "") "\n"
  return text
}

# Adds the part's first lines to DESCRIPTION; returns the rest.
function read_part(    line, rest) {
  while ((getline line < part) > 0)
    if (rest != "" || line ~ /^\.SH/) rest = rest line "\n"
    else description = description line "\n"
  return rest
}

END {
  rest = read_part()
  printf ".TH %s 1 \"\" \"leat %s\" \"leat\"\n.nh\n.ad l\n", toupper(plain(name)), version
  section("NAME", plain(name " - ") plain(summary) "\n")
  section("SYNOPSIS", synopsis != "" ? synopsis : usage())
  section("DESCRIPTION", description)
  section(name == "leat" ? "COMMANDS" : "OPTIONS", options)
  printf "%s", rest
  section("SEE ALSO", see_also())
}
