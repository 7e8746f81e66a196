# SPDX-License-Identifier: Apache-2.0
"""What an op asks PyTorch's allocator for while it runs"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from . import allocator, requests


class Scratch:
    """Watches one op, from its making on."""

    def __init__(self) -> None:
        self._noting = allocator.installed()
        if self._noting:
            requests.note()
        else:
            torch.cuda.reset_peak_memory_stats()

    def end(self, results: Sequence[int]) -> tuple[list[requests.Asked] | None, int]:
        """The op's requests, where the allocator is ours, and the bytes of its workspace.  results: addresses."""
        if self._noting:
            return requests.lay_out(requests.noted(), results)
        return None, max(0, torch.cuda.max_memory_allocated() - torch.cuda.memory_allocated())
