# SPDX-License-Identifier: Apache-2.0
"""Where an op comes from: its phase, the module's path, and the line of the user's code."""

from __future__ import annotations

import gc
import os
import sys
from types import FrameType
from typing import Any

import torch
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook
from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook

from . import private

_HERE = os.path.dirname(os.path.abspath(__file__)) + os.sep
_TORCH = os.path.dirname(os.path.abspath(torch.__file__)) + os.sep


def module_paths() -> dict[int, str]:
    """The path of every module that is alive, by id: "layers.3.mlp".  The roots' own path is their class's name."""
    modules = [m for m in gc.get_objects() if issubclass(type(m), torch.nn.Module)]
    children = {id(c) for m in modules for c in m.children()}
    paths: dict[int, str] = {}
    for root in (m for m in modules if id(m) not in children):
        for name, module in root.named_modules():
            paths.setdefault(id(module), name or type(root).__name__)
    return paths


def parameter_owners(paths: dict[int, str]) -> dict[int, str]:
    """The path of the module of every parameter, by the parameter's id."""
    owners: dict[int, str] = {}
    for module in (m for m in gc.get_objects() if issubclass(type(m), torch.nn.Module)):
        for parameter in module.parameters(recurse=False):
            owners.setdefault(id(parameter), paths.get(id(module), ""))
    return owners


def user_line() -> str | None:
    """ "file.py:12" of the innermost frame that is neither PyTorch's nor ours; None: no such frame."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        file = frame.f_code.co_filename
        if not file.startswith((_TORCH, _HERE, "<")):
            return f"{os.path.basename(file)}:{frame.f_lineno}"
        frame = frame.f_back
    return None


class Where:
    """Follows a step by hooks, and says where the running op belongs.

    Phase: `backward` while autograd runs, and after it until a module runs forward again; `update` inside an optimizer's step.
    """

    def __init__(self) -> None:
        self._paths = module_paths()
        self._owners = parameter_owners(self._paths)
        self._stack: list[str] = []
        self._made: dict[int, tuple[str | None, str | None]] = {}  # by sequence number: layer and source of the forward op
        self._after_backward = False
        self._updating = 0
        self._hooks: list[Any] = []

    def __enter__(self) -> Where:
        self._hooks = [
            register_module_forward_pre_hook(self._enter_module),
            register_module_forward_hook(self._leave_module, always_call=True),
            register_optimizer_step_pre_hook(self._enter_update),
            register_optimizer_step_post_hook(self._leave_update),
        ]
        return self

    def __exit__(self, *_: object) -> None:
        for hook in self._hooks:
            hook.remove()

    def _enter_module(self, module: torch.nn.Module, _args: Any) -> None:
        if not private.in_backward():
            self._after_backward = False
        self._stack.append(self._paths.get(id(module), type(module).__name__))

    def _leave_module(self, _module: torch.nn.Module, _args: Any, _result: Any) -> None:
        if self._stack:
            self._stack.pop()

    def _enter_update(self, *_: Any) -> None:
        self._updating += 1

    def _leave_update(self, *_: Any) -> None:
        self._updating -= 1

    def now(self) -> tuple[str, str | None, str | None]:
        """Phase, layer and source of the op that runs now."""
        if private.in_backward():
            self._after_backward = True
            node = private.autograd_node()
            layer, source = self._made.get(private.sequence_number(node), (None, None)) if node is not None else (None, None)
            if layer is None and node is not None and hasattr(node, "variable"):  # a gradient's arrival at its parameter
                layer = self._owners.get(id(node.variable))
            if self._stack:  # a checkpointed block that runs again
                return "backward", self._stack[-1], user_line() or source
            return "backward", layer, source
        layer, source = (self._stack[-1] if self._stack else None), user_line()
        if self._updating:
            return "update", layer, source
        self._made.setdefault(private.sequence_number(), (layer, source))  # ops without a node follow under its number
        return ("backward" if self._after_backward else "forward"), layer, source
