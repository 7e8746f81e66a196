# SPDX-License-Identifier: Apache-2.0
"""A tape as a layrub graph."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from . import work
from ._binding import Op
from .library import Problem
from .tape import Tape


def tensor_ids(tape: Tape) -> dict[int, int]:
    """The graph's ids of the storages that entries touch; they follow the first use."""
    ids: dict[int, int] = {}
    for entry in tape.entries:
        for s in [*entry.reads, *entry.writes]:
            ids.setdefault(s, len(ids))
    return ids


def document(tape: Tape) -> dict[str, Any]:
    """The "layrub-graph" document.  Storages that no entry touches are left out."""
    ids = tensor_ids(tape)
    ops = []
    for entry in tape.entries:
        op: dict[str, Any] = {"name": entry.name}
        if entry.layer:
            op["layer"] = entry.layer
        if entry.source:
            op["source"] = entry.source
        op |= {"phase": entry.phase, "inputs": [ids[s] for s in entry.reads], "outputs": [ids[s] for s in entry.writes]}
        if entry.inplace:
            op["inplace"] = [[ids[a], ids[b]] for a, b in entry.inplace]
        op["workspace_bytes"] = entry.workspace_bytes
        if entry.time_us is not None:
            op["time_us"] = round(entry.time_us, 3)
        flops = int(entry.flops) if entry.flops.is_integer() else entry.flops
        op |= {"flops": flops, "memory_bytes": work.memory_bytes(entry), "math": work.number_type(entry)}
        if entry.random:
            op["recomputable"] = False
        ops.append(op)
    tensors = []
    for s, i in ids.items():
        storage = tape.storages[s]
        tensors.append({"id": i, "bytes": storage.bytes, "kind": storage.kind} | ({"name": storage.name} if storage.name else {}))
    return {
        "format": "layrub-graph",
        "version": 2,
        "name": tape.name,
        "source": "; ".join(tape.notes) or "recorded",
        **({"op_times": "captured"} if any(e.time_us is not None for e in tape.entries) else {}),
        "tensors": tensors,
        "ops": ops,
    }


def problem(tape: Tape, **options: Any) -> Problem:
    """The step on a device.  Keywords: ProblemOptions."""
    return Problem.parse(json.dumps(document(tape)), **options)


def order(tape: Tape, ops: Sequence[Op]) -> list[int]:
    """The entry of each op of the tape's graph, whose ops may have been reordered.

    Entries with the same name, reads and writes depend on each other, so no reordering swaps them.
    """
    ids = tensor_ids(tape)
    entries: dict[Any, list[int]] = defaultdict(list)
    for i, entry in enumerate(tape.entries):
        entries[entry.name, _sorted(ids[s] for s in entry.reads), _sorted(ids[s] for s in entry.writes)].append(i)
    found = {key: iter(numbers) for key, numbers in entries.items()}
    return [next(found[op.name, _sorted(op.inputs), _sorted(op.outputs)]) for op in ops]


def _sorted(ids: Iterable[int]) -> tuple[int, ...]:
    return tuple(sorted(ids))


def write(tape: Tape, path: str, measured: dict[str, Any] | None = None) -> None:
    """Writes the graph, one tensor and one op a line.  measured: what the step took, as docs/formats.md has it."""
    doc = document(tape) | ({"measured": measured} if measured is not None else {})
    lists = {key: doc.pop(key) for key in ("tensors", "ops")}
    with open(path, "w", encoding="utf-8") as out:
        out.write(json.dumps(doc)[:-1])
        for key, rows in lists.items():
            out.write(f',\n "{key}": [\n  ' + ",\n  ".join(json.dumps(r) for r in rows) + "]")
        out.write("}\n")
