# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# The content of --help in a form for tests; sourced.  The completions read --help in ways of their own.

# The options of the help on standard input, one a line: LONG SHORT VALUE CHOICE...; - for what is not there.
help_options() {
	awk '
	function flush() { if (long != "") print long, short, value choices; long = choices = "" }
	/^  (-., |    )--/ {
		flush()
		listing = 0
		short = $1 ~ /^--/ ? "-" : substr($1, 1, 2)
		long = short == "-" ? $1 : $2
		rest = substr($0, index($0, long) + length(long))
		value = rest ~ /^ [^ ]/ ? (short == "-" ? $2 : $3) : "-"
	}
	/^$/ { flush() }
	long != "" {
		if (sub(/.* (one|any) of:/, "")) listing = 1
		if (listing) { gsub(/,/, ""); $1 = $1; choices = choices " " $0 }
		else for (i = 1; i <= NF; i++) if ($i ~ /^\047[a-z]+\047$/) choices = choices " " substr($i, 2, length($i) - 2)
	}
	END { flush() }'
}

# The default of each option: LONG WORD..., with (none) where the help names none.
help_defaults() {
	awk '
	function flush(  text) {
		if (long == "") return
		text = "(none)"
		if (match(help, /\(default: [^)]*\)/)) text = substr(help, RSTART + 10, RLENGTH - 11)
		else if (help ~ /\(required\)/) text = "required"
		print long, text
		long = ""
	}
	/^  (-., |    )--/ { flush(); long = $1 ~ /^--/ ? $1 : $2; help = "" }
	/^$/ { flush() }
	{ $1 = $1; help = help " " $0 }
	END { flush() }'
}
