# SPDX-License-Identifier: MIT
# Completion for fish. What may come next is asked of leat itself (`leat COMMAND --describe`), so a
# new option needs no change here.

# Lines of a candidate, a tab and its explanation. Words to be typed are offered as they are;
# files where a value or an argument is one.
function __leat_offer
    set -l words (commandline -opc)
    set -l word (commandline -ct)
    set -l leat $words[1]
    set -l chain
    set -e words[1]
    test "$words[1]" = help; and set -e words[1]
    set -l described ($leat --describe 2>/dev/null)
    while set -q words[1]; and string match -qr '^(command|verb)\t' -- $described
        string match -qr "^(command|verb)\t$words[1]\t" -- $described; or return
        set -a chain $words[1]
        set -e words[1]
        set described ($leat $chain --describe 2>/dev/null)
    end
    set -l offers (printf '%s\n' $described | awk -F '\t' -v word="$word" -v before="$words[-1]" '
        function value(prefix, text,    i, count, list) {
            found = 1
            gsub(/[][=]/, "", text)
            count = split(text, list, "|")
            if (text ~ /FILE|PATH|DIR/) print "FILE"
            else if (text ~ /[a-z]/) for (i = 1; i <= count; i++) print prefix list[i]
        }
        /^(command|verb|word)/ { print $2 "\t" $3 }
        /^usage/ { file = file || /FILE/ }
        /^(option|shared)/ {
            if (index(word, $2 "=") == 1) value($2 "=", $4)
            else if (before != "" && ($2 == before || $3 == before) && $4 ~ /^=/) value("", $4)
            else options = options $2 "\t" $5 "\n"
        }
        END {
            if (!found && word ~ /^-/) printf "%s", options
            else if (!found && file) print "FILE"
        }')
    if test "$offers" = FILE
        __fish_complete_path $word
    else
        printf '%s\n' $offers
    end
end

complete -c leat -f -a '(__leat_offer)'
