# SPDX-License-Identifier: Apache-2.0
"""liblayrub-torch as PyTorch's allocator for CUDA, for the whole process"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import torch

from .errors import Refused
from .runtime import runtime

MEMORY, KEPT, ADDRESSES = range(3)  # as in runtime/sources.h

_installed = False


def installed() -> bool:
    return _installed


def install() -> None:
    """Puts the allocator in PyTorch's place.  Without CUDA nothing happens.  Refused: CUDA has begun with another."""
    global _installed
    if _installed or not torch.backends.cuda.is_built():
        return
    if torch.cuda.is_initialized():
        raise Refused(
            "CUDA has begun with PyTorch's own allocator, which cannot be replaced afterwards: move `import layrub` to the top "
            "of the program, before any tensor on the GPU"
        )
    torch.cuda.memory.change_current_allocator(
        torch.cuda.memory.CUDAPluggableAllocator(runtime()._name, "layrub_torch_alloc", "layrub_torch_free")
    )
    _installed = True


@contextlib.contextmanager
def answering_from(source: int) -> Iterator[None]:
    """Within it requests outside of plans are answered from MEMORY, KEPT or ADDRESSES."""
    before = runtime().layrub_torch_answer_from(source)
    try:
        yield
    finally:
        runtime().layrub_torch_answer_from(before)


def without_memory() -> Any:
    return answering_from(ADDRESSES)


def trim() -> None:
    """Frees the kept blocks that nobody uses."""
    torch.cuda.synchronize()
    runtime().layrub_torch_trim()
