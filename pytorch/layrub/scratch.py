# SPDX-License-Identifier: Apache-2.0
"""Bytes that an op takes from PyTorch's allocator and gives back before it returns."""

from __future__ import annotations

import torch

from . import unmapped


class Scratch:
    """Counts from its making on."""

    def __init__(self) -> None:
        self._allocator = unmapped.active()
        if self._allocator is not None:
            self._allocator.peak_bytes(reset=True)
        else:
            torch.cuda.reset_peak_memory_stats()

    def bytes(self) -> int:
        if self._allocator is not None:
            return max(0, self._allocator.peak_bytes() - self._allocator.live_bytes())
        return max(0, torch.cuda.max_memory_allocated() - torch.cuda.memory_allocated())
