# SPDX-License-Identifier: Apache-2.0
"""scalars.py - the numbers that optimizers work out in Python, anew for each step

A learning rate under a schedule, or a bias correction by a step counter, reaches an op as a number.  Before a step, the
optimizer's own Python code runs on a double: the same groups and numbers, counters with values, all other tensors without
memory.  The numbers that its calls get replace those on the tape.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Callable
from typing import Any

import torch

from . import private
from .known import NO_VALUES
from .living import numbers
from .observer import Update
from .recording import Recording
from .split import join, split
from .tape import Leaf, op_name


class Changed(Exception):
    """An optimizer calls other ops than those on the tape."""


class Scalars:
    """The numbers of a recording's optimizers."""

    def __init__(self, recording: Recording, is_counter: Callable[[torch.Tensor], bool]) -> None:
        self._recording = recording
        self._is_counter = is_counter  # whether an optimizer reads the tensor as a number
        self._groups = self._all_groups()
        self._is_always_new = bool(
            recording.read or recording.varying or any(u.changed or self._counts_on_host(u.optimizer) for u in recording.updates)
        )
        self._later: list[tuple[dict[str, Any], dict[str, Any]]] = []
        self._counters: list[tuple[torch.Tensor, torch.Tensor]] = []  # of the host, beside a step on a GPU

    def _all_groups(self) -> list[list[dict[str, Any]]]:
        """The numbers of all groups, but those that an optimizer's own step changes."""
        return [
            [{n: v for n, v in numbers(g).items() if (k, n) not in u.changed} for k, g in enumerate(u.optimizer.param_groups)]
            for u in self._recording.updates
        ]

    def changed(self) -> list[int]:
        """Gives the tape the numbers of the next step.  Returns the entries that may have got others.

        Changed: a new tape is needed.
        """
        groups = self._all_groups()
        if not self._is_always_new and groups == self._groups:
            return []
        self._groups = groups
        self._later, self._counters = [], []
        return [i for update in self._recording.updates for i in self._rebind(update)]

    def _counts_on_host(self, optimizer: torch.optim.Optimizer) -> bool:
        """Whether a state is a tensor of the host beside a step on a GPU, which only Python changes."""
        values = (v for state in optimizer.state.values() for v in state.values())
        return any(isinstance(v, torch.Tensor) and v.device.type != self._recording.device_type for v in values)

    def step_is_over(self) -> None:
        """Gives the optimizers the numbers that their step has changed."""
        for values, new in self._later:
            values.update(new)
        for counter, new in self._counters:
            counter.copy_(new)
        for update in self._recording.updates:
            update.optimizer._opt_called = True  # schedulers warn when nobody has called step()

    def _rebind(self, update: Update) -> list[int]:
        calls = self._calls(update)
        entries = [(i, self._recording.tape.entries[i]) for i in range(update.first, update.last)]
        if len(calls) != len(entries):
            raise Changed(f"{len(calls)} calls instead of {len(entries)}")
        for (_, entry), (function, arguments) in zip(entries, calls, strict=True):
            if function is not entry.function or len(arguments) != len(entry.arguments):
                raise Changed(f"{op_name(function)} instead of {entry.name}")
            entry.arguments = [
                old if isinstance(old, (Leaf, torch.device)) else new for old, new in zip(entry.arguments, arguments, strict=True)
            ]
        return [i for i, _ in entries]

    def _calls(self, update: Update) -> list[tuple[Any, list[Any]]]:
        """The calls that the optimizer's next step makes, by a double."""
        double, states = self._double(update)
        with private.optimizers_take(self._recording.device_type), _Calls(self._recording.device_type) as log:
            type(update.optimizer).step(double)
        self._later += [(real, numbers(mine)) for mine, real in states]
        return log.calls

    def _double(self, update: Update) -> tuple[Any, list[tuple[dict[str, Any], dict[str, Any]]]]:
        """An optimizer of the same class, groups and numbers; and its dictionaries of state and groups beside the real ones."""
        real = update.optimizer
        double = object.__new__(type(real))
        double.__dict__.update({k: v for k, v in real.__dict__.items() if k != "step"})  # schedulers wrap step()
        double.__dict__.update(_optimizer_step_pre_hooks=OrderedDict(), _optimizer_step_post_hooks=OrderedDict())
        double.state = defaultdict(dict)
        double.param_groups = []
        states = []
        for group, has_gradient in zip(real.param_groups, update.has_gradient, strict=True):
            doubles = []
            for parameter, has in zip(group["params"], has_gradient, strict=True):
                ghost = torch.nn.Parameter(_ghost(parameter), parameter.requires_grad)
                ghost.grad = _ghost(parameter) if has else None
                if parameter in real.state:
                    double.state[ghost] = {k: self._state(v) for k, v in real.state[parameter].items()}
                    states.append((double.state[ghost], real.state[parameter]))
                doubles.append(ghost)
            double.param_groups.append({**group, "params": doubles})
        states += zip(double.param_groups, real.param_groups, strict=True)
        return double, states

    def _state(self, value: Any) -> Any:
        if not isinstance(value, torch.Tensor):
            return value
        if value.device.type != self._recording.device_type:
            self._counters.append((value, value.clone()))
            return self._counters[-1][1]
        return value.clone() if self._is_counter(value) else _ghost(value)


def _ghost(t: torch.Tensor) -> torch.Tensor:
    return torch.empty_strided(t.size(), t.stride(), dtype=t.dtype, device="meta")


class _Calls(private.TorchDispatchMode):
    """Lists the calls that a recorder would note: functions and flattened arguments.

    Tensors without memory stand for the device's; on a host without a GPU counters are tensors of the device, too.
    """

    def __init__(self, device_type: str) -> None:
        super().__init__()
        self.calls: list[tuple[Any, list[Any]]] = []
        self._counters_too = device_type == "cpu"

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None) -> Any:
        kwargs = kwargs or {}
        parts = split(func, args, kwargs)
        if parts is not None:
            return join([self._call(func, a, k) for a, k in parts])
        return self._call(func, args, kwargs)

    def _call(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        flat = private.tree_flatten((args, kwargs))[0]
        ghosts = any(isinstance(a, torch.Tensor) and a.is_meta for a in flat)
        returns = func._schema.returns
        writes = any(a.alias_info is not None and a.alias_info.is_write for a in func._schema.arguments)
        makes = any(r.alias_info is None and isinstance(r.type, torch.TensorType | torch.ListType) for r in returns)
        if (ghosts or self._counters_too) and (writes or makes) and op_name(func) not in NO_VALUES:
            self.calls.append((func, flat))
        if ghosts and writes and not makes:  # what is written has no memory
            return args[0] if len(returns) == 1 else None
        return func(*args, **kwargs)
