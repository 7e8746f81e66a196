# SPDX-License-Identifier: Apache-2.0
"""test_binding.py - the generated module: fresh, of the compiler's layout, and refusing what it cannot say"""
from __future__ import annotations

import ctypes
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import ROOT
from layrub import _binding as c
from layrub._convert import record, struct_of
from layrub._load import library

GENERATOR = ROOT / "pytorch" / "make_binding.py"
HEADER = ROOT / "src" / "library" / "layrub.h"


def generate(header: Path) -> subprocess.CompletedProcess[str]:
    pytest.importorskip("pycparser", reason="no pycparser")
    compiler = os.environ.get("LAYRUB_CC", "cc").split()
    if compiler[0] == "ccache":
        del compiler[0]
    command = [sys.executable, GENERATOR, header]
    return subprocess.run(command, env=os.environ | {"CC": compiler[0]}, capture_output=True, text=True)


def test_committed_file_is_fresh():
    made = generate(HEADER)
    assert made.returncode == 0, made.stderr
    assert made.stdout == Path(c.__file__).read_text(), "run `make binding`"


def test_a_changed_header_changes_the_file(tmp_path):
    header = tmp_path / "layrub.h"
    header.write_text(HEADER.read_text().replace(" step_time_us,", " new_us, step_time_us,"))
    assert '("new_us", ctypes.c_double)' in generate(header).stdout


def layout():
    """Constants, and structs with their members, from the list that tests/installed.sh holds against the compiler."""
    struct = ""
    for line in (ROOT / "tests" / "golden" / "library-layout.txt").read_text().splitlines():
        words = line.split()
        if words[0] == "struct":
            struct = words[1]
            yield struct, "", int(words[2]), 0
        elif line.startswith(" "):
            yield struct, words[0], int(words[1]), int(words[2])
        else:
            yield "", words[0], int(words[1]), 0


@pytest.mark.skipif(ctypes.sizeof(ctypes.c_void_p) != 8, reason="the list is for 64 bits")
def test_layout_is_the_compilers():
    classes = [v for v in vars(c).values() if isinstance(v, type)]
    structs, members = set(), set()
    for struct, name, first, second in layout():
        if not struct:
            assert first == getattr(c, name, c.ENUMERATORS.get(name)), name
        elif not name:
            structs.add(struct)
            assert ctypes.sizeof(getattr(c, struct)) == first, struct
        else:
            members.add((struct, name))
            place = getattr(getattr(c, struct), name)
            assert (place.offset, place.size) == (first, second), f"{struct}.{name}"
    ours = {s.__name__: s for s in classes if issubclass(s, c.Structure) and hasattr(s, "_fields_")}
    assert structs == set(ours)
    assert members == {(name, field[0]) for name, s in ours.items() for field in s._fields_}


def test_every_function_is_there():
    assert library().missing == frozenset()
    exported = {line.split("@")[0] for line in (ROOT / "tests" / "golden" / "library-symbols.txt").read_text().split()}
    assert {f.name for f in c.FUNCTIONS} == {name for name in exported if name.startswith("layrub_")}


def test_versions_agree():
    header = f"{c.LAYRUB_VERSION_MAJOR}.{c.LAYRUB_VERSION_MINOR}.{c.LAYRUB_VERSION_PATCH}"
    assert re.search(r'^version = "(.*)"$', (ROOT / "pytorch" / "pyproject.toml").read_text(), re.MULTILINE)[1] == header


# ---- the subset of C ----

TOY = """
#include <stdint.h>
#include <stdbool.h>
#define LAYRUB_NONE UINT32_MAX	/* none */
#define LAYRUB_NAME "toy"
enum { LAYRUB_DEEP = 1 << 2 };
enum layrub_colour { LAYRUB_COLOUR_RED = 3, LAYRUB_COLOUR_BLUE };
#define LAYRUB_UNKNOWN (-1.0)
typedef void (*layrub_told)(void *user, const char *line);
struct layrub_point { double x, y; };
struct layrub_toy {
	unsigned long size;
	struct layrub_point at;		/* the middle */
	struct { uint32_t a, b; } pair;
	uint32_t colour;	/* enum layrub_colour */
	uint32_t point_count, id_count;
	const struct layrub_point *points;	/* [point_count] */
	const uint32_t *ids;	/* [id_count] */
	const char *const *words;	/* [point_count] */
	const struct layrub_point *origin;
	struct layrub_toy *next;
	int32_t fixed[LAYRUB_DEEP];
	uint32_t few_count;	/* of few[] */
	uint32_t few[3];
	uint32_t best;	/* LAYRUB_NONE: none */
	double latency_us;
	layrub_told told;
	uint32_t row_count;
	const uint64_t *const *table;	/* [point_count][row_count] */
	struct layrub_point corners[2];
	bool pass;
};
#define LAYRUB_TOY_INIT { .size = sizeof(struct layrub_toy), .latency_us = -1 }
/* Says hello. */
int layrub_hello(const struct layrub_toy *toy, const double *times_us,
    uint64_t *bytes);	/* 0 */
"""


