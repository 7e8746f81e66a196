#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# make dist gives the same bytes from two copies of the sources: other folder, umask, clock, and as root another user.
# Part of `make check-package`: it runs the Autotools twice.  The tarball goes to the folder $1, if given.
set -eu
cd "$(dirname "$0")/.."
source=$PWD
if [ ! -e .git ] || ! git rev-parse HEAD >/dev/null 2>&1; then
	echo "1..0 # SKIP not in a git repository"
	exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
unset MAKEFLAGS MFLAGS MAKELEVEL SOURCE_DATE_EPOCH
# xz at its fastest: the compression is not tested.
export XZ_OPT=-1

# build FOLDER UMASK COMMAND...: a clone of what is committed and its tarball, made through the command.
build() {
	folder=$work/$1
	umask "$2"
	shift 2
	git -c safe.directory='*' clone -q "file://$source" "$folder/layrub"
	mkdir "$folder/build"
	[ "$1" = env ] || chown -R nobody "$folder"
	HOME=$folder "$@" sh -c "cd '$folder/layrub' && ./autogen.sh && cd ../build && ../layrub/configure -q --without-cuda && make -s dist" \
	    >"$work/log" 2>&1 || { tail -n 20 "$work/log" >&2; exit 1; }
}

build one 022 env
sleep 2
if [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null && id nobody >/dev/null 2>&1; then
	build two 077 setpriv --reuid=nobody --clear-groups
else
	build two 077 env
fi
one=$(find "$work/one/build" -name '*.tar.xz')
two=$(find "$work/two/build" -name '*.tar.xz')
if ! cmp "$one" "$two"; then
	echo "not ok 1 - the tarballs differ"
	exit 1
fi
echo "ok 1 - two tarballs, the same bytes: $(wc -c <"$one"), sha256 $(sha256sum <"$one" | cut -c 1-16)..."
echo "1..1"
[ $# -eq 0 ] || cp "$one" "$1/"
