# SPDX-License-Identifier: Apache-2.0
"""A tape with everything resident: each tensor in a storage of its own from its first use to its last."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from . import private
from .tape import PERSISTENT, Entry, Leaf, Tape

Observe = Callable[[int, Entry, list[Any]], None]


def on_storage(storage: torch.UntypedStorage, leaf: Leaf) -> torch.Tensor:
    """The tensor of a leaf over a storage."""
    t = torch.empty(0, dtype=leaf.dtype, device=storage.device)
    return t.set_(storage, leaf.offset, leaf.size, leaf.stride)


def run(tape: Tape, live: dict[int, torch.UntypedStorage], observe: Observe = lambda *_: None, keep: bool = False) -> None:
    """Runs all entries in order.  live: the storages that the step finds; after it, those that it leaves.

    observe(number, entry, arguments) is called before each.  keep: all other storages stay, too.
    """
    device = next((s.device for s in live.values()), torch.device("cpu"))
    last = {} if keep else _last_uses(tape)
    with torch.no_grad():
        for i, entry in enumerate(tape.entries):
            for leaf in (a for a in entry.arguments if isinstance(a, Leaf) and a.storage not in live):
                live[leaf.storage] = torch.UntypedStorage(tape.storages[leaf.storage].bytes, device=device)
            arguments = [on_storage(live[a.storage], a) if isinstance(a, Leaf) else a for a in entry.arguments]
            observe(i, entry, arguments)
            args, kwargs = private.tree_unflatten(arguments, entry.form)
            returned = private.tree_flatten(entry.function(*args, **kwargs))[0]
            for leaf, t in zip(entry.results, results(entry, arguments, returned), strict=True):
                live[leaf.storage] = t.untyped_storage()
            del arguments, args, kwargs, returned
            for s in last.get(i, ()):
                live.pop(s, None)


def results(entry: Entry, arguments: list[Any], returned: list[Any]) -> list[torch.Tensor]:
    """Of what a call has returned, the tensors of the entry's results: new storages, in order, the first that looks like each."""
    given = {private.storage_key(a.untyped_storage()) for a in arguments if isinstance(a, torch.Tensor)}
    new = (t for t in returned if isinstance(t, torch.Tensor) and private.storage_key(t.untyped_storage()) not in given)
    return [next(t for t in new if _is(t, leaf)) for leaf in entry.results]


def _is(t: torch.Tensor, leaf: Leaf) -> bool:
    return (t.dtype, tuple(t.shape), tuple(t.stride()), t.storage_offset()) == (leaf.dtype, leaf.size, leaf.stride, leaf.offset)


def _last_uses(tape: Tape) -> dict[int, list[int]]:
    """The transient storages whose last use an entry is."""
    last = {leaf.storage: i for i, entry in enumerate(tape.entries) for leaf in entry.leaves()}
    found: dict[int, list[int]] = {}
    for s, i in last.items():
        if tape.storages[s].kind not in (*PERSISTENT, "result"):
            found.setdefault(i, []).append(s)
    return found
