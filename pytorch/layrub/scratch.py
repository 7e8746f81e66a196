# SPDX-License-Identifier: Apache-2.0
"""What an op asks PyTorch's allocator for: results, and scratch that it gives back before it returns."""

from __future__ import annotations

import torch

from . import allocator
from .tape import Request

ALIGNMENT = 512


class Scratch:
    """Watches from its making on, for one op."""

    def __init__(self) -> None:
        self._own = allocator.active()
        if self._own is None:
            torch.cuda.reset_peak_memory_stats()
        else:
            self._own.log(True)

    def end(self, results: dict[int, int]) -> tuple[int, list[Request] | None]:
        """Bytes of workspace, and the requests in order where the allocator is ours.  results: storages, by their addresses."""
        if self._own is None:
            return max(0, torch.cuda.max_memory_allocated() - torch.cuda.memory_allocated()), None
        log = self._own.logged()
        self._own.log(False)
        return place(log, results)


def place(log: list[tuple[int, int, bool]], results: dict[int, int]) -> tuple[int, list[Request]]:
    """Bytes of workspace, and the requests of a log of (address, bytes, taken).

    Scratch gets the lowest place that is free while it is in use.  What the op keeps and does not return is a library's: it is
    taken once in a process, and is no request of the op.
    """
    given_back = _given_back(log)
    live: dict[int, tuple[int, int]] = {}  # by address: begin and end in the workspace
    requests, top = [], 0
    for i, (address, count, taken) in enumerate(log):
        if not taken:
            live.pop(address, None)
        elif i not in given_back:
            if address in results:
                requests.append(Request(count, results[address]))
        else:
            at = 0
            for begin, end in sorted(live.values()):
                if at + count <= begin:
                    break
                at = max(at, end)
            end = -(-(at + count) // ALIGNMENT) * ALIGNMENT
            live[address] = at, end
            top = max(top, end)
            requests.append(Request(count, None, at))
    return top, requests


def _given_back(log: list[tuple[int, int, bool]]) -> set[int]:
    """The positions of those that are taken and given back later."""
    found, begun = set(), {}
    for i, (address, _, taken) in enumerate(log):
        if taken:
            begun[address] = i
        elif address in begun:
            found.add(begun.pop(address))
    return found
