# SPDX-License-Identifier: Apache-2.0
"""measured.py - a trace of planned steps, for `layrub report --measured`

The trace, of torch.profiler, holds a step that ran op by op, with a span for each run of an op, and captured steps.  The first says
which kernels an op has, the others how long they take.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from .executor import Executor

CAPTURED = 3  # steps; the report shows the median one


def trace(executor: Executor, step: Callable[[], Any], path: str) -> None:
    """Runs steps and writes the trace, Kineto's JSON.  The step is the executor's."""
    on_gpu = executor.on_gpu
    activities = [torch.profiler.ProfilerActivity.CPU] + [torch.profiler.ProfilerActivity.CUDA] * on_gpu
    for _ in range(2):  # the second is captured
        step()
    with torch.profiler.profile(activities=activities, acc_events=False) as profiler:
        _steps(executor, step, CAPTURED if not on_gpu or executor.uncaptured is not None else 1)
        if on_gpu:
            torch.cuda.synchronize()
            for _ in range(CAPTURED):
                step()
                torch.cuda.synchronize()
    profiler.export_chrome_trace(path)


def _steps(executor: Executor, step: Callable[[], Any], count: int) -> None:
    executor.spans = True
    try:
        for _ in range(count):
            step()
    finally:
        executor.spans = False
