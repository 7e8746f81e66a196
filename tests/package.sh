#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# From a tarball to Debian packages that install, run, and leave no file when removed.  `make check-package` runs it: it takes
# minutes and needs debhelper, dpkg-dev, fakeroot and, for its check, lintian.  The packages' own build leaves the tests out
# (`make check` is for them) unless DEB_BUILD_OPTIONS says otherwise.
cd "$(dirname "$0")/.." || exit 1
source=$PWD
unset LAYRUB_DATA MAKEFLAGS MFLAGS MAKELEVEL
. tests/lib.sh
unset LAYRUB_DATA
for tool in dpkg-buildpackage dh fakeroot pkg-config; do
	command -v "$tool" >/dev/null || skip_all "no $tool"
done

this() {	# NAME COMMAND...: it succeeds
	name=$1
	shift
	run_this "$@"
	# The end of a build's output holds the reason.
	[ "$status" -eq 0 ] || tail -n 20 "$work/out" >>"$work/err"
	ok "$status" "$name"
}

# ---- the tarball ----

dist_here() {
	mkdir "$work/dist" && cd "$work/dist" && "$source/configure" -q --without-cuda && make -s dist && mv layrub-*.tar.xz "$work"
}
# In a repository two tarballs are made and compared; in the tree of a tarball, one.
if [ -e .git ]; then
	this "make dist twice: the same bytes" sh tests/dist.sh "$work"
else
	this "make dist" dist_here
fi
cd "$work" || exit 1
mkdir build
find . -maxdepth 1 -name 'layrub-*.tar.xz' -exec tar -xJf '{}' -C build ';'

# ---- the packages ----

cd build/layrub-* || exit 1
DEB_BUILD_OPTIONS=${DEB_BUILD_OPTIONS-nocheck parallel=$(getconf _NPROCESSORS_ONLN)}
export DEB_BUILD_OPTIONS
this "dpkg-buildpackage" dpkg-buildpackage -us -uc -b
cd .. || exit 1
for package in layrub layrub-data liblayrub1 liblayrub-dev; do
	set -- "${package}"_*.deb
	[ -f "$1" ]
	ok $? "package $package"
done
if command -v lintian >/dev/null; then
	this "lintian finds no errors" lintian --allow-root --fail-on error ./*.changes
	grep '^[EW]' "$work/out" | diag
else
	skip "lintian finds no errors" "no lintian"
fi

# ---- installed ----

# A root and a package database of its own; the dependencies are those of the machine.
root=$work/root
mkdir -p "$root/var/lib/dpkg/updates" "$root/var/lib/dpkg/info" "$root/var/log"
touch "$root/var/lib/dpkg/status" "$root/var/lib/dpkg/available"
db() {
	fakeroot dpkg --root="$root" --log="$root/var/log/dpkg.log" --force-not-root,depends,script-chrootless "$@"
}
this "install" db --install ./layrub_*.deb ./layrub-data_*.deb ./liblayrub1_*.deb ./liblayrub-dev_*.deb
libdir=$(dirname "$(find "$root/usr/lib" -name liblayrub.a)")
this "layrub --version" "$root/usr/bin/layrub" --version
this "a plan, with documents found beside the program" "$root/usr/bin/layrub" plan resnet18 --device k40m --budget 60% -o "$work/plan.json"
this "its check" "$root/usr/bin/layrub" check "$work/plan.json"
this "its replay" "$root/usr/bin/layrub-replay" "$work/plan.json" --backend host --steps 1 --time none
cd "$work" || exit 1
PKG_CONFIG_PATH=$libdir/pkgconfig
export PKG_CONFIG_PATH
config() {
	pkg-config --define-variable=prefix="$root/usr" "$@" layrub
}
# pkg-config omits /usr, which compilers search by default.
# shellcheck disable=SC2046
this "the example builds" cc "$root/usr/share/doc/liblayrub-dev/examples/half.c" -I"$(config --variable=includedir)" -L"$(config --variable=libdir)" \
    $(config --libs) -o half
this "the example runs" env LAYRUB_DATA="$root/usr/share/layrub/networks" LD_LIBRARY_PATH="$libdir" ./half graphs/resnet50 h100 layrub
diff -u "$golden/half.txt" out >err 2>&1
ok $? "it says what it always says"
this "what the command needs" ldd "$root/usr/bin/layrub"
holds glpk out "is GLPK, too"
this "what library and replay need" ldd "$libdir/liblayrub.so.1" "$root/usr/bin/layrub-replay"
grep glpk out >err
[ ! -s err ]
ok $? "is not"

# ---- removed ----

this "remove" db --purge layrub layrub-data liblayrub1 liblayrub-dev
(cd "$root" && find . ! -path './var/*' ! -path ./var ! -path .) >err
[ ! -s err ]
ok $? "nothing is left"
done_testing
