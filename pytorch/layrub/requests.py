# SPDX-License-Identifier: Apache-2.0
"""requests.py - what an op asks PyTorch's allocator for, and the plan's answers

With liblayrub-torch as the allocator of CUDA, an op's requests are noted while it is recorded.  Under a plan they are answered
with the addresses of its results' buffers and of its workspace, so that nothing is copied.
"""

from __future__ import annotations

import contextlib
import ctypes
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .runtime import Request, runtime

ALIGN = 512  # of scratch, as PyTorch's own allocator aligns
Log = list[tuple[int, int]]  # (address, bytes); (address, -1) where memory is given back


@dataclass(frozen=True)
class Asked:
    """One request of an op: for its result number `result`, or (None) for scratch at an offset of its workspace."""

    nbytes: int
    result: int | None
    offset: int = 0


def note() -> None:
    """Begins a list of all requests."""
    runtime().layrub_torch_requests_note()


def noted() -> Log:
    """Ends the list."""
    count = ctypes.c_uint32()
    found = runtime().layrub_torch_requests_noted(ctypes.byref(count))
    if count.value == 0xFFFFFFFF:
        raise MemoryError("no memory for the list of requests")
    return [(r.address, -1 if r.freed else r.bytes) for r in found[: count.value]] if count.value else []


def lay_out(log: Sequence[tuple[int, int]], results: Sequence[int]) -> tuple[list[Asked], int]:
    """The requests of an op from their log and its results' addresses, and the bytes of its workspace.

    Memory that is given back within the op is scratch, which gets the lowest offset that is free.  What the op keeps and does not
    return is a library's: it is taken once in a process, and is no request of the op.
    """
    asked: list[Asked] = []
    given_back = _given_back(log)
    live: dict[int, tuple[int, int]] = {}  # scratch: address to (begin, end)
    top = 0
    for k, (address, nbytes) in enumerate(log):
        if nbytes < 0:
            live.pop(address, None)
        elif k in given_back:
            begin = 0
            for used_from, used_to in sorted(live.values()):
                if begin + nbytes <= used_from:
                    break
                begin = max(begin, used_to)
            live[address] = (begin, begin + -(-nbytes // ALIGN) * ALIGN)
            top = max(top, live[address][1])
            asked.append(Asked(nbytes, None, begin))
        elif address in results:
            asked.append(Asked(nbytes, results.index(address)))
    return asked, top


def _given_back(log: Sequence[tuple[int, int]]) -> set[int]:
    """The positions of those that are taken and given back later."""
    found, begun = set(), {}
    for k, (address, nbytes) in enumerate(log):
        if nbytes >= 0:
            begun[address] = k
        elif address in begun:
            found.add(begun.pop(address))
    return found


class Answers:
    """The addresses that one run of an op gets."""

    def __init__(self, arena: int, arena_bytes: int, asked: Sequence[Asked], results: Sequence[int], workspace: int) -> None:
        self._arena, self._arena_bytes = arena, arena_bytes
        self._wanted = (Request * len(asked))(
            *[(workspace + a.offset if a.result is None else results[a.result], a.nbytes, 0) for a in asked]
        )
        self.misses = 0  # of the last run

    @contextlib.contextmanager
    def given(self, strict: bool = True) -> Iterator[None]:
        """Within it the calling thread's requests get the addresses.

        What was not recorded gets memory outside of the plan; with strict, RuntimeError is raised for it afterwards.
        """
        lib = runtime()
        lib.layrub_torch_requests_answer(self._arena, self._arena_bytes, self._wanted, len(self._wanted))
        left, missed = ctypes.c_uint32(), ctypes.c_uint64()
        self.misses = 0
        try:
            yield
        finally:
            self.misses = lib.layrub_torch_requests_end(ctypes.byref(left), ctypes.byref(missed))
        if self.misses and strict:
            sizes = [w.bytes for w in self._wanted]
            raise RuntimeError(
                f"an op has asked for memory {self.misses} times that it did not ask for when it was recorded: first for "
                f"{missed.value} bytes, where it has asked for {sizes}"
            )
