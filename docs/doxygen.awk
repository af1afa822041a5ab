# What doxygen reads instead of a file, line by line the same. The files are written to be read as
# they are; here their conventions become doxygen's commands.
#
# rota.h: a section line opens a group, whose page docs/groups.dox describes; the four lines at the
# end of a function's comment become paragraphs, and the statuses in them links.
# C++ headers: the comment at the head is the file's, and the inline namespace is left out of names.
# docs/c-api.md: the functions in its table become links.

# A paragraph of a head comment that begins with its topic, set off by blanks.
function topic(mark,    word, text) {
    if (!match($0, "^" mark "[A-Z][a-z]+  +")) return
    word = $2
    text = substr($0, RLENGTH + 1)
    sub(word ".*", "@rota_topic{" word "} ")
    $0 = $0 text
}

# Numbers become links, and in "Errors:" statuses, which stand there without their prefix.
function linked(rest,    line, word) {
    line = ""
    while (match(rest, /[A-Z][A-Z_0-9]+/)) {
        word = substr(rest, RSTART, RLENGTH)
        line = line substr(rest, 1, RSTART - 1)
        rest = substr(rest, RSTART + RLENGTH)
        if (word in defined) word = "#" word
        else if (errors && "ROTA_STATUS_" word in defined) word = "@ref ROTA_STATUS_" word " \"" word "\""
        line = line word
    }
    return line rest
}

FILENAME ~ /\.md$/ {
    if (/^\| .* \| `rota_/) {
        gsub(/`rota_/, "rota_")
        gsub(/`/, "()")
    }
    print
    next
}

FILENAME ~ /\.hpp$/ {
    if (FNR == 1) {
        sub(/^\/\/ /, "//! @file\n//! ")
        head = 1
    } else if (head && /^\/\//) {
        topic("// ")
        sub(/^\/\//, "//!")
    } else {
        head = 0
    }
    if (/^inline namespace ROTA_HPP_DIALECT/ || /^} \/\/ (inline )?namespace ROTA_HPP_DIALECT/) $0 = ""
    print
    next
}

FNR == 1 && /^\/\* / {
    while ((getline line < FILENAME) > 0)
        if (split(line, words, " ") > 1 && words[1] == "#define") defined[words[2]] = 1
    head = 1
    sub(/^\/\*/, "/** @file\n *")
}

head { topic(" \\* ") }
/\*\/$/ { head = 0 }

/^\/\/\/ ---- / {
    title = $0
    gsub(/^\/\/\/ ---- | *-*$/, "", title)
    id = tolower(title)
    gsub(/[^a-z]+/, "_", id)
    printf "%s/** @addtogroup %s\n", (open ? "/** @} */ " : ""), id
    open = 1
    about = 1
    next
}

# What follows a section line without an empty line is about the section.
about {
    about = $0 != "///"
    sub(/^\/\/\//, about ? "" : "@{ */")
    print
    next
}

/^\/\/\/ (Ownership|Threading|Errors): / {
    errors = $2 == "Errors:"
    text = $0
    sub(/^[^:]*: /, "", text)
    $0 = "/// @rota_" tolower(substr($2, 1, length($2) - 1)) " " text
}
/^\/\/\/ Since: / {
    errors = 0
    sub(/Since:/, "@since")
}
!/^\/\/\// { errors = 0 }

/^\/\/\// || /^    \/\/\// { $0 = linked($0) }

{ print }

END { if (open) print "/** @} */" }
