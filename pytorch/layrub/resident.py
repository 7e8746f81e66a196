# SPDX-License-Identifier: Apache-2.0
"""A tape with everything resident: each tensor in a storage of its own from its first use to its last."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from . import private
from .tape import PERSISTENT, Entry, Leaf, Tape


def run(
    tape: Tape,
    live: dict[int, torch.UntypedStorage],
    before: Callable[[int, Entry, list[Any]], None] = lambda *_: None,
    after: Callable[[int], None] = lambda _: None,
    keep: bool = False,
) -> None:
    """Runs all entries in order.  live: the storages that the step finds; after it, those that it leaves.

    before(number, entry, arguments) and after(number) are called around each.  keep: all other storages stay, too.
    """
    device = next((s.device for s in live.values()), torch.device("cpu"))
    last = {} if keep else _last_uses(tape)
    with torch.no_grad():
        for i, entry in enumerate(tape.entries):
            for leaf in (a for a in entry.arguments if isinstance(a, Leaf) and a.storage not in live):
                live[leaf.storage] = torch.UntypedStorage(tape.storages[leaf.storage].bytes, device=device)
            arguments = [a.over(live[a.storage]) if isinstance(a, Leaf) else a for a in entry.arguments]
            before(i, entry, arguments)
            args, kwargs = private.tree_unflatten(arguments, entry.form)
            returned = private.tree_flatten(entry.function(*args, **kwargs))[0]
            after(i)
            for leaf, position in zip(entry.results, positions(entry.results, arguments, returned), strict=True):
                live[leaf.storage] = returned[position].untyped_storage()
            del arguments, args, kwargs, returned
            for s in last.get(i, ()):
                live.pop(s, None)


def positions(results: list[Leaf], arguments: list[Any], returned: list[Any]) -> list[int]:
    """Where a call's results are in what it has returned: of new storages, in order, the first that looks like each."""
    given = {private.storage_key(a.untyped_storage()) for a in arguments if isinstance(a, torch.Tensor)}
    new = (
        i for i, t in enumerate(returned) if isinstance(t, torch.Tensor) and private.storage_key(t.untyped_storage()) not in given
    )
    return [next(i for i in new if leaf.fits(returned[i])) for leaf in results]


def _last_uses(tape: Tape) -> dict[int, list[int]]:
    """The transient storages whose last use an entry is."""
    last = {leaf.storage: i for i, entry in enumerate(tape.entries) for leaf in entry.leaves()}
    found: dict[int, list[int]] = {}
    for s, i in last.items():
        if tape.storages[s].kind not in (*PERSISTENT, "result"):
            found.setdefault(i, []).append(s)
    return found
