# SPDX-License-Identifier: Apache-2.0
"""compare.py - two tapes of consecutive steps: what differs would be frozen"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from . import private
from .errors import Refused
from .tape import Entry, Leaf, Tape


def same(a: Any, b: Any) -> bool:
    """Whether two arguments of a call are equal; NaN equals itself."""
    if isinstance(a, float) and isinstance(b, float):
        return a == b or (a != a and b != b)
    if type(a) is not type(b):
        return False
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, torch.Tensor):
        return a is b or (a.is_cpu and b.is_cpu and a.dtype == b.dtype and torch.equal(a, b))
    return bool(a == b)


def line(entry: Entry) -> str:
    """The user's line, and the op."""
    return f"{entry.source or 'the step'}: {entry.name}"


def compare(a: Tape, b: Tape, is_update: Callable[[int], bool]) -> set[int]:
    """The entries whose numbers differ.  Refused: a difference that no optimizer makes.

    is_update: whether an optimizer makes the call of an entry.
    """
    varying = set()
    for i, (x, y) in enumerate(zip(a.entries, b.entries, strict=False)):
        if x.function is not y.function or len(x.arguments) != len(y.arguments):
            raise Refused(f"{line(x)} in one step, {line(y)} in the next: the step takes another way each time")
        for old, new in zip([*x.arguments, *x.results], [*y.arguments, *y.results], strict=True):
            if same(old, new):
                continue
            if isinstance(old, Leaf) or isinstance(new, Leaf):
                raise Refused(f"{line(y)} has other tensors in each step: {_about(old)}, then {_about(new)}")
            if not is_update(i):
                raise Refused(f"{line(y)} gets {old}, then {new}: a number that changes would be frozen; make it a tensor")
            varying.add(i)
    if len(a.entries) != len(b.entries):
        longer = max(a.entries, b.entries, key=len)
        raise Refused(f"{line(longer[min(len(a.entries), len(b.entries))])} is in one step and not in the next")
    _compare_constants(a, b)
    return varying


def _about(leaf: Any) -> str:
    return f"{list(leaf.size)} of {leaf.dtype}" if isinstance(leaf, Leaf) else repr(leaf)


def _compare_constants(a: Tape, b: Tape) -> None:
    for s, storage in b.constants.items():
        old = a.constants.get(s)
        if storage is None or old is None or private.storage_key(old) == private.storage_key(storage):
            continue
        if old.nbytes() != storage.nbytes() or bytes(old.tolist()) != bytes(storage.tolist()):
            entry = next((e for e in b.entries if s in e.reads), None)
            where = line(entry) if entry is not None else "the step"
            raise Refused(f"{where} reads data of the host that changes; give it to the step as an argument")
