#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The package for Python: its own tests under pytest, each a line here; and an installation by pip.  LAYRUB_PYTEST names the files
# of tests; default: all.
. "${LAYRUB_TESTS:-tests}/lib.sh"
: "${LAYRUB_PYTHON:=}" "${LAYRUB_LIBRARY_FILE:=}" "${LAYRUB_PYTEST:=.}"
package=$(cd "$LAYRUB_TESTS/../pytorch" && pwd) || exit 1
PYTHONDONTWRITEBYTECODE=1
export PYTHONDONTWRITEBYTECODE
[ -n "$LAYRUB_PYTHON" ] || skip_all "configured without Python"
case ${LAYRUB_CC-} in
*-fsanitize=*) skip_all "Python does not load a library that has a sanitizer" ;;
esac
[ -f "$LAYRUB_LIBRARY_FILE" ] || skip_all "no shared library beside the program"
# One thread: the tests' tensors are small, and two processes share the machine.
python() {
	LAYRUB_LIBRARY=$LAYRUB_LIBRARY_FILE PYTHONPATH=$package OMP_NUM_THREADS=1 "$LAYRUB_PYTHON" "$@"
}

# ---- the package's tests: less than five minutes, and more room on a busy machine ----

if "$LAYRUB_PYTHON" -c 'import pytest' 2>/dev/null; then
	: >"$work/tap"
	set --
	for file in $LAYRUB_PYTEST; do
		set -- "$@" "$package/tests/$file"
	done
	if "$LAYRUB_PYTHON" -c 'import xdist' 2>/dev/null; then
		set -- --numprocesses=2 --dist=worksteal "$@"
	fi
	# From a folder of its own, so that nothing is written into the sources.
	(cd "$work" && LAYRUB_TAP=$work/tap && export LAYRUB_TAP &&
	    python -c 'import subprocess, sys; sys.exit(subprocess.run([sys.executable, *sys.argv[1:]], timeout=400).returncode)' \
	    -m pytest -q -p no:cacheprovider --rootdir="$package" --basetemp="$work/pytest" "$@") >"$work/out" 2>&1 </dev/null
	status=$?
	cat "$work/tap"
	count=$(grep -c '^\(not \)\{0,1\}ok ' "$work/tap")
	tail -n 40 "$work/out" >"$work/err"
	[ "$status" -eq 0 ] && [ "$count" -gt 0 ]
	ok $? "pytest ends with status 0"
else
	skip "the package's tests" "$LAYRUB_PYTHON has no pytest"
fi

# ---- pip ----

if "$LAYRUB_PYTHON" -c 'from importlib.metadata import version as v; v("pip"); assert int(v("setuptools").split(".")[0]) >= 71' 2>/dev/null; then
	cp -R "$package" "$work/source" && chmod -R u+w "$work/source" && rm -rf "$work/source/build"
	run_this "$LAYRUB_PYTHON" -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps --no-index \
	    --target "$work/site" "$work/source"
	is 0 "pip install"
	cd "$work" || exit 1
	run_this env LAYRUB_LIBRARY="$LAYRUB_LIBRARY_FILE" PYTHONPATH="$work/site" "$LAYRUB_PYTHON" -c \
	    'import layrub; print(layrub.__file__, layrub.version())'
	is 0 "the installed package loads the library"
	holds "$work/site/layrub/__init__.py" out "it is the installed one"
	run_this env LAYRUB_LIBRARY=/no/such/library PYTHONPATH="$work/site" "$LAYRUB_PYTHON" -c 'import layrub; layrub.version()'
	is 1 "without the library"
	holds "ImportError: liblayrub is not found" err "it is said plainly"
else
	skip "pip install" "$LAYRUB_PYTHON has no pip, or no setuptools of version 71 or newer"
fi
done_testing
