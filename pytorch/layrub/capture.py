# SPDX-License-Identifier: Apache-2.0
"""capture.py - what a callable launches on the GPU, as one CUDA graph

Libraries clear a few bytes before many of their kernels.  In a captured step the GPU stops for ten microseconds around such a
fill, and for one around a kernel; so small fills become kernels.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from layrub import runtime


def capture(run: Callable[[], Any], stream: Any = None, pool: Any = None, errors: str = "global") -> torch.cuda.CUDAGraph:
    """The graph, ready to be replayed.  RuntimeError: run does what a graph cannot hold.  errors: whose calls end the capture."""
    graph = torch.cuda.CUDAGraph(keep_graph=True)
    with torch.cuda.graph(graph, pool=pool, stream=stream, capture_error_mode=errors):
        run()
    runtime.tune(torch.device("cuda", torch.cuda.current_device()), graph.raw_cuda_graph())
    graph.instantiate()
    return graph
