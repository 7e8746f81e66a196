# SPDX-License-Identifier: Apache-2.0
"""The GPU that a step is recorded for, when it is not there: what a device document says, and its compute capability."""

from __future__ import annotations

import re
from dataclasses import dataclass

import layrub

# Compute capabilities by the driver's name (NVIDIA, "CUDA GPU Compute Capability"); the first row that matches counts.
_CAPABILITIES = (
    (r"B300", (10, 3)),
    (r"B[12]00", (10, 0)),
    (r"H[128]00|GH200|H20\b", (9, 0)),
    (r"RTX 50\d\d|RTX PRO .*Blackwell", (12, 0)),
    (r"RTX 40\d\d|\bL40S?\b|\bL4\b|\bL20\b|Ada Generation", (8, 9)),
    (r"A[18]00|A30\b", (8, 0)),
    (r"RTX 30\d\d|RTX A\d|\bA(2|10G?|16|40)\b", (8, 6)),
    (r"RTX 20\d\d|TITAN RTX|Quadro RTX|GTX 16\d\d|\bT4\b", (7, 5)),
    (r"V100|TITAN V", (7, 0)),
    (r"P100", (6, 0)),
    (r"GTX TITAN X", (5, 2)),
    (r"GTX 10\d\d|TITAN X|\bP40?\b", (6, 1)),
    (r"K80", (3, 7)),
    (r"K[24]0", (3, 5)),
)
NEWEST = (9, 0)  # of a GPU that no row names


def capability(name: str) -> tuple[int, int]:
    return next((c for pattern, c in _CAPABILITIES if re.search(pattern, name, re.IGNORECASE)), NEWEST)


@dataclass(frozen=True)
class Gpu:
    """name: the driver's.  document: None without a device; workspaces are then not estimated by its rules."""

    name: str = "GPU"
    capability: tuple[int, int] = NEWEST
    document: layrub.Device | None = None


def gpu(device: str | None) -> Gpu:
    """The GPU of a device document: an installed name, or a file.  LayrubError: there is none."""
    if device is None:
        return Gpu()
    op = layrub.Op(name="none", inputs=(0,), outputs=(0,))
    graph = layrub.Graph(name="none", tensors=(layrub.Tensor(kind=layrub.Kind.STATE),), ops=(op,))
    with layrub.Problem.build(graph, device=device) as problem:
        document = problem.device
    name = document.gpu or document.name or device
    return Gpu(name, capability(name), document)
