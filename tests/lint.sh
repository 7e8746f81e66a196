#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# lint.sh BUILD [TOOL]...: runs clang-tidy, cppcheck, ShellCheck and ruff on the sources, which must have no warnings; config.h is in
# BUILD.  Exceptions stand, each with its reason, in .clang-tidy and tests/cppcheck.suppress.
set -u
build=$(cd "$1" && pwd)
shift
cd "$(dirname "$0")/.." || exit 2
if [ $# -eq 0 ]; then
	set -- shellcheck ruff cppcheck clang-tidy
fi
status=0

# Files that need CUDA's headers are left to its compiler.
sources() {
	find src planner sim cuda_validate pytorch/runtime tests -name '*.c' ! -path '*/cuda_try.c' ! -path '*/backend_cuda.c' ! -path '*/calibrate*.c' |
	    sort
}

run_shellcheck() {
	find . -name '*.sh' ! -path './build*' ! -path './fuzz/*' -exec shellcheck {} + && shellcheck .ci/run
}

run_ruff() {
	ruff check --no-cache --config pytorch/pyproject.toml pytorch docs/example
}

# cppcheck does not read the headers of libraries: these macros are loops.
run_cppcheck() {
	cat >"$build/cppcheck.h" <<-'HEADER'
	#define json_object_foreach(object, name, element) for (name = "", element = object; element != 0; element = 0)
	#define json_array_foreach(array, position, element) for (position = 0, element = array; element != 0; element = 0)
	HEADER
	sources | cppcheck --std=c11 --enable=warning,performance,portability --inline-suppr --quiet --error-exitcode=1 -I. -I"$build" \
	    --include="$build/cppcheck.h" -D'DATA_FOLDER=""' -DHAVE_GLPK --suppressions-list=tests/cppcheck.suppress --file-list=-
}

# Takes some seconds a file, most of them in the analyser.  Of the tests only the shared parts are checked: the analyser objects to a
# test that goes on without a handle, and such a test is meant to fail.
run_clang_tidy() {
	sources | grep -v '^tests/[a-z_]*\.c' | xargs -n 1 -P "$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)" sh -c 'exec clang-tidy --quiet "$1" -- -std=gnu11 \
	    -D_GNU_SOURCE -I. -I"$0" -DDATA_FOLDER=\"/\" 2>/dev/null' "$build"
}

for tool; do
	if ! command -v "$tool" >/dev/null 2>&1; then
		echo "SKIP $tool is not here"
		continue
	fi
	if "run_$(echo "$tool" | tr - _)"; then
		echo "ok $tool"
	else
		echo "not ok $tool"
		status=1
	fi
done
exit $status
