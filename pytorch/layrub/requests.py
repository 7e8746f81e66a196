# SPDX-License-Identifier: Apache-2.0
"""requests.py - what an op asks PyTorch's allocator for, and the plan's answers

With liblayrub-torch as the allocator of CUDA, an op's requests are noted while it is recorded.  Under a plan they are answered
with the addresses of its results' buffers and of its workspace, so that nothing is copied.  install() has to come before CUDA
starts.
"""

from __future__ import annotations

import contextlib
import ctypes
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch

from .errors import Refused
from .runtime import Request, runtime

ALIGN = 512  # of scratch, as PyTorch's own allocator aligns
_installed = False


@dataclass(frozen=True)
class Asked:
    """One request of an op: for its result number `result`, or (None) for scratch at an offset of its workspace."""

    nbytes: int
    result: int | None
    offset: int = 0


def install() -> None:
    """Makes liblayrub-torch PyTorch's allocator for CUDA.  Without a GPU nothing happens.  Refused: CUDA has started."""
    global _installed
    if _installed or not torch.cuda.is_available():
        return
    if torch.cuda.is_initialized():
        raise Refused("CUDA has started: call layrub.requests.install() before the first tensor or module goes to the GPU")
    allocator = torch.cuda.memory.CUDAPluggableAllocator(runtime()._name, "layrub_torch_alloc", "layrub_torch_free")
    torch.cuda.memory.change_current_allocator(allocator)
    _installed = True


def installed() -> bool:
    return _installed


@contextlib.contextmanager
def noted(log: list[tuple[int, int]]) -> Iterator[None]:
    """Appends the requests within to log: (address, bytes); (address, -1) where memory is given back."""
    runtime().layrub_torch_requests_note()
    try:
        yield
    finally:
        count = ctypes.c_uint32()
        found = runtime().layrub_torch_requests_noted(ctypes.byref(count))
        if count.value == 0xFFFFFFFF:
            raise MemoryError("no memory for the list of requests")
        log += [(r.address, -1 if r.freed else r.bytes) for r in found[: count.value]] if count.value else []


def lay_out(log: Sequence[tuple[int, int]], results: Sequence[int]) -> tuple[list[Asked], int]:
    """The requests of an op from their log and its results' addresses, and the bytes of its workspace.

    Memory that is given back within the op, or that no result lies in, is scratch; scratch gets the lowest offset that is free.
    """
    asked: list[Asked] = []
    live: dict[int, tuple[int, int]] = {}  # scratch: address to (begin, end)
    top = 0
    for k, (address, nbytes) in enumerate(log):
        if nbytes < 0:
            live.pop(address, None)
        elif address in results and (address, -1) not in log[k + 1 :]:
            asked.append(Asked(nbytes, results.index(address)))
        else:
            begin = 0
            for used_from, used_to in sorted(live.values()):
                if begin + nbytes <= used_from:
                    break
                begin = max(begin, used_to)
            live[address] = (begin, begin + -(-nbytes // ALIGN) * ALIGN)
            top = max(top, live[address][1])
            asked.append(Asked(nbytes, None, begin))
    return asked, top


class Answers:
    """The addresses that one run of an op gets."""

    def __init__(self, arena: int, arena_bytes: int, asked: Sequence[Asked], results: Sequence[int], workspace: int) -> None:
        self._arena, self._arena_bytes = arena, arena_bytes
        self._wanted = (Request * len(asked))(
            *[(workspace + a.offset if a.result is None else results[a.result], a.nbytes, 0) for a in asked]
        )

    @contextlib.contextmanager
    def given(self) -> Iterator[None]:
        """Within it the calling thread's requests get the addresses.  RuntimeError: the op asks for what was not recorded."""
        lib = runtime()
        lib.layrub_torch_requests_answer(self._arena, self._arena_bytes, self._wanted, len(self._wanted))
        left = ctypes.c_uint32()
        misses = 0
        try:
            yield
        finally:
            misses = lib.layrub_torch_requests_end(ctypes.byref(left))
        if misses:
            raise RuntimeError(f"an op has asked for memory {misses} times that it did not ask for when it was recorded")
