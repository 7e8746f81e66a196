# SPDX-License-Identifier: Apache-2.0
"""The profiler's list of what ran on the GPU, held against the calls that the recorder saw.

Every call that the recorder sees is a span of the profiler.  A kernel whose launch lies in no span of its thread belongs to no
call: raw Triton, CuPy, an extension outside torch.library.
"""

from __future__ import annotations

import bisect
import json
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from . import private

_PREFIX = "layrub call "


class Launches:
    """Watches a recording.  After it, unexplained() has the kernels that no call explains."""

    def __init__(self) -> None:
        self._profiler = torch.profiler.profile(
            activities=[torch.profiler.ProfilerActivity.CPU, torch.profiler.ProfilerActivity.CUDA], acc_events=False
        )
        self.count = 0  # calls that have begun

    def __enter__(self) -> Launches:
        torch.cuda.synchronize()
        self._profiler.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        torch.cuda.synchronize()
        self._profiler.__exit__(*error)

    def call(self) -> Any:
        """The span of the next call, a context."""
        self.count += 1
        return private.span(f"{_PREFIX}{self.count - 1}")

    def unexplained(self) -> list[tuple[str, int]]:
        """Names of kernels, each with the number of calls that had begun before its launch."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "trace.json"
            self._profiler.export_chrome_trace(str(path))
            return unexplained(json.loads(path.read_text(encoding="utf-8"))["traceEvents"])


def unexplained(events: Sequence[dict[str, Any]]) -> list[tuple[str, int]]:
    """The same, of the events of a Chrome trace, in order of launch."""
    spans: dict[Any, list[tuple[float, float, int]]] = defaultdict(list)  # by thread: begin, end, number of the call
    launched: dict[int, tuple[Any, float]] = {}  # by correlation: thread and time
    kernels: list[tuple[str, int]] = []
    for e in events:
        kind, args = e.get("cat", ""), e.get("args", {})
        if e.get("name", "").startswith(_PREFIX) and kind != "gpu_user_annotation":
            spans[e["tid"]].append((e["ts"], e["ts"] + e["dur"], int(e["name"][len(_PREFIX) :])))
        elif kind in ("cuda_runtime", "cuda_driver") and "correlation" in args:
            launched.setdefault(args["correlation"], (e["tid"], e["ts"]))
        elif kind in ("kernel", "gpu_memcpy", "gpu_memset"):
            kernels.append((e["name"], args.get("correlation", -1)))
    for rows in spans.values():
        rows.sort()
    begins = sorted((begin, number) for rows in spans.values() for begin, _, number in rows)
    found = []
    for name, correlation in kernels:
        thread, at = launched.get(correlation, (None, 0.0))
        rows = spans.get(thread, [])
        i = bisect.bisect_right(rows, (at, float("inf"), 0)) - 1
        if i < 0 or rows[i][1] < at:
            found.append((at, name, bisect.bisect_right(begins, (at, len(begins)))))
    return [(name, calls) for _, name, calls in sorted(found)]
