# What doxygen reads instead of a file, line by line the same. The files are written to be read as
# they are; here their conventions become doxygen's commands.
#
# rota.h: a section line opens a group, whose page docs/groups.dox describes; the four lines at the
# end of a function's comment become paragraphs, and the statuses in them links.
# C++ headers: the comment at the head is the file's, and the inline namespace is left out of names.
# docs/c-api.md: the functions in its table become links.

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
        sub(/^\/\//, "//!")
    } else {
        head = 0
    }
    if (/^inline namespace ROTA_HPP_DIALECT/ || /^} \/\/ (inline )?namespace ROTA_HPP_DIALECT/) $0 = ""
    print
    next
}

FNR == 1 && /^\/\* / { sub(/^\/\*/, "/** @file\n *") }

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

/^#define ROTA_STATUS_/ { status[substr($2, length("ROTA_STATUS_") + 1)] = 1 }

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

errors {
    rest = $0
    line = ""
    while (match(rest, /[A-Z][A-Z_]+/)) {
        word = substr(rest, RSTART, RLENGTH)
        line = line substr(rest, 1, RSTART - 1) (word in status ? "@ref ROTA_STATUS_" word " \"" word "\"" : word)
        rest = substr(rest, RSTART + RLENGTH)
    }
    $0 = line rest
}

{ print }

END { if (open) print "/** @} */" }
