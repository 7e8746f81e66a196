# SPDX-License-Identifier: Apache-2.0
"""_load.py - the shared library: where it is, and calls that raise its errors"""
from __future__ import annotations

import ctypes
import ctypes.util
import os
import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from layrub import _binding as c
from layrub._convert import record

SONAME = "liblayrub.so.1"  # the binary interface that _binding.py describes


class LayrubError(Exception):
    """A call of the library that failed.

    code: layrub.Code.  text: what is wrong.  source and path: the document and the place in it, or "".  With INFEASIBLE also op
    (None: no single one), tensors (ids of the graph, the largest first, at most 8) and missing_bytes (0: not known).
    """

    def __init__(self, line: str, reason: c.Error) -> None:
        super().__init__(line)
        self.code, self.text, self.source, self.path = reason.code, reason.text, reason.source, reason.path
        self.op, self.tensors, self.missing_bytes = reason.op, reason.tensors, reason.missing_bytes


# ---- the shared library ----

def _candidates() -> Iterator[str]:
    try:
        from layrub import _installed  # written by `make install`
        yield _installed.LIBRARY
    except ImportError:
        pass
    yield SONAME
    program = shutil.which("layrub")
    if program:
        yield str(Path(program).resolve().parents[1] / "lib" / SONAME)
    found = ctypes.util.find_library("layrub")
    if found:
        yield found
    yield f"/usr/local/lib/{SONAME}"


@cache
def library() -> ctypes.CDLL:
    """Returns the loaded library.  ImportError: there is none, and the text says what to do.

    LAYRUB_LIBRARY is its path.  Without it: the library that was installed with this package, or the first of that soname, where
    the loader looks or beside the program on the PATH.
    """
    given = os.environ.get("LAYRUB_LIBRARY")
    tried = []
    for path in [given] if given else _candidates():
        try:
            loaded = ctypes.CDLL(path)
        except OSError as e:
            tried.append(str(e))
            continue
        missing = c.bind(loaded)
        if "layrub_version" in missing:
            tried.append(f"{path}: not liblayrub")
            continue
        loaded.missing = missing
        return loaded
    raise ImportError(f"liblayrub is not found ({'; '.join(tried)}). Install it ('make install' in layrub's sources), or set "
                      f"LAYRUB_LIBRARY to the path of {SONAME}", name="layrub")


def call(name: str, *arguments: Any) -> Any:
    """Calls a function whose last argument is the error.  Raises LayrubError where it fails."""
    lib = library()
    if name in lib.missing:
        raise NotImplementedError(f"liblayrub {lib.layrub_version().decode()} has no {name}(): this package needs a newer one")
    error = c.layrub_error()
    result = getattr(lib, name)(*arguments, error)
    if (result < 0) if isinstance(result, int) else not result:
        line = ctypes.create_string_buffer(2048)
        lib.layrub_error_line(error, line, len(line))
        raise LayrubError(line.value.decode(errors="replace"), record(error))
    return result