@pytest.fixture
def toy(tmp_path):
    header = tmp_path / "toy.h"
    header.write_text(TOY)
    made = generate(header)
    assert made.returncode == 0, made.stderr
    (tmp_path / "toy_binding.py").write_text(made.stdout)
    sys.path.insert(0, str(tmp_path))
    try:
        import toy_binding

        # The converters know the Structure of the real binding.
        yield toy_binding
    finally:
        sys.path.remove(str(tmp_path))
        sys.modules.pop("toy_binding", None)


def test_all_kinds_of_members(toy):
    assert (toy.LAYRUB_NONE, toy.LAYRUB_NAME, toy.LAYRUB_DEEP, toy.LAYRUB_UNKNOWN) == (2**32 - 1, "toy", 4, -1.0)
    assert [m.value for m in toy.Colour] == [3, 4]
    assert toy.ENUMERATORS["LAYRUB_COLOUR_BLUE"] is toy.Colour.BLUE
    first = toy.layrub_toy()
    assert (first.size, first.latency_us) == (ctypes.sizeof(toy.layrub_toy), -1.0)
    (hello,) = toy.FUNCTIONS
    assert hello.doc == "Says hello. 0"
    assert [name for name, _ in hello.arguments] == ["toy", "times_us", "bytes"]
    assert toy.layrub_toy.lengths == {"points": "point_count", "ids": "id_count", "words": "point_count", "few": "few_count",
                                      "table": "point_count"}
    assert toy.layrub_toy.inner == {"table": "row_count"}


def test_records_go_to_c_and_back(toy, monkeypatch):
    from layrub import _convert

    monkeypatch.setattr(_convert, "Structure", toy.Structure)
    points = (toy.Point(1, 2), toy.Point(3, 4))
    given = toy.Toy(at=toy.Point(5, 6), pair=toy.ToyPair(7, 8), colour=toy.Colour.BLUE, points=points, ids=(1, 2, 3),
                    words=("a", "ü"), origin=toy.Point(9, 10), fixed=(1, -2, 3, 4), few=(5, 6), corners=points, pass_=True)
    struct = struct_of(toy.layrub_toy, given)
    assert (struct.point_count, struct.id_count, struct.few_count, struct.best) == (2, 3, 2, toy.LAYRUB_NONE)
    assert record(struct) == given
    row = (ctypes.c_uint64 * 3)(7, 8, 9)
    rows = (ctypes.POINTER(ctypes.c_uint64) * 2)(row, row)
    struct.table, struct.row_count = rows, 3
    assert record(struct).table == ((7, 8, 9), (7, 8, 9))
    with pytest.raises(ValueError, match="words has 1 elements"):
        struct_of(toy.layrub_toy, toy.Toy(points=points, words=("a",)))


def test_a_struct_of_an_older_library_lacks_members():
    figures = c.layrub_figures(size=c.layrub_figures.busy_us.offset, peak_bytes=7)
    assert (record(figures).peak_bytes, record(figures).busy_us) == (7, None)


@pytest.mark.parametrize("declaration, reason", [
    ("struct layrub_bits { unsigned a : 3; };", "bit-field"),
    ("long double layrub_long(void);", "not known here"),
    ("union layrub_either { int a; };", "neither a function"),
    ("struct layrub_x { va_list rest; };", "Invalid specifier|before: rest"),
])
def test_what_has_no_form_is_refused(tmp_path, declaration, reason):
    header = tmp_path / "bad.h"
    header.write_text(declaration + "\n")
    made = generate(header)
    assert made.returncode != 0
    assert re.search(reason, made.stderr), made.stderr
