# SPDX-License-Identifier: Apache-2.0
"""form.py - a step for one shape of its arguments: recorded and planned, with its tensors"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from . import _binding as c
from . import graph, private
from .executor import Executor
from .guards import hold
from .homes import Places, Resident, take_over
from .library import Plan
from .living import Living
from .recording import Recording
from .scalars import Scalars
from .tape import Leaf


@dataclass(frozen=True)
class Made:
    """A plan for a recorded step.  homes: the form in whose plan's places its persistent tensors live, or None."""

    plan: Plan
    needs: c.Needs
    homes: Form | None = None


class Form:
    """The step for one shape of its arguments: recorded, planned, and its tensors."""

    def __init__(self, signature: Any, recording: Recording, residents: dict[int, Resident], made: Made) -> None:
        self.signature, self.recording, self.residents = signature, recording, residents
        self._modes = [m.training for m in recording.modules]
        self._trained = [(p, p.requires_grad) for m in recording.modules for p in m.parameters(recurse=False)]
        # References to what the user may drop, and to the storages that residents move out of, end here.
        recording.after, recording.storages, recording.tape.constants = Living(), {}, {}
        self.use(made)
        read = {self.residents[s] for s in recording.read if s in self.residents}
        self.scalars = Scalars(recording, lambda t: any(r.key == private.storage_key(t.untyped_storage()) for r in read))

    def use(self, made: Made) -> None:
        """Takes over a plan of the recorded step."""
        self.plan, self.needs = made.plan, made.needs
        self.executor: Executor | None = None
        self.places: Places = dict(made.homes.places) if made.homes is not None else {}  # those that the plan leaves alone, too
        storage_of = {i: s for s, i in graph.tensor_ids(self.recording.tape).items()}
        program = self.plan.program
        for place in program.initial_places:
            where = (program.host_buffers if place.on_host else program.buffers)[place.buffer]
            self.places[self.residents[storage_of[place.tensor]]] = (place.on_host, where.offset_bytes)
        written = {s for e in self.recording.tape.entries for s in e.writes}
        moved = {storage_of[program.buffers[i.buffer].tensor] for i in program.instructions if i.queue == c.Queue.OUT}
        self._constants = [
            (self.residents[s], torch.UntypedStorage(self.residents[s].nbytes))
            for s in sorted(moved - written)
            if self.recording.tape.storages[s].kind == "state"
        ]

    def matches(self, signature: Any, given: list[torch.Tensor]) -> bool:
        """Whether the step was recorded for such arguments, with the modules' present modes."""
        return (
            self.signature == signature
            and self._modes == [m.training for m in self.recording.modules]
            and all(p.requires_grad == trained for p, trained in self._trained)
            and hold(self.recording.tape, self.recording.guards, self.recording.leaves, given)
        )

    def refresh(self) -> None:
        take_over(self.residents.values())

    def fill(self, args: Any, kwargs: Any) -> None:
        """Copies the arguments into the input buffers, and keeps constants that leave their place in the step."""
        assert self.executor is not None
        given = [a for a in private.tree_flatten((args, kwargs))[0] if isinstance(a, torch.Tensor)]
        with torch.no_grad():
            for t, leaf in zip(given, self.recording.leaves, strict=True):
                if leaf.storage in self.residents:
                    self.residents[leaf.storage].tensor(leaf).copy_(t, non_blocking=True)
        if not self.executor.is_captured:
            for resident, copy in self._constants:
                copy.copy_(resident.storage)

    def results(self) -> Any:
        """What the step returns; sets gradients, and what the step leaves in Python objects."""
        executor, recording = self.executor, self.recording
        assert executor is not None
        for leaf, kept in recording.kept.values():
            with torch.no_grad():
                kept.copy_(executor.result(leaf))
        for parameter, leaf in recording.gradients:
            kept_for_user = recording.tape.storages[leaf.storage].kind == "result"
            parameter.grad = executor.result(leaf) if kept_for_user else None
        for module, mode in zip(recording.modules, recording.modes_after, strict=True):
            module.training = mode
        return private.tree_unflatten(
            [executor.result(a).detach() if isinstance(a, Leaf) else a for a in recording.returned], recording.form
        )

    def restore_constants(self) -> None:
        """Puts back what no state_dict has: a step only reads it, but one that ends in the middle may have moved it."""
        for resident, copy in self._constants:
            resident.storage.copy_(copy)


def signature_of(a: Any) -> Any:
    """What has to be the same of an argument for a form to serve it."""
    if isinstance(a, torch.Tensor):
        return (tuple(a.shape), tuple(a.stride()), a.dtype, str(a.device), a.requires_grad)
    return (type(a), a)


def own_copy(a: Any) -> Any:
    """An argument whose tensor nobody else has."""
    return a.detach().clone().requires_grad_(a.requires_grad) if isinstance(a, torch.Tensor) else a
