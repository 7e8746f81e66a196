#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Install what is missing, build in $BUILD (default: build), run every test.  Options go to configure.
# The last line: N passed, N failed, N skipped.
set -eu
cd "$(dirname "$0")"
. .ci/common.sh

if ! have_build || ! have gnuplot || ! have strace || ! have_jsonschema; then
	# shellcheck disable=SC2086
	install_packages $build_packages gnuplot-nox python3 python3-jsonschema strace
fi
BUILD=${BUILD:-build}
configure_and_make "$BUILD" "$@"
say "running the tests"
run_tests "$BUILD"
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
