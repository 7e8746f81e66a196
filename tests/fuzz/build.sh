#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# build.sh SOURCE FOLDER: in FOLDER, the fuzz targets as the compiler's fuzzer wants them, with sanitizers, and their
# seeds.  FUZZ_CC (default: clang) may be afl-clang-fast.  Exit status 77: this compiler has no fuzzer.
set -eu
source=$(cd "$1" && pwd) folder=$2 cc=${FUZZ_CC:-clang}
mkdir -p "$folder"
cd "$folder"
# libFuzzer brings a main of its own.
if ! echo 'int LLVMFuzzerTestOneInput(const char *, long); int LLVMFuzzerTestOneInput(const char *s, long n) { return s[0] < n; }' |
    $cc -fsanitize=fuzzer,address -x c - -o probe 2>/dev/null; then
	echo "SKIP $cc has no fuzzer (Debian: clang libclang-rt-14-dev, or afl++)"
	exit 77
fi
rm -f probe
if [ ! -f config.status ]; then
	"$source/configure" --quiet CC="$cc" CFLAGS='-g -O1' --enable-fuzzing --enable-sanitizers --disable-openmp \
	    --without-glpk --without-cuda >configure.log 2>&1 || { cat configure.log >&2; exit 1; }
fi
make -s layrub fuzz-targets >build.log 2>&1 || { tail -n 40 build.log >&2; exit 1; }
if [ ! -d seeds ]; then
	LAYRUB_DATA=$source/networks
	export LAYRUB_DATA
	if ! python3 "$source/tests/fuzz/seeds.py" "$source" ./layrub seeds; then
		rm -rf seeds
		exit 1
	fi
fi
