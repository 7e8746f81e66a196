# SPDX-License-Identifier: Apache-2.0
"""Memory snapshots: what was reserved, what was live, and the buffers placed anew."""

from __future__ import annotations

import fractions
import pickle
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from layrub import command, snapshot  # noqa: E402
from layrub.errors import Refused  # noqa: E402

MIB = 1 << 20


def event(action: str, addr: int, size: int) -> dict[str, Any]:
    return {"action": action, "addr": addr, "size": size, "stream": 0, "frames": []}


def freed(addr: int, size: int) -> list[dict[str, Any]]:
    return [event("free_requested", addr, size), event("free_completed", addr, size)]


def segment(address: int, *blocks: tuple[int, str], device: int = 0) -> dict[str, Any]:
    """A segment whose blocks stand one behind the other: (bytes, state)."""
    return {
        "device": device, "address": address, "total_size": sum(n for n, _ in blocks), "stream": 0, "segment_type": "large",
        "blocks": [{"size": n, "requested_size": n - 100, "state": state} for n, state in blocks],
    }  # fmt: skip


# 4 MiB are in use before the trace begins.  A and B fill a segment, A goes, and C is too large for its place.
PRE, FIRST, SECOND, GONE = 1 << 30, 2 << 30, 3 << 30, 4 << 30
TRACE = [
    event("segment_alloc", FIRST, 20 * MIB),
    event("alloc", FIRST, 12 * MIB),
    event("alloc", FIRST + 12 * MIB, 8 * MIB),
    *freed(FIRST, 12 * MIB),
    event("segment_alloc", GONE, 2 * MIB),
    event("segment_free", GONE, 2 * MIB),
    event("segment_alloc", SECOND, 16 * MIB),
    event("alloc", SECOND, 16 * MIB),
    *freed(GONE + MIB, MIB),
]
SNAPSHOT = {
    "device_traces": [[], TRACE],
    "segments": [
        segment(PRE, (4 * MIB, "active_allocated"), device=1),
        segment(FIRST, (12 * MIB, "inactive"), (8 * MIB, "active_allocated"), device=1),
        segment(SECOND, (16 * MIB, "active_awaiting_free"), device=1),
        segment(PRE, (64 * MIB, "active_allocated")),
    ],
}


def write(folder: Path, content: object) -> str:
    path = folder / "snapshot.pickle"
    path.write_bytes(pickle.dumps(content))
    return str(path)


def test_history(tmp_path: Path) -> None:
    h = snapshot.read(write(tmp_path, SNAPSHOT))
    last = len(TRACE) + 1
    assert (h.gpu, h.events) == (1, len(TRACE))
    assert h.reserved_bytes == (4 + 20 + 16) * MIB
    assert sorted((b.bytes, b.lower, b.upper) for b in h.buffers) == [
        (MIB, 0, last - 1),  # freed, and its beginning is not in the trace
        (4 * MIB - 100, 0, last),  # before the trace and after it
        (8 * MIB, 3, last),
        (12 * MIB, 2, 5),
        (16 * MIB, 9, last),
    ]
    assert h.live_bytes() == (1 + 4 + 8 + 16) * MIB


def test_answer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "buffers.csv"
    assert command.main(["snapshot", write(tmp_path, SNAPSHOT), "-o", str(out)]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[1:5] == [
        "reserved                   0.04 GiB at most",
        "live                       0.03 GiB at most",
        "fragmentation              0.01 GiB, 27.5% of what is reserved",
        "placed anew                0.03 GiB, the least",
    ]
    lines = out.read_text().splitlines()
    assert lines[0] == "id,lower,upper,size,alignment" and len(lines) == 6


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ({"device_traces": [[]], "segments": []}, "no events"),
        ({"segments": []}, "expected a memory snapshot"),
        ([1, 2], "expected a memory snapshot"),
        (fractions.Fraction(1, 2), "fractions.Fraction"),
    ],
)
def test_refusals(tmp_path: Path, content: object, why: str) -> None:
    with pytest.raises(Refused, match=why):
        snapshot.read(write(tmp_path, content))


def test_no_pickle(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("id,lower,upper,size\n")
    for name in ("text", "missing"):
        with pytest.raises(Refused, match=name):
            snapshot.read(str(tmp_path / name))
