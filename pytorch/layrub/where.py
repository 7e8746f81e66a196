# SPDX-License-Identifier: Apache-2.0
"""Where an op comes from: its phase, the module's path, and the line of the user's code."""

from __future__ import annotations

import os
import sys
from types import FrameType
from typing import Any

import torch
from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook

from . import private
from .living import alive

_HERE = os.path.dirname(os.path.abspath(__file__)) + os.sep
_TORCH = os.path.dirname(os.path.abspath(torch.__file__)) + os.sep
_NOT_THE_USERS = (_TORCH, _HERE, private.generated_code_folder() + os.sep, "<")


def module_paths(modules: list[torch.nn.Module]) -> dict[int, str]:
    """The path of every module in their trees, by id: "layers.3.mlp".  The roots' own path is their class's name.

    What torch.compile wraps around a module counts for nothing.
    """
    children = {id(c) for m in modules for c in m.children()}
    paths: dict[int, str] = {}
    for root in (m for m in modules if id(m) not in children):
        for name, module in root.named_modules():
            plain = ".".join(part for part in name.split(".") if part != "_orig_mod")
            paths.setdefault(id(module), plain or type(getattr(root, "_orig_mod", root)).__name__)
    return paths


def parameter_owners(modules: list[torch.nn.Module], paths: dict[int, str]) -> dict[int, str]:
    """The path of the module of every parameter, by the parameter's id; of several modules the first in the order of paths."""
    by_id = {id(m): m for m in modules}
    owners: dict[int, str] = {}
    for module in (by_id[i] for i in paths if i in by_id):
        for parameter in module.parameters(recurse=False):
            owners.setdefault(id(parameter), paths[id(module)])
    return owners


def look() -> tuple[torch.nn.Module | None, str | None]:
    """The innermost module whose forward pass runs, and "file.py:12" of the innermost frame that is neither PyTorch's nor ours.

    In a backward pass what has called it does not count.  Frames are looked at, and no hooks are set: torch.compile would
    compile them, too.
    """
    module = line = None
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and (module is None or line is None):
        code = frame.f_code
        if code is private.BACKWARD_CODE:
            break
        if module is None and code is private.MODULE_CODE:
            module = frame.f_locals["self"]
        elif line is None and not code.co_filename.startswith(_NOT_THE_USERS):
            line = f"{os.path.basename(code.co_filename)}:{frame.f_lineno}"
        frame = frame.f_back
    return module, line


def user_line() -> str | None:
    """ "file.py:12" of the innermost frame that is neither PyTorch's nor ours; None: no such frame."""
    return look()[1]


def running_step(kind: type) -> str | None:
    """The class of the object of this kind, an optimizer or a scaler, whose step() runs; None: none does."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        owner = frame.f_locals.get("self") if frame.f_code.co_name == "step" else None
        if isinstance(owner, kind):
            return type(owner).__name__
        frame = frame.f_back
    return None


class Where:
    """Says where the op that runs now belongs.

    Phase: `backward` while autograd runs, and after it until a module runs forward again; `update` inside an optimizer's step.
    """

    def __init__(self) -> None:
        modules = alive(torch.nn.Module)
        self._paths = module_paths(modules)
        self._owners = parameter_owners(modules, self._paths)
        self._made: dict[int, tuple[str | None, str | None]] = {}  # by sequence number: layer and source of the forward op
        self.modules: dict[int, torch.nn.Module] = {}  # by id: in which an op has run
        self._after_backward = False
        self._updating = 0
        self._hooks: list[Any] = []

    def __enter__(self) -> Where:
        self._hooks = [
            register_optimizer_step_pre_hook(self._enter_update),
            register_optimizer_step_post_hook(self._leave_update),
        ]
        return self

    def __exit__(self, *_: object) -> None:
        for hook in self._hooks:
            hook.remove()

    def _enter_update(self, *_: Any) -> None:
        self._updating += 1

    def _leave_update(self, *_: Any) -> None:
        self._updating -= 1

    def now(self) -> tuple[str, str | None, str | None]:
        """Phase, layer and source of the op that runs now."""
        module, line = look()
        layer = self._paths.get(id(module), type(module).__name__) if module is not None else None
        if module is not None:
            self.modules.setdefault(id(module), module)
        if private.in_backward():
            self._after_backward = True
            node = private.autograd_node()
            made, source = self._made.get(private.sequence_number(node), (None, None)) if node is not None else (None, None)
            if module is not None:  # a checkpointed block that runs again
                return "backward", layer, line or source
            if made is None and node is not None and hasattr(node, "variable"):  # a gradient's arrival at its parameter
                made = self._owners.get(id(node.variable))
            return "backward", made, source
        if self._updating:
            return "update", layer, line
        if module is not None:
            self._after_backward = False
        self._made.setdefault(private.sequence_number(), (layer, line))  # ops without a node follow under its number
        return ("backward" if self._after_backward else "forward"), layer, line
