#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Install what is missing, build in $BUILD (default: build), run every test.  Options go to configure.
# The last line: N passed, N failed, N skipped.
set -eu
cd "$(dirname "$0")"
. .ci/common.sh

install_for_tests
BUILD=${BUILD:-build}
configure_and_make "$BUILD" "$@"
say "running the tests"
run_tests "$BUILD"
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
