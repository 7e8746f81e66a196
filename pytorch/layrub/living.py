# SPDX-License-Identifier: Apache-2.0
"""living.py - the modules, optimizers and tensors that Python holds"""

from __future__ import annotations

import gc
from dataclasses import dataclass, field
from typing import Any, TypeVar

import torch

from . import private

T = TypeVar("T")


def alive(kind: type[T]) -> list[T]:
    """All objects of this class or its subclasses; not asked by isinstance(), which wakes weak proxies."""
    return [o for o in gc.get_objects() if issubclass(type(o), kind)]


@dataclass
class Living:
    modules: list[torch.nn.Module] = field(default_factory=list)
    optimizers: list[torch.optim.Optimizer] = field(default_factory=list)
    tensors: dict[int, list[torch.Tensor]] = field(default_factory=dict)  # those with memory, by the key of their storage

    @property
    def parameters(self) -> list[torch.nn.Parameter]:
        return [t for ts in self.tensors.values() for t in ts if isinstance(t, torch.nn.Parameter)]


def living() -> Living:
    """All that is alive now, gradients included, in one pass.  Takes about a second for ten million objects."""
    found = Living()
    seen: set[int] = set()

    def add(t: torch.Tensor) -> None:
        if id(t) in seen or t.is_meta or t.layout != torch.strided:
            return
        seen.add(id(t))
        try:
            found.tensors.setdefault(private.storage_key(t.untyped_storage()), []).append(t)
        except (NotImplementedError, RuntimeError):  # a tensor without storage
            return

    kinds: dict[type, int] = {}  # 0: of no interest
    for o in gc.get_objects():
        kind = kinds.get(type(o))
        if kind is None:
            classes = (torch.Tensor, torch.nn.Module, torch.optim.Optimizer)
            kind = kinds[type(o)] = next((k for k, c in enumerate(classes, 1) if issubclass(type(o), c)), 0)
        if kind == 1:
            add(o)
            if isinstance(o, torch.nn.Parameter) and o.grad is not None:
                add(o.grad)
        elif kind == 2:
            found.modules.append(o)
        elif kind == 3:
            found.optimizers.append(o)
    return found


def numbers(values: dict[str, Any]) -> dict[str, Any]:
    """The values of an optimizer's group, or of a parameter's state, that are neither tensors nor parameters."""
    return {k: v for k, v in values.items() if k != "params" and not isinstance(v, torch.Tensor)}
