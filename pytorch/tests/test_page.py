# SPDX-License-Identifier: Apache-2.0
"""layrub-torch: its page, what it says without the library; the rows that validate.py writes"""
from __future__ import annotations

import argparse
import csv
import re
from pathlib import Path

import pytest
from test_library import in_process

pytest.importorskip("torch")

from layrub import command  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "man" / "layrub-torch.1"


def options() -> dict[str, argparse.Action]:
    """All options of all subcommands, by their long names."""
    parser = command.parser()
    subcommands = next(a for a in parser._actions if isinstance(a, argparse._SubParsersAction)).choices
    return {a.option_strings[-1]: a for p in subcommands.values() for a in p._actions if a.option_strings}


def page_items() -> dict[str, str]:
    """The page's text on each option."""
    items = re.split(r"^\.It ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    named = ((re.search(r"Fl -([a-z-]+)", item.splitlines()[0]), item) for item in items)
    return {f"--{m[1]}": item.split(".El")[0] for m, item in named if m}


def test_the_page_has_all_options_and_no_other():
    assert set(page_items()) == set(options())


def test_the_page_has_defaults_and_choices():
    items = page_items()
    for name, action in options().items():
        for choice in action.choices or ():
            assert f".Cm {choice}" in items[name], (name, choice)
        if action.default not in (None, False, argparse.SUPPRESS):
            assert f"Default: {action.default:g}." in items[name] if isinstance(action.default, float) else \
                f"Default: {action.default}." in items[name], name
        if action.required and name != "--output":
            assert "Required" in items[name], name


def test_every_option_has_a_help_text():
    assert [name for name, action in options().items() if not action.help] == []


def test_a_missing_library_is_said_before_anything_is_recorded():
    done = in_process("import sys; from layrub.command import main; sys.exit(main(['fit', 'no.py', '--device', 'h100']))",
                      LAYRUB_LIBRARY="/no/such/library")
    assert done.returncode == 3
    assert done.stderr.splitlines()[-1].startswith("layrub-torch: liblayrub is not found")


def test_validate_writes_the_rows_of_the_table(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "pytorch"))
    import validate

    row = {"model": "m-compiled", "torch": "2.0", "device": "Toy GPU", "ops": 5, "peak_bytes": 10, "max_memory_allocated": 11}
    row |= {"sum_ms": 1.2345, "captured_ms": 1.5}
    for ghost, unmapped in (("", ""), ("op 3: name: a, real: b", ""), ("", "1 ops, real: 2")):
        row |= {"ghost": {"difference": ghost}, "unmapped": {"difference": unmapped}}
        validate.csv_append(tmp_path / "rows.csv", validate.CSV_COLUMNS, validate.csv_row(row))
    header, *rows = csv.reader((tmp_path / "rows.csv").read_text().splitlines())
    assert header == (ROOT / "docs" / "data" / "pytorch-accuracy.csv").read_text().splitlines()[0].split(",")
    assert [r[4] for r in rows] == ["yes", "op 3: name", "1 ops real: 2"]
    assert rows[0] == ["m", "2.0", "Toy GPU", "5", "yes", "10", "11", "1234", "1500", "yes"]
