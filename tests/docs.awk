# SPDX-License-Identifier: Apache-2.0
# docs.awk - the commands that a document shows, and what it says they print
#
# A block begins with ```console and ends with ```; a line "$ COMMAND" begins a command, lines "> ..." right after it go on
# with it, and the others are what it prints.  A comment is about the next such block, or, on the first line, about the
# whole document: <!-- not run: REASON -->, <!-- takes: TIME --> (run only when asked for), <!-- needs: PROGRAM -->.
#
#     mode=split   writes DIR/N.command, N.want, N.place and N.note for the Nth command
#     mode=join    prints the document again, with DIR/N.shown for what the Nth command prints, where there is such a file
function start() {
	file = sprintf("%s/%03d", dir, ++count)
	want = ""
	talking = 1
}

function finish(  line, more, shown) {
	if (file == "")
		return
	if (mode == "split") {
		printf "%s", want >(file ".want")
		close(file ".want")
		printf "%s:%d: %s\n", name, place, first >(file ".place")
		close(file ".place")
		if (note != "" || all != "") {
			print note != "" ? note : all >(file ".note")
			close(file ".note")
		}
		close(file ".command")
	} else {
		shown = file ".shown"
		if ((more = getline line <shown) < 0)
			printf "%s", want
		for (; more > 0; more = getline line <shown)
			print line
		close(shown)
	}
	file = ""
}

function said(text) {
	if (mode == "split")
		print text >(file ".command")
	else
		print
}

/^<!-- (not run|takes|needs): .* -->$/ && !inside {
	note = substr($0, 6, length($0) - 9)
	if (NR == 1) {
		all = note
		note = ""
	}
}
inside && /^```$/ { finish(); inside = 0; note = "" }
!inside { if (mode == "join") print }
inside && /^[$] / { finish(); start(); place = NR; first = substr($0, 3); said(first); sub(/ *#.*/, "", first); next }
inside && talking && /^> / { said(substr($0, 3)); next }
inside { talking = 0; want = want $0 "\n" }
/^```console$/ { inside = 1 }
