# SPDX-License-Identifier: Apache-2.0
"""The allocator of runtime/allocator.c in PyTorch's place, for the whole process."""

from __future__ import annotations

import contextlib
import ctypes
from collections.abc import Iterator
from typing import Any

import torch

from . import private
from .errors import Refused
from .runtime import runtime

MEMORY, KEPT, ADDRESSES = range(3)  # as in allocator.h


class Request(ctypes.Structure):
    """One request: an address and bytes, taken or given back."""

    _fields_ = [("address", ctypes.c_uint64), ("bytes", ctypes.c_uint64), ("taken", ctypes.c_uint32)]


class Allocator:
    """Answers all requests for memory of the GPU.  There is one: installed()."""

    def __init__(self) -> None:
        self._library = library = runtime()
        self._raise = private.throw_error()
        library.layrub_torch_raise_by(self._raise)
        self._most = 0  # requests that were logged at once
        torch.cuda.memory.change_current_allocator(
            torch.cuda.memory.CUDAPluggableAllocator(library._name, "layrub_torch_alloc", "layrub_torch_release")
        )

    @contextlib.contextmanager
    def answering_from(self, source: int) -> Iterator[None]:
        """Within it requests are answered from MEMORY, KEPT or ADDRESSES."""
        before = self._library.layrub_torch_answer_from(source)
        try:
            yield
        finally:
            self._library.layrub_torch_answer_from(before)

    def without_memory(self) -> Any:
        return self.answering_from(ADDRESSES)

    def used_bytes(self) -> int:
        return int(self._library.layrub_torch_used_bytes())

    def peak_bytes(self, reset: bool = False) -> int:
        return int(self._library.layrub_torch_peak_bytes(reset))

    def trim(self) -> None:
        torch.cuda.synchronize()
        self._library.layrub_torch_trim()

    # ---- what an op asks for ----

    def log(self, on: bool) -> None:
        self._library.layrub_torch_log_requests(on)

    def logged(self) -> list[tuple[int, int, bool]]:
        """Address, bytes, and whether it was taken, of all requests since log(True)."""
        count = self._library.layrub_torch_log(None, 0)
        rows = (Request * max(count, 1))()
        self._library.layrub_torch_log(rows, count)
        return [(r.address, r.bytes, bool(r.taken)) for r in rows[:count]]

    def expect(self, requests: Any, count: int) -> None:
        """The addresses of the requests of the op that runs next: an array of Request."""
        self._library.layrub_torch_expect(requests, count)

    def expected_end(self) -> tuple[int, int]:
        """How many requests were not expected, and the bytes of the largest."""
        largest = ctypes.c_uint64()
        return int(self._library.layrub_torch_expected_end(ctypes.byref(largest))), largest.value


_installed: Allocator | None = None


def active() -> Allocator | None:
    """The allocator; None: PyTorch has its own."""
    return _installed


def install() -> Allocator:
    """Puts the allocator in PyTorch's place.  Refused: CUDA has begun with another."""
    global _installed
    if _installed is None:
        if torch.cuda.is_initialized():
            raise Refused(
                "CUDA has begun with PyTorch's own allocator: import layrub after torch, and before the first tensor on the GPU"
            )
        _installed = Allocator()
    return _installed
