# SPDX-License-Identifier: Apache-2.0
# The helpers of demo.sh, check.sh and .ci/run, which source it from the project's root.
# shellcheck shell=sh disable=SC2034

say() {
	printf '== %s\n' "$*"
}

# The Debian and Ubuntu packages that the build needs.
build_packages="gcc make autoconf automake pkg-config libc6-dev libjansson-dev libxxhash-dev libglpk-dev"

have() {
	command -v "$1" >/dev/null 2>&1
}

have_build() {
	have gcc && have make && have autoconf && have automake && have pkg-config &&
	    pkg-config --exists jansson libxxhash && printf '#include <glpk.h>\n' | gcc -E - >/dev/null 2>&1
}

have_jsonschema() {
	python3 -c 'import jsonschema' 2>/dev/null || /usr/bin/python3 -c 'import jsonschema' 2>/dev/null
}

clang_sanitizes() {
	echo 'int main(void) { return 0; }' >conftest.c
	clang -fsanitize=thread -fopenmp conftest.c -o conftest >/dev/null 2>&1
	status=$?
	rm -f conftest.c conftest
	return $status
}

# Installs what check.sh needs.
install_for_tests() {
	if ! have_build || ! have gnuplot || ! have strace || ! have_jsonschema; then
		# shellcheck disable=SC2086
		install_packages $build_packages gnuplot-nox python3 python3-jsonschema strace
	fi
}

# Before Debian 12 the sanitizers came with clang itself.
install_clang() {
	install_packages clang libomp-dev strace
	clang_sanitizes || install_packages libclang-rt-dev
}

# install_packages NAME...: installs the packages by apt-get, as root or through sudo.
install_packages() {
	root=
	if [ "$(id -u)" -ne 0 ]; then
		root=sudo
	fi
	if ! have apt-get || { [ -n "$root" ] && ! have sudo; }; then
		echo "Please install what these Debian packages hold, then run this again:" >&2
		echo "  $*" >&2
		exit 1
	fi
	say "installing $* with apt-get"
	$root apt-get update -qq
	$root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

# install_python FOLDER: makes a virtual environment with what the package for Python and its tests need.
# Fails without Python 3.10, without venv or without a package index.  The tests that need PyTorch skip themselves without it.
install_python() {
	if ! python3 -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then
		(install_packages python3 python3-venv) || return
	fi
	python3 -m venv "$1" || return
	within 60 "$1/bin/pip" install --quiet --disable-pip-version-check --no-cache-dir setuptools pytest pytest-xdist pycparser ruff || return
	within 180 "$1/bin/pip" install --quiet --disable-pip-version-check --no-cache-dir torch==2.13.0 || echo "no PyTorch 2.13.0"
}

# within SECONDS COMMAND...: ends the command after that time.
within() {
	if have timeout; then
		timeout "$@"
	else
		shift
		"$@"
	fi
}

jobs=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)

# configure_and_make FOLDER OPTION...: builds from any state of the folder.  make itself notices a change of configure.ac or of a
# Makefile.am.
configure_and_make() {
	folder=$1
	shift
	if [ ! -x configure ]; then
		say "making ./configure"
		./autogen.sh >autogen.log 2>&1 || { cat autogen.log >&2; exit 1; }
	fi
	mkdir -p "$folder"
	if [ ! -f "$folder/config.status" ]; then
		say "configuring $folder $*"
		(cd "$folder" && ../configure --quiet "$@")
	fi
	say "building in $folder"
	make -C "$folder" -j"$jobs" >"$folder/build.log" 2>&1 || { tail -n 60 "$folder/build.log" >&2; return 1; }
}

# totals FOLDER...: prints "passed failed skipped" over the results of the tests there.
totals() {
	find "$@" -name '*.trs' -exec cat {} + 2>/dev/null | awk '
		/^:test-result: (PASS|XFAIL)/ { passed++ }
		/^:test-result: (FAIL|XPASS|ERROR)/ { failed++ }
		/^:test-result: SKIP/ { skipped++ }
		END { printf "%d %d %d\n", passed, failed, skipped }'
}

# run_tests FOLDER [TARGET]: runs make check there, or another target that runs tests, and shows the failures.  Sets $passed, $failed
# and $skipped.
run_tests() {
	status=0
	find "$1/tests" -name '*.trs' -exec rm -f {} + 2>/dev/null || true
	make -C "$1" -s -j"$jobs" "${2:-check}" >"$1/check.log" 2>&1 || status=1
	# shellcheck disable=SC2046
	set -- "$1" $(totals "$1/tests")
	passed=$2 failed=$3 skipped=$4
	if [ "$status" -ne 0 ] || [ "$failed" -ne 0 ]; then
		if [ "$failed" -gt 0 ] && [ -f "$1/test-suite.log" ]; then
			# Each failure with the lines that explain it.
			awk '/^(ok|PASS|SKIP)/ { show = 0 } /^(not ok|FAIL|XPASS|ERROR)/ { show = 1 } show' "$1/test-suite.log"
		else
			tail -n 60 "$1/check.log"
		fi
		if [ "$failed" -eq 0 ]; then
			failed=1
		fi
	fi
}
