# SPDX-License-Identifier: Apache-2.0
"""recording.py - what a step does, found by two consecutive steps that are put back

Under a plan Python does not run: the tape is the step.  Two steps are recorded and compared, so that what would freeze is
found: a number that changes is either one that an optimizer works out (scalars.py), or is refused with its line.
"""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch

from . import compiled, private
from .compare import compare, line, same
from .errors import Refused
from .generator import END, Moment
from .guards import Guard
from .launches import Launches
from .living import Living, alive, living, numbers
from .load import Load
from .observer import Observer, Update
from .tape import PERSISTENT, Leaf, Tape
from .undo import Undo
from .where import Where, module_paths, parameter_owners

SETTLING = 3  # steps after the first that may agree with the one before


@dataclass
class Recording:
    tape: Tape
    inputs: list[torch.Tensor]  # the tensors that the step was called with, our own
    leaves: list[Leaf]  # of the inputs
    returned: list[Any]  # flattened; tensors as leaves
    form: Any  # of what the step returns
    storages: dict[int, torch.UntypedStorage]  # those older than the step, by the tape's ids
    outside: set[int]  # those that the plan leaves alone
    kept: dict[int, tuple[Leaf, torch.Tensor]]  # results that the step leaves in a Python object
    gradients: list[tuple[torch.nn.Parameter, Leaf]]  # of parameters, where they are results
    updates: list[Update]
    read: set[int]  # storages that an optimizer reads as numbers
    device_type: str
    varying: set[int]  # entries with numbers that differ from step to step
    guards: list[Guard]  # decisions by the arguments' values
    restores: dict[int, Moment]  # of the generator of random numbers
    graded: set[int]  # entries that ran while gradients were recorded
    modules: list[torch.nn.Module]  # that ran
    modes_after: list[bool]  # `training` of the modules when the step was over
    load: Load | None = None  # the link beside the step's ops, where it has been measured
    after: Living = field(default_factory=Living)  # what was alive when all had been put back


@dataclass
class _Run:
    """One observed step."""

    observer: Observer
    returned: list[Any]
    form: Any
    modules: list[torch.nn.Module]
    modes_after: list[bool]


def record_step(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], device_type: str, gradients: bool = False
) -> Recording:
    """Records function(*args, **kwargs), a whole training step.

    args and kwargs are made of tensors that nobody else has, and of constants.  gradients: those that the step leaves are
    results.  The step runs three times, on a GPU up to five, and what it changes is put back.  Refused: what cannot run under
    a plan.
    """
    before = living()
    undo = Undo(before, device_type)
    tensors = [t for t in private.tree_flatten((args, kwargs))[0] if isinstance(t, torch.Tensor)]
    persistent: set[int] = set()
    try:
        with undo, compiled.launches(undo.launch):
            function(*args, **kwargs)
            undo.first_step_is_over()
            run, varying = _observe_twice(
                lambda watch: _observe(function, args, kwargs, tensors, device_type, before, undo, watch), device_type == "cuda"
            )
        recording = _finish(run, tensors, varying, device_type, gradients)
        persistent = {private.storage_key(s) for s in recording.storages.values()}
    finally:
        after = undo.restore(persistent)
    recording.after = after
    return recording


def _observe_twice(observe: Callable[[Launches | None], _Run], on_gpu: bool) -> tuple[_Run, set[int]]:
    """The last of two consecutive steps that agree, and the entries whose numbers vary.

    The order of a double backward pass on a GPU depends on how many nodes two threads have made so far, and settles.
    """
    old = observe(None)
    for attempt in range(SETTLING if on_gpu else 1, 0, -1):
        new = observe(Launches() if on_gpu else None)
        updates = new.observer.updates
        try:
            return new, compare(old.observer.tape, new.observer.tape, lambda i, u=updates: any(x.first <= i < x.last for x in u))
        except Refused:
            if attempt == 1:
                raise
            old = new
    raise AssertionError


def _observe(
    function: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    tensors: list[torch.Tensor],
    device_type: str,
    before: Living,
    undo: Undo,
    watch: Launches | None,
) -> _Run:
    with Where() as where:
        observer = Observer(device_type, tensors, where, undo, watch)
        groups = [(o, [numbers(g) for g in o.param_groups]) for o in before.optimizers]
        with watch or contextlib.nullcontext(), compiled.launches(observer.launch), observer:
            result = function(*args, **kwargs)
        observer.chain.before(END, "the step")
    if watch is not None:
        observer.refuse(watch.unexplained())
    _check_groups(observer, groups)
    flat, form = private.tree_flatten(result)
    returned = [observer.leaf(t.detach()) if isinstance(t, torch.Tensor) else t for t in flat]
    modules = _trees(where.modules, before.modules)
    return _Run(observer, returned, form, modules, [m.training for m in modules])


def _trees(ran: dict[int, torch.nn.Module], modules: list[torch.nn.Module]) -> list[torch.nn.Module]:
    """All modules of the trees in which a module ran; those that ran first, for compiled code runs its modules unseen."""
    children = {id(c) for m in modules for c in m.children()}
    trees = [list(m.modules()) for m in modules if id(m) not in children]
    found = dict(ran)
    for tree in trees:
        if any(id(m) in ran for m in tree):
            found |= {id(m): m for m in tree}
    return list(found.values())


