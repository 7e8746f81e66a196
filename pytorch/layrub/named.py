# SPDX-License-Identifier: Apache-2.0
"""named.py - the names by which graphs of several steps know the same parameters, buffers and optimizer state"""

from __future__ import annotations

from collections import defaultdict
from itertools import chain
from typing import Any

import torch

from . import private
from .living import alive


def storage_names(device_type: str) -> dict[int, str]:
    """Returns names by storage key: "ResNet.conv1.weight", and "ResNet.conv1.weight.exp_avg" of an optimizer's state.

    A name that several storages have is left out: two models of one class are alive.  Of several names of one storage the first
    in the alphabet counts, so that names do not depend on the order in which Python finds the modules.
    """
    found: dict[str, set[int]] = defaultdict(set)

    def note(name: str, t: Any) -> None:
        if isinstance(t, torch.Tensor) and t.device.type == device_type:
            found[name].add(private.storage_key(t.untyped_storage()))

    with private.without_torch_function():
        modules = alive(torch.nn.Module)
        inner = {id(child) for module in modules for child in module.children()}
        for root in (m for m in modules if id(m) not in inner):
            named = chain(root.named_parameters(remove_duplicate=False), root.named_buffers(remove_duplicate=False))
            for name, t in named:
                note(f"{type(root).__name__}.{name}", t)
        parameters = _one_name(found)
        for optimizer in alive(torch.optim.Optimizer):
            for parameter, state in optimizer.state.items():
                name = parameters.get(private.storage_key(parameter.untyped_storage()))
                for key, t in state.items() if name is not None else ():
                    note(f"{name}.{key}", t)
        return _one_name(found)


def _one_name(found: dict[str, set[int]]) -> dict[int, str]:
    """Returns the name of each storage, of names that only one has."""
    names: dict[int, str] = {}
    for name in sorted(found, reverse=True):
        if len(found[name]) == 1:
            names[next(iter(found[name]))] = name
    return names
