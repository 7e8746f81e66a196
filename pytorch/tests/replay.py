# SPDX-License-Identifier: Apache-2.0
"""Runs a tape again on the host, on storages of its own: a tape that misses an op or an alias gives other values."""

from __future__ import annotations

import torch

from layrub import private
from layrub.tape import Leaf, Tape


def snapshot(recorder_ids: dict[int, int], tensors: list[torch.Tensor]) -> dict[int, torch.UntypedStorage]:
    """Copies of the storages that are older than the step, by the tape's ids."""
    found = {}
    for t in tensors:
        storage = t.untyped_storage()
        key = recorder_ids.get(private.storage_key(storage))
        if key is not None and key not in found:
            found[key] = storage.clone()
    return found


def run(tape: Tape, storages: dict[int, torch.UntypedStorage]) -> dict[int, torch.UntypedStorage]:
    """Runs all entries in order, each on nothing but its leaves.  Returns all storages at the end."""
    live = dict(storages)

    def tensor(leaf: Leaf) -> torch.Tensor:
        return torch.empty(0, dtype=leaf.dtype).set_(live[leaf.storage], leaf.offset, leaf.size, leaf.stride)

    with torch.no_grad():
        for entry in tape.entries:
            for leaf in [a for a in entry.arguments if isinstance(a, Leaf)]:
                if leaf.storage not in live:  # made by an op that gives no values
                    live[leaf.storage] = torch.UntypedStorage(tape.storages[leaf.storage].bytes).fill_(0x7B)
            args, kwargs = private.tree_unflatten([tensor(a) if isinstance(a, Leaf) else a for a in entry.arguments], entry.form)
            out = private.tree_flatten(entry.function(*args, **kwargs))[0]
            made = [t for t in out if isinstance(t, torch.Tensor)]
            for leaf in entry.results:
                match = next(
                    t
                    for t in made
                    if (t.dtype, tuple(t.shape), tuple(t.stride()), t.storage_offset())
                    == (leaf.dtype, leaf.size, leaf.stride, leaf.offset)
                )
                made.remove(match)
                live[leaf.storage] = match.untyped_storage()
    return live