def _check_groups(observer: Observer, groups: list[tuple[torch.optim.Optimizer, list[dict[str, Any]]]]) -> None:
    """A schedule inside the step would be frozen with it."""
    for optimizer, before in groups:
        own = set().union(*(u.changed for u in observer.updates if u.optimizer is optimizer))
        for k, (group, old) in enumerate(zip(optimizer.param_groups, before, strict=False)):
            for name, value in numbers(group).items():
                if (k, name) not in own and not same(value, old.get(name)):
                    raise Refused(
                        f"the step changes '{name}' of its optimizer from {old.get(name)} to {value}: "
                        "move the scheduler's step() out of the step"
                    )


# ---- the result ----


def _finish(run: _Run, tensors: list[torch.Tensor], varying: set[int], device_type: str, gradients: bool) -> Recording:
    observer, tape = run.observer, run.observer.tape
    leaves = [observer.leaf(t) for t in tensors]
    for leaf in leaves:
        tape.storages[leaf.storage].kind = "input"
    gc.collect()
    live = living().tensors
    ids = {key: observer._ids[key] for key in live if key in observer._ids}
    left = _gradient_leaves(observer, live, tape)
    dropped = {leaf.storage for _, leaf in left} if not gradients else set()
    observer.finish({key for key, s in ids.items() if s in dropped})
    for a in run.returned:
        if isinstance(a, Leaf) and tape.storages[a.storage].kind in ("activation", "gradient"):
            tape.storages[a.storage].kind = "result"
    _name_updates(observer, live)
    outside = tape.take_out()
    _check_inputs(tape, leaves)
    _begin_results(tape)
    results = {s for s, storage in enumerate(tape.storages) if storage.kind == "result"}
    gradient_ids = {leaf.storage for _, leaf in left}
    kept = {
        s: (observer.leaf(live[key][0]), live[key][0]) for key, s in ids.items() if s in results and s not in gradient_ids
    }
    return Recording(
        tape=tape,
        inputs=tensors,
        leaves=leaves,
        returned=run.returned,
        form=run.form,
        storages=_older(observer, live, tape),
        outside=outside,
        kept=kept,
        gradients=left,
        updates=observer.updates,
        read=observer.read,
        device_type=device_type,
        varying=varying,
        guards=observer.guards,
        restores=observer.chain.restores,
        graded=observer.graded,
        modules=run.modules,
        modes_after=run.modes_after,
    )


def _older(observer: Observer, live: dict[int, list[torch.Tensor]], tape: Tape) -> dict[int, torch.UntypedStorage]:
    """The persistent storages: those of living tensors, and constants that only the tape has."""
    found = {s: storage for s, storage in tape.constants.items() if storage is not None}
    for key, tensors in live.items():
        s = observer._ids.get(key)
        if s is not None and tape.storages[s].kind in PERSISTENT:
            found[s] = tensors[0].untyped_storage()
    missing = [s for e in tape.entries for s in e.reads if tape.storages[s].kind in PERSISTENT and s not in found]
    if missing:
        raise Refused(f"the step frees a tensor that it has found ({_users(tape, missing[0])}); keep it alive")
    return found


def _users(tape: Tape, s: int) -> str:
    return ", ".join(dict.fromkeys(line(e) for e in tape.entries if s in [*e.reads, *e.writes])) or "unused"


def _gradient_leaves(
    observer: Observer, live: dict[int, list[torch.Tensor]], tape: Tape
) -> list[tuple[torch.nn.Parameter, Leaf]]:
    """The gradients that the step makes and leaves."""
    found = []
    for parameter in (t for ts in live.values() for t in ts if isinstance(t, torch.nn.Parameter)):
        if parameter.grad is not None:
            s = observer.id_of(parameter.grad)
            if s is not None and tape.storages[s].kind in ("activation", "gradient"):
                found.append((parameter, observer.leaf(parameter.grad)))
    return found


def _name_updates(observer: Observer, live: dict[int, list[torch.Tensor]]) -> None:
    """An op of an optimizer belongs to the module of its parameter."""
    modules = alive(torch.nn.Module)
    owners = parameter_owners(modules, module_paths(modules))
    layers = {
        observer._ids[key]: owners[id(t)] for key, ts in live.items() if key in observer._ids for t in ts if id(t) in owners
    }
    for update in observer.updates:
        for entry in observer.tape.entries[update.first : update.last]:
            entry.layer = entry.layer or next((layers[a.storage] for a in entry.leaves() if a.storage in layers), None)


def _check_inputs(tape: Tape, leaves: list[Leaf]) -> None:
    inputs = {leaf.storage for leaf in leaves}
    for entry in tape.entries:
        if inputs.intersection(entry.writes):
            raise Refused(f"{line(entry)} writes into an argument of the step; clone it first")


def _begin_results(tape: Tape) -> None:
    """A result has no value before its first write, also where this is a write of a part."""
    seen: set[int] = set()
    for entry in tape.entries:
        new = {s for s in entry.writes if tape.storages[s].kind == "result" and s not in seen}
        entry.reads = [s for s in entry.reads if s not in new]
        seen.update(entry.writes)
