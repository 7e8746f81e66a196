#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What bash completes: each line of standard input is a command line up to the cursor; its candidates follow it, sorted,
# without what stands before a comma.  "(files)" says that the shell goes on with files.
# complete.bash FOLDER: where the completion is.
set -u
# shellcheck source=/dev/null
. "$1/layrub-replay"

# Options of the completion at hand are set by a builtin that only works within one.
# shellcheck disable=SC2317
compopt() {
	[[ ${!#} != default ]] || more="(files)"
}

while IFS= read -r line; do
	echo "> $line"
	# As readline splits: at spaces and around =.
	read -ra COMP_WORDS <<<"${line//=/ = }"
	[[ $line != *' ' ]] || COMP_WORDS+=('')
	COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
	more=
	_layrub "${COMP_WORDS[0]}" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
	printf '%s\n' "${COMPREPLY[@]##*,}" "$more" | grep . | LC_ALL=C sort -u
done
exit 0
