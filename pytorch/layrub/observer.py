# SPDX-License-Identifier: Apache-2.0
"""observer.py - a recorder that also notes what a step does beside calling ops

Calls of optimizers and the values that they read, decisions by the arguments, the state of random numbers.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook

from . import compiled, private
from .compare import same
from .generator import Chain
from .guards import Guard
from .launches import Launches
from .living import numbers
from .recorder import Recorder, known_storages
from .tape import Entry, Leaf
from .undo import Undo
from .where import Where


@dataclass
class Update:
    """One call of an optimizer's step: its entries on the tape are first to last - 1."""

    optimizer: torch.optim.Optimizer
    first: int
    has_gradient: list[list[bool]]  # by group and parameter
    last: int = 0
    changed: set[tuple[int, str]] = field(default_factory=set)  # numbers of groups that the call itself changes


class Observer(Recorder):
    """A recorder that notes the calls of optimizers, and lets them read their own counters."""

    def __init__(
        self, device_type: str, inputs: list[torch.Tensor], where: Where, undo: Undo, watch: Launches | None = None
    ) -> None:
        self._undo = undo
        super().__init__(device_type, known_storages(inputs, device_type), where, self._read_counter, watch=watch)
        self.updates: list[Update] = []
        self.read: set[int] = set()
        self.guards: list[Guard] = []
        self._fed = {self._storage(t) for t in inputs}  # storages that follow from the arguments alone
        self.graded: set[int] = set()
        self.chain = Chain(device_type)
        self._plain: set[int] = set()  # learning rates that are tensors, and what an optimizer makes of them alone
        self._open: list[tuple[Update, list[dict[str, Any]]]] = []
        self._hooks: list[Any] = []

    def __enter__(self) -> Observer:
        self._hooks = [
            register_optimizer_step_pre_hook(self._begin_update),
            register_optimizer_step_post_hook(self._end_update),
        ]
        return super().__enter__()

    def __exit__(self, *error: Any) -> Any:
        for hook in self._hooks:
            hook.remove()
        return super().__exit__(*error)

    def launch(self, kernel: compiled.Kernel, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        self._undo.before_launch(kernel, args)
        return super().launch(kernel, args, kwargs)

    def _run(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        entry, is_random = len(self.tape.entries), torch.Tag.nondeterministic_seeded in func.tags
        if is_random:
            self.chain.before(entry, self._line())
        result = super()._run(func, args, kwargs)
        if is_random:
            self.chain.after(entry)
        return result

    def _note(self, entry: Entry) -> None:
        super()._note(entry)
        if torch.is_grad_enabled():
            self.graded.add(len(self.tape.entries) - 1)
        made = {leaf.storage for leaf in entry.results}
        if self._open and self._follows(entry.arguments, self._plain):
            self._plain |= made
        if not entry.random and made == set(entry.writes) and self._follows(entry.arguments, self._fed | self._constant):
            self._fed |= made
        self._fed -= set(entry.writes) - made

    @staticmethod
    def _follows(arguments: list[Any], storages: set[int]) -> bool:
        return all(a.storage in storages for a in arguments if isinstance(a, Leaf))

    def _begin_update(self, optimizer: torch.optim.Optimizer, *_: Any) -> None:
        has = [[p.grad is not None for p in g["params"]] for g in optimizer.param_groups]
        values = [v for g in optimizer.param_groups for n, v in g.items() if n != "params" and isinstance(v, torch.Tensor)]
        self._plain = {self._storage(v) for v in values if self._ours(v)}
        self._open.append((Update(optimizer, len(self.tape.entries), has), [numbers(g) for g in optimizer.param_groups]))

    def _end_update(self, optimizer: torch.optim.Optimizer, *_: Any) -> None:
        update, before = self._open.pop()
        update.last = len(self.tape.entries)
        for k, (group, old) in enumerate(zip(optimizer.param_groups, before, strict=True)):
            update.changed |= {(k, name) for name, value in numbers(group).items() if not same(value, old.get(name))}
        self.updates.append(update)

    def _read_counter(self, func: Any, args: Any, kwargs: Any) -> Any | None:
        storage = self._storage(args[0])
        flat, form = private.tree_flatten((args, kwargs))
        leaves = [self._leaf(a) if self._ours(a) else a for a in flat]
        if self._follows(leaves, self._fed | self._constant):
            self.guards.append(Guard(func, leaves, form, func(*args, **kwargs)))
            return self.guards[-1].value
        if not self._open:
            return None
        if self.tape.storages[storage].kind != "optimizer" and storage not in self._plain:
            return None
        self.read.add(storage)
        return func(*args, **kwargs)

    # ---- ids of storages ----

    def id_of(self, t: torch.Tensor) -> int | None:
        return self._ids.get(private.storage_key(t.untyped_storage()))

    def leaf(self, t: torch.Tensor) -> Leaf:
        return self._leaf(t)
