# SPDX-License-Identifier: Apache-2.0
"""guards.py - decisions that depend on nothing but the step's arguments

Code looks at an attention mask ("are all of these ones?") and takes one way or another.  Such a read is recorded as a guard:
before a step, the few ops that lead from the arguments to the value run again, and another value asks for another recording.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from . import private
from .tape import Entry, Leaf, Tape


@dataclass
class Guard:
    """A read of a value: the call with its flattened arguments, and the value that it gave."""

    function: Any
    arguments: list[Any]
    form: Any
    value: Any


def _storages(arguments: list[Any]) -> set[int]:
    return {a.storage for a in arguments if isinstance(a, Leaf)}


def _slice(tape: Tape, guards: list[Guard]) -> list[Entry]:
    """The entries that the values follow from, in order."""
    needed = set().union(*(_storages(g.arguments) for g in guards))
    found = []
    for entry in reversed(tape.entries):
        if needed.intersection(r.storage for r in entry.results):
            needed |= _storages(entry.arguments)
            found.append(entry)
    return found[::-1]


def hold(tape: Tape, guards: list[Guard], leaves: list[Leaf], given: list[torch.Tensor]) -> bool:
    """Whether all values are those of the recording, for these arguments of the step."""
    if not guards:
        return True
    entries = _slice(tape, guards)
    used = set().union(*(_storages(e.arguments) for e in entries), *(_storages(g.arguments) for g in guards))
    pairs = zip(leaves, given, strict=True)
    live = {leaf.storage: t.detach().clone().untyped_storage() for leaf, t in pairs if leaf.storage in used}

    def call(function: Any, arguments: list[Any], form: Any) -> Any:
        made = [a.over(live[a.storage]) if isinstance(a, Leaf) else a for a in arguments]
        args, kwargs = private.tree_unflatten(made, form)
        return function(*args, **kwargs)

    with torch.no_grad():
        for entry in entries:
            made = private.tree_flatten(call(entry.function, entry.arguments, entry.form))[0]
            made = [t for t in made if isinstance(t, torch.Tensor)]
            live |= {leaf.storage: t.untyped_storage() for leaf, t in zip(entry.results, made, strict=False)}
        return all(call(g.function, g.arguments, g.form) == g.value for g in guards)
