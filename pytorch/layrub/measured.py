# SPDX-License-Identifier: Apache-2.0
"""measured.py - a trace of planned steps, and the report of `layrub report --measured`

The trace, of torch.profiler, holds a step that ran op by op, with a span for each run of an op, and captured steps.  The first
says which kernels an op has, the others how long they take.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from ._load import library
from .executor import Executor
from .library import Plan

STEPS = 3  # the report shows the median one


def trace(executor: Executor, step: Callable[[], Any], path: str) -> None:
    """Runs steps and writes the trace, Kineto's JSON.  The step is the executor's."""
    activities = [torch.profiler.ProfilerActivity.CPU]
    if executor.on_gpu:
        activities.append(torch.profiler.ProfilerActivity.CUDA)
    for _ in range(2):  # the second is captured
        step()
    with torch.profiler.profile(activities=activities, acc_events=False) as profiler:
        _op_by_op(executor, step, 1 if executor.is_captured else STEPS)
        if executor.is_captured:
            for _ in range(STEPS):
                step()
                torch.cuda.synchronize()
    profiler.export_chrome_trace(path)


def _op_by_op(executor: Executor, step: Callable[[], Any], count: int) -> None:
    executor.spans = True
    try:
        for _ in range(count):
            step()
            if executor.on_gpu:
                torch.cuda.synchronize()
    finally:
        executor.spans = False


def report(plan: Plan, executor: Executor, step: Callable[[], Any], path: str | None) -> str:
    """Draws a measured step over the simulated one, and returns where they differ, in words.  path: as of `layrub report`."""
    with tempfile.TemporaryDirectory() as folder:
        planned, measured = Path(folder, "plan.json"), Path(folder, "trace.json")
        trace(executor, step, str(measured))
        plan.write(planned)
        output = ["-o", path] if path is not None else []
        limit = f"{max(1, measured.stat().st_size, planned.stat().st_size)}"
        command = [_command(), "report", "--max-input", limit, "--measured", str(measured), *output, str(planned)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip() or f"{command[0]} ended with {done.returncode}")
    return done.stdout


def _command() -> str:
    """The program `layrub`: of LAYRUB_COMMAND, on the PATH, or beside the library.  FileNotFoundError: there is none."""
    beside = Path(library()._name).resolve().parent
    places = [os.environ.get("LAYRUB_COMMAND"), shutil.which("layrub"), beside / "layrub", beside.parent / "bin" / "layrub"]
    for place in places:
        if place is not None and os.access(place, os.X_OK) and Path(place).is_file():
            return str(place)
    raise FileNotFoundError("a report is drawn by the program `layrub`: put it on the PATH, or set LAYRUB_COMMAND to its path")
