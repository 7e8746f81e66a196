# SPDX-License-Identifier: Apache-2.0
"""statistics.py - batch norm's running statistics, which its forward op writes although its signature does not say so

The op's other results depend on the batch alone, so that it may run again; only its first run may update the statistics.  They
stay outside the plan, in memory of their own: a few bytes a channel.
"""

from __future__ import annotations

from typing import Any

import torch

from .tape import Leaf, Tape

# Positions of the running mean and variance, and of `training`, among the arguments.
_BATCH_NORMS: dict[Any, tuple[int, int, int]] = {
    getattr(torch.ops.aten, name).default: (3, 4, 5)
    for name in ("native_batch_norm", "cudnn_batch_norm", "miopen_batch_norm")
    if hasattr(torch.ops.aten, name)
}


def _positions(function: Any, arguments: Any) -> tuple[int, ...]:
    mean, variance, training = _BATCH_NORMS.get(function, (0, 0, -1))
    return (mean, variance) if 0 <= training < len(arguments) and arguments[training] else ()


def hidden_writes(function: Any, arguments: Any) -> list[Any]:
    """The arguments that a call writes without saying so."""
    return [arguments[p] for p in _positions(function, arguments)]


def rerun_arguments(function: Any, arguments: list[Any]) -> list[Any]:
    """The arguments of a second run: the same without the statistics."""
    positions = _positions(function, arguments)
    return [None if p in positions else a for p, a in enumerate(arguments)]


def take_out(tape: Tape) -> set[int]:
    """Takes the statistics out of the tape's reads and writes, and returns their storages.

    Other ops on them must not run again: they would find later values.
    """
    hidden = {a.storage for e in tape.entries for a in hidden_writes(e.function, e.arguments) if isinstance(a, Leaf)}
    for entry in tape.entries:
        used = hidden.intersection([*entry.reads, *entry.writes])
        if used and not hidden_writes(entry.function, entry.arguments):
            entry.random = True
        entry.reads = [s for s in entry.reads if s not in hidden]
        entry.writes = [s for s in entry.writes if s not in hidden]
    return hidden
