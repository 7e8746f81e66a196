#!/bin/zsh -f
# SPDX-License-Identifier: Apache-2.0
# What zsh completes: as complete.bash.  The line editor wants a terminal, so a shell in a pseudo-terminal
# gets each line and the tab key, and writes what was offered to a file.
# complete.zsh FOLDER: where the completion is.
zmodload zsh/zpty || exit 1
work=$(mktemp -d) || exit 1
trap 'rm -rf $work' EXIT
export COMPLETED=$work/completed FOLDER=${1:A}
cat >$work/.zshrc <<'RC'
PROMPT= RPROMPT=
unsetopt beep
fpath=($FOLDER $fpath)
autoload -Uz compinit
compinit -u -D
typeset -ga offered
# Note what is added; calls that only ask which words match pass.
compadd() {
	local -a found
	if [[ -n ${(M)argv[1,(i)-]:#-[OAD]} ]]; then
		builtin compadd "$@"
		return
	fi
	builtin compadd -O found "$@"
	offered+=($found)
	builtin compadd "$@"
}
_files() {
	offered+=('(files)')
}
note-completions() {
	offered=()
	_main_complete
	print -rl -- $offered >$COMPLETED
	compstate[insert]=
	compstate[list]=
	print COMPLETION-DONE
}
zle -C note-completions complete-word note-completions
bindkey '^I' note-completions
print SHELL-READY
RC
export ZDOTDIR=$work TERM=dumb
zpty shell zsh -d -i || exit 1
zpty -r shell answer '*SHELL-READY*' || exit 1
while IFS= read -r line; do
	print -r -- "> $line"
	zpty -w -n shell "$line"$'\t'
	zpty -r shell answer '*COMPLETION-DONE*' || exit 1
	LC_ALL=C sort -u $COMPLETED | grep .
	zpty -w -n shell $'\C-u'
done
zpty -d shell
exit 0
