#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every link between the documents leads somewhere: file and heading; and every file in docs/, but for
# man pages and completions, is led to from docs/README.md.  And every figure that the text takes from an output stands in one.
. "${LAYRUB_TESTS:-tests}/lib.sh"
cd "$LAYRUB_TESTS/.." || exit 1
[ -f docs/README.md ] || skip_all "no documents beside the tests"

# The text outside of blocks, without `code`.
prose() {	# DOCUMENT
	awk '/^```/ { block = !block; next } !block && !/^    / { gsub(/`[^`]*`/, ""); print }' "$1"
}

links() {	# DOCUMENT
	prose "$1" | grep -o '](\([^)]*\))' | sed 's/^](//; s/)$//'
}

# The anchors of a document's headings, as GitHub makes them.
anchors() {	# DOCUMENT
	awk '/^```/ { block = !block } !block && /^#+ / { sub(/^#+ /, ""); print }' "$1" | tr '[:upper:]' '[:lower:]' |
	    LC_ALL=C sed 's/[^a-z0-9 _-]//g; s/ /-/g'
}

# A path without "x/.." in it.
plain() {	# PATH
	echo "$1" | sed -e ':again' -e 's,[^/][^/]*/\.\./,,' -e 't again' -e 's,^\./,,'
}

# The files that a document links to, and its broken links on descriptor 3.
follow() {	# DOCUMENT
	links "$1" | while read -r link; do
		case $link in
		http:* | https:*) continue ;;
		'#'*) file=$1 ;;
		*) file=$(plain "$(dirname "$1")/${link%%#*}") ;;
		esac
		if [ ! -e "$file" ]; then
			echo "$1: no file for the link $link" >&3
		elif [ "$link" != "${link#*#}" ] && ! anchors "$file" | grep -qxF -- "${link#*#}"; then
			echo "$1: no heading for the link $link" >&3
		fi
		echo "$file"
	done
}

for document in README.md docs/*.md docs/*/*.md; do
	follow "$document" 3>"$work/err" >/dev/null
	[ ! -s "$work/err" ]
	ok $? "$document: its links lead somewhere"
done

# Figures with a decimal point and a unit in the prose, tables left out, that stand in no block of the document.
stray_figures() {	# DOCUMENT
	awk -v figure='[0-9]+[.][0-9]+ (GiB|MiB|KiB|ms|us|s|%)' '
	function note(line, figures) {
		while (match(line, figure)) {
			figures[substr(line, RSTART, RLENGTH)]
			line = substr(line, RSTART + RLENGTH)
		}
	}
	/^```/ { block = !block; next }
	block { note($0, shown) }
	!block && !/^\|/ { note($0, told) }
	END { for (f in told) if (!(f in shown)) print FILENAME ": no output of this document has " f }' "$1" | sort
}

# The documents that walk through outputs.  The others tell rules, and what was measured elsewhere.
for document in README.md docs/tutorial.md docs/what-if.md docs/pytorch.md docs/sweep.md docs/plan-promises.md; do
	stray_figures "$document" >"$work/err"
	[ ! -s "$work/err" ]
	ok $? "$document: its text tells the figures of its outputs"
done

# From the index on, until no new document is found.
echo docs/README.md >"$work/reached"
: >"$work/before"
until cmp -s "$work/reached" "$work/before"; do
	cp "$work/reached" "$work/before"
	while read -r document; do
		echo "$document"
		case $document in
		*.md) [ ! -f "$document" ] || follow "$document" 3>/dev/null ;;
		esac
	done <"$work/before" | sort -u >"$work/reached"
done
find docs -name man -prune -o -name completion -prune -o -type f ! -name local.mk -print | sort >"$work/files"
comm -23 "$work/files" "$work/reached" >"$work/err"
[ ! -s "$work/err" ]
ok $? "every file in docs/ is led to from docs/README.md"
done_testing
