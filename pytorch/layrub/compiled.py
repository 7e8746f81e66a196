# SPDX-License-Identifier: Apache-2.0
"""Kernels of torch.compile as ops of the tape.

Inductor's kernels do not pass the dispatcher: Triton's are launched by CachingAutotuner.run(), those of the host by functions
that the generated code calls.  The names of a kernel's pointers say what it reads and writes.
"""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from . import private

# Of a pointer's name.  Any other (in_out_ptr, workspaces, semaphores, those of a person's own kernel) is read and written.
_READ, _WRITTEN = "in_ptr", "out_ptr"

_KERNEL = "_layrub_kernel"  # of a Triton kernel's tuner: the kernel, the same one in every step

Launch = Callable[["Kernel", tuple[Any, ...], dict[str, Any]], Any]


class Kernel:
    """A compiled kernel, called as the generated code calls it, on the current stream."""

    tags: tuple[Any, ...] = ()  # as an operator of PyTorch has them

    def __init__(self, name: str, pointers: Sequence[str], mutated: Sequence[str], call: Callable[..., Any]) -> None:
        self.__name__ = name
        self._pointers = list(pointers)
        self._mutated = set(mutated)
        self._call = call

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._call(*args, **kwargs)

    def __str__(self) -> str:
        return self.__name__

    def reads(self, position: int) -> bool:
        """Whether it reads what the argument holds before the call."""
        name = self._pointer(position)
        return not name.startswith(_WRITTEN) or name in self._mutated

    def writes(self, position: int) -> bool:
        name = self._pointer(position)
        return not name.startswith(_READ) or name in self._mutated

    def _pointer(self, position: int) -> str:
        return self._pointers[position] if position < len(self._pointers) else ""


def call(kernel: Kernel, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A launch that is left as it is."""
    return kernel(*args, **kwargs)


_current: list[Launch] = []  # of the recording that runs; kernels of the host are wrapped once and outlive it


@contextlib.contextmanager
def launches(launch: Launch) -> Iterator[None]:
    """Within it every launch of a compiled kernel is launch(kernel, args, kwargs), which may call the kernel.

    What is compiled within it has a buffer for every tensor: to share memory is the planner's work.
    """

    def triton(tuner: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if not hasattr(tuner, _KERNEL):
            names, mutated = tuner.fn.arg_names, tuner.mutated_arg_names or ()
            setattr(tuner, _KERNEL, Kernel(tuner.fn.__name__, names, mutated, private.triton_call(tuner)))
        return launch(getattr(tuner, _KERNEL), args, kwargs)

    _current.append(launch)
    try:
        with private.triton_launches(triton), private.host_kernels(_host_kernel), private.compiled_without_reuse():
            yield
    finally:
        _current.remove(launch)


def _host_kernel(source: str, call: Callable[..., Any]) -> Callable[..., Any]:
    signature = re.search(r"\bvoid\s+kernel\s*\(([^)]*)\)", source)
    pointers = [p.split()[-1].lstrip("*&") for p in signature.group(1).split(",")] if signature else []
    kernel = Kernel("", pointers, (), call)

    def launched(*args: Any, **kwargs: Any) -> Any:
        if not _current:
            return call(*args, **kwargs)
        if not kernel.__name__:  # as the generated module calls it
            names = [k for k, v in sys._getframe(1).f_globals.items() if v is launched]
            kernel.__name__ = names[0] if names else "cpp_fused"
        return _current[-1](kernel, args, kwargs)

    return launched
