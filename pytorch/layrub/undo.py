# SPDX-License-Identifier: Apache-2.0
"""undo.py - runs a step on trial: whatever it overwrites is put back

A step that is recorded runs for real.  Afterwards parameters, optimizer state, statistics, gradients, the state of random
numbers and the numbers that optimizers keep are those from before.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import torch
from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook

from . import hidden, private
from .compiled import Kernel
from .errors import Refused
from .known import NO_VALUES
from .living import Living, living, numbers
from .tape import op_name


class Undo(private.TorchDispatchMode):
    """Within it, storages that are older keep a copy of what is overwritten.  restore() puts all back.

    Optimizers may make their state in the first step: a new state begins with what it had when it was first written in place.
    """

    def __init__(self, before: Living, device_type: str) -> None:
        super().__init__()
        self._older = {key: private.StorageWeakRef(ts[0].untyped_storage()) for key, ts in before.tensors.items()}
        self._saved: dict[int, tuple[private.StorageWeakRef, torch.UntypedStorage]] = {}
        self._blank: dict[int, private.StorageWeakRef] = {}  # storages that were made without values
        self._updating = 0
        self._first = True
        self._gradients = [(p, p.grad) for p in before.parameters]
        self._optimizers = [
            (o, [numbers(g) for g in o.param_groups], {p: numbers(state) for p, state in o.state.items()}, _state_tensors(o))
            for o in before.optimizers
        ]
        self._modes = [(m, m.training) for m in before.modules]
        self._random = (torch.get_rng_state(), random.getstate())
        self._cuda_random = torch.cuda.get_rng_state_all() if device_type == "cuda" else []
        self._hooks: list[Any] = []

    def __enter__(self) -> Undo:
        self._hooks = [
            register_optimizer_step_pre_hook(lambda *_: self._count(1)),
            register_optimizer_step_post_hook(lambda *_: self._count(-1)),
        ]
        return super().__enter__()

    def __exit__(self, *error: Any) -> Any:
        for hook in self._hooks:
            hook.remove()
        return super().__exit__(*error)

    def _count(self, change: int) -> None:
        self._updating += change

    def first_step_is_over(self) -> None:
        """From now on optimizers have their state."""
        self._first = False

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None) -> Any:
        kwargs = kwargs or {}
        with private.without_torch_function():
            for t in _written(func, args, kwargs):
                self._save(t)
            result = func(*args, **kwargs)
            if self._first and op_name(func) in NO_VALUES:
                storage = result.untyped_storage()
                self._blank[private.storage_key(storage)] = private.StorageWeakRef(storage)
            return result

    @classmethod
    def ignore_compile_internals(cls) -> bool:
        """The mode stays on around compiled code, whose kernels come by launch()."""
        return True

    def launch(self, kernel: Kernel, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Runs a compiled kernel."""
        self.before_launch(kernel, args)
        return kernel(*args, **kwargs)

    def before_launch(self, kernel: Kernel, args: tuple[Any, ...]) -> None:
        for i, t in enumerate(args):
            if isinstance(t, torch.Tensor) and kernel.writes(i):
                self._save(t)

    def _save(self, t: torch.Tensor) -> None:
        if t.is_meta:
            return
        storage = t.untyped_storage()
        key = private.storage_key(storage)
        # Numbers are saved whoever makes them in the first step: a GradScaler's scale.
        is_new_state = self._first and (self._updating > 0 or t.numel() == 1)
        if key not in self._saved and (key in self._older or is_new_state):
            self._saved[key] = (private.StorageWeakRef(storage), storage.clone() if t.is_cpu else storage.cpu())

    # ---- afterwards ----

    def restore(self, persistent_gradients: set[int]) -> Living:
        """Puts all back.  persistent_gradients: keys of gradients that the step finds and leaves; these begin as zeros.

        Returns what is alive now.
        """
        now = living()
        for key, (_, copy) in self._saved.items():
            if key in now.tensors:
                now.tensors[key][0].untyped_storage().copy_(copy)
        for parameter, before in self._gradients:
            self._restore_gradient(parameter, before, persistent_gradients)
        for module, mode in self._modes:
            module.training = mode
        for optimizer, groups, states, tensors in self._optimizers:
            self._restore_optimizer(optimizer, groups, states, tensors)
        torch.set_rng_state(self._random[0])
        random.setstate(self._random[1])
        if self._cuda_random:
            torch.cuda.set_rng_state_all(self._cuda_random)
        return now

    @staticmethod
    def _restore_gradient(parameter: torch.nn.Parameter, before: torch.Tensor | None, persistent: set[int]) -> None:
        now = parameter.grad
        if now is None or now is before or private.storage_key(now.untyped_storage()) not in persistent:
            parameter.grad = before
            return
        with torch.no_grad():
            if before is None:
                now.zero_()
            else:
                now.copy_(before)

    def _restore_optimizer(self, optimizer: Any, groups: Any, states: Any, tensors: set[int]) -> None:
        for group, before in zip(optimizer.param_groups, groups, strict=False):
            group.update(before)
        for parameter, state in optimizer.state.items():
            state.update(states.get(parameter, {}))
            if parameter in states:
                continue
            for key, value in state.items():
                if not isinstance(value, torch.Tensor):
                    if value is not None:
                        raise Refused(_RUN_ONE_STEP.format(type(optimizer).__name__, key))
                elif id(value) not in tensors:
                    self._begin(optimizer, key, value)

    def _begin(self, optimizer: Any, name: str, value: torch.Tensor) -> None:
        """Gives a state that the first step has made the value from before its first update."""
        key = private.storage_key(value.untyped_storage())
        if key in self._saved and key not in self._blank:
            return  # restored above
        if isinstance(optimizer, torch.optim.SGD) and all(g["dampening"] == 0 for g in optimizer.param_groups):
            value.fill_(-0.0)  # momentum begins as the first gradient: -0.0 + g is g, for g = -0.0, too
            return
        raise Refused(_RUN_ONE_STEP.format(type(optimizer).__name__, name))


_RUN_ONE_STEP = "{}: its state '{}' begins with the first step's data; run one step with PyTorch, then compile"


def _state_tensors(optimizer: torch.optim.Optimizer) -> set[int]:
    return {id(v) for state in optimizer.state.values() for v in state.values() if isinstance(v, torch.Tensor)}


def _written(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Iterator[torch.Tensor]:
    """The tensors that a call writes in place."""
    for position, argument in enumerate(func._schema.arguments):
        if argument.alias_info is not None and argument.alias_info.is_write:
            value = args[position] if position < len(args) else kwargs.get(argument.name)
            yield from (t for t in private.tree_flatten(value)[0] if isinstance(t, torch.Tensor))
    yield from hidden.writes(func, args, kwargs)[0]
