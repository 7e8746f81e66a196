#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# From a tarball to Debian packages that install, run and go without a trace.  `make check-package` runs it: it takes
# minutes and needs debhelper, dpkg-dev, fakeroot and, for its check, lintian.  With DEB_BUILD_OPTIONS=nocheck the
# packages' own build leaves the tests out, as it does by default here: `make check` has run them.
set -u
cd "$(dirname "$0")/.." || exit 1
source=$PWD
for tool in dpkg-buildpackage dh fakeroot pkg-config; do
	if ! command -v "$tool" >/dev/null; then
		echo "1..0 # SKIP no $tool"
		exit 0
	fi
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
log=$work/log
root=$work/root
count=0
failed=0

ok() {	# STATUS NAME
	count=$((count + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $count - $2"
	else
		echo "not ok $count - $2"
		tail -n 30 "$log" | sed 's/^/# /'
		failed=1
	fi
}

# Run a command with its output in the log; its status is the result of a test.
try() {	# NAME COMMAND...
	name=$1 status=0
	shift
	"$@" >"$log" 2>&1 || status=$?
	ok "$status" "$name"
}

# ---- the tarball ----

# In a repository two tarballs are made and compared; a tarball's own tree makes one.
if [ -e .git ]; then
	try "make dist twice: the same bytes" sh tests/dist.sh "$work"
else
	try "make dist" sh -c "unset MAKEFLAGS MFLAGS MAKELEVEL; mkdir '$work/dist' && cd '$work/dist' &&
	    '$source/configure' -q --without-cuda && make -s dist && mv layrub-*.tar.xz '$work'"
fi
tarball=$(find "$work" -maxdepth 1 -name 'layrub-*.tar.xz')
[ -n "$tarball" ] || exit 1

# ---- the packages ----

mkdir "$work/build"
tar -xJf "$tarball" -C "$work/build"
cd "$work/build"/layrub-* || exit 1
export DEB_BUILD_OPTIONS="${DEB_BUILD_OPTIONS-nocheck parallel=$(getconf _NPROCESSORS_ONLN)}"
try "dpkg-buildpackage" sh -c "unset MAKEFLAGS MFLAGS MAKELEVEL; dpkg-buildpackage -us -uc -b"
cd .. || exit 1
for package in layrub layrub-data liblayrub0 liblayrub-dev; do
	find . -maxdepth 1 -name "${package}_*.deb" | grep . >"$log"
	ok $? "package $package"
done
if command -v lintian >/dev/null; then
	lintian --allow-root --fail-on error ./*.changes >"$log" 2>&1
	ok $? "lintian finds no errors"
	grep '^[EW]' "$log" | sed 's/^/# /' || true
fi

# ---- installed ----

# A root of its own, with a database of its own; what the packages depend on is the machine's.
mkdir -p "$root/var/lib/dpkg/updates" "$root/var/lib/dpkg/info" "$root/var/log"
touch "$root/var/lib/dpkg/status" "$root/var/lib/dpkg/available"
# shellcheck disable=SC2317	# try calls it
db() {
	fakeroot dpkg --root="$root" --log="$root/var/log/dpkg.log" --force-not-root,depends,script-chrootless "$@"
}
content() {
	(cd "$root" && find . ! -path './var/*' ! -path ./var ! -path .)
}
try "install" db --install ./layrub_*.deb ./layrub-data_*.deb ./liblayrub0_*.deb ./liblayrub-dev_*.deb
libdir=$(dirname "$(find "$root/usr/lib" -name liblayrub.a)")
try "layrub --version" "$root/usr/bin/layrub" --version
try "a plan, with documents found beside the program" "$root/usr/bin/layrub" plan resnet18 --device k40m --budget 60% -o "$work/plan.json"
try "check" "$root/usr/bin/layrub" check "$work/plan.json"
try "replay" "$root/usr/bin/layrub-replay" "$work/plan.json" --backend host --steps 1 --time none
cp "$root/usr/share/doc/liblayrub-dev/examples/half.c" "$work/"
PKG_CONFIG_PATH=$libdir/pkgconfig
export PKG_CONFIG_PATH
# shellcheck disable=SC2046
try "the example builds" cc "$work/half.c" $(pkg-config --define-variable=prefix="$root/usr" --cflags --libs layrub) -I"$root/usr/include" \
    -L"$libdir" -o "$work/half"
LAYRUB_DATA=$root/usr/share/layrub/networks LD_LIBRARY_PATH=$libdir "$work/half" graphs/resnet50 h100 layrub >"$work/half.txt" 2>"$log"
ok $? "the example runs"
diff -u "$source/tests/golden/half.txt" "$work/half.txt" >"$log"
ok $? "it says what it always says"
ldd "$root/usr/bin/layrub" | grep glpk >"$log"
ok $? "the command has GLPK"
ldd "$libdir/liblayrub.so.0" "$root/usr/bin/layrub-replay" >"$work/needs"
grep glpk "$work/needs" >"$log"
[ $? -eq 1 ]
ok $? "library and replay have not"

# ---- removed ----

try "remove" db --purge layrub layrub-data liblayrub0 liblayrub-dev
content >"$log"
[ ! -s "$log" ]
ok $? "nothing is left"
echo "1..$count"
exit "$failed"
