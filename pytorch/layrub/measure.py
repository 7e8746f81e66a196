# SPDX-License-Identifier: Apache-2.0
"""measure.py - the time of each distinct op of a tape, on the GPU that is there

An op is its function with the shapes, strides and types of its arguments.  It runs alone in memory, many times in one captured
graph, so
that the gaps between launches are those of a captured step.  Data are random; indices are valid.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from typing import Any

import torch

from layrub import private
from layrub.recorder import Scratch
from layrub.tape import Entry, Leaf, Tape

REPEATS = 5  # replays; the median counts
WINDOW_US = 2000.0  # of one replay, at least
MOST = 200  # runs in one graph


def signature(entry: Entry) -> tuple[Any, ...]:
    """What the time of an entry depends on.  Storages are numbered within the entry, so that aliases count."""
    numbers: dict[int, int] = {}
    parts: list[Any] = [entry.function]
    for a in entry.arguments:
        if isinstance(a, Leaf):
            parts.append((numbers.setdefault(a.storage, len(numbers)), a.dtype, a.size, a.stride, a.offset))
        else:
            parts.append(repr(a))
    return tuple(parts)


def measure(tape: Tape, progress: Callable[[str], None] | None = None) -> dict[str, int]:
    """Fills time_us and workspace_bytes of every entry.  Returns how many ops are distinct, and how many cannot be captured."""
    times: dict[tuple[Any, ...], float] = {}
    scratch: dict[tuple[Any, ...], int] = {}
    uncaptured = 0
    for i, entry in enumerate(tape.entries):
        key = signature(entry)
        if key not in times:
            if progress is not None:
                progress(f"op {i} of {len(tape.entries)}: {entry.name}")
            times[key], scratch[key], captured = _measure(entry)
            uncaptured += not captured
        entry.time_us, entry.workspace_bytes = times[key], scratch[key]
    return {"distinct": len(times), "uncaptured": uncaptured}


def _measure(entry: Entry) -> tuple[float, int, bool]:
    args, kwargs = private.tree_unflatten(arguments(entry), entry.form)

    def run() -> None:
        entry.function(*args, **kwargs)

    with torch.no_grad():
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            run()
            scratch = Scratch()
            result = entry.function(*args, **kwargs)
            scratch_bytes = scratch.bytes()
            del result
            once = _events(run, 1)
            count = int(min(MOST, max(1, WINDOW_US / max(once, 1.0))))
            stream.synchronize()
            try:
                graph = torch.cuda.CUDAGraph()
                with torch.cuda.graph(graph, stream=stream):
                    for _ in range(count):
                        run()
            except RuntimeError:
                torch.cuda.synchronize()
                return statistics.median(_events(run, count) for _ in range(REPEATS)), scratch_bytes, False
            graph.replay()
            return statistics.median(_events(graph.replay, 1) / count for _ in range(REPEATS)), scratch_bytes, True


def _events(run: Callable[[], None], count: int) -> float:
    """Microseconds of one run, by events around count of them."""
    begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    begin.record()
    for _ in range(count):
        run()
    end.record()
    end.synchronize()
    return begin.elapsed_time(end) * 1e3 / count


# ---- data ----


def arguments(entry: Entry, device: str = "cuda") -> list[Any]:
    """The entry's arguments with tensors of random data."""
    storages: dict[int, torch.Tensor] = {}
    for leaf in (a for a in entry.arguments if isinstance(a, Leaf)):
        end = (
            (leaf.offset + sum((n - 1) * s for n, s in zip(leaf.size, leaf.stride, strict=False)) + 1) * leaf.dtype.itemsize
            if all(leaf.size)
            else 0
        )
        old = storages.get(leaf.storage)
        if old is None or old.numel() < end:
            storages[leaf.storage] = torch.empty(end, dtype=torch.uint8, device=device)
    made: list[Any] = []
    for position, a in enumerate(entry.arguments):
        if not isinstance(a, Leaf):
            made.append(a)
            continue
        t = torch.empty(0, dtype=a.dtype, device=device).set_(storages[a.storage].untyped_storage(), a.offset, a.size, a.stride)
        _fill(t, entry, position)
        made.append(t)
    return made


# Ops that look something up: the position of the indices, and the number of rows from the entry's arguments.
_ROWS: dict[str, tuple[int, Callable[[list[Any]], int]]] = {
    "embedding": (1, lambda a: a[0].size[0]),
    "embedding_dense_backward": (1, lambda a: a[2]),
    "nll_loss_forward": (1, lambda a: a[0].size[-1]),
    "nll_loss_backward": (2, lambda a: a[1].size[-1]),
    "nll_loss2d_forward": (1, lambda a: a[0].size[1]),
    "nll_loss2d_backward": (2, lambda a: a[1].size[1]),
    "gather": (2, lambda a: a[0].size[a[1]]),
    "index_select": (2, lambda a: a[0].size[a[1]]),
    "scatter_add": (2, lambda a: a[0].size[a[1]]),
    "scatter": (2, lambda a: a[0].size[a[1]]),
    "max_pool2d_with_indices_backward": (7, lambda a: a[1].size[-1] * a[1].size[-2]),
}


def _fill(t: torch.Tensor, entry: Entry, position: int) -> None:
    if t.numel() == 0:
        return
    dense = (
        torch.as_strided(t, t.size(), t.stride())
        if 0 not in t.stride()
        else t[tuple(slice(0, 1) if s == 0 else slice(None) for s in t.stride())]
    )
    if t.dtype.is_floating_point:
        dense.copy_(
            torch.randn(dense.size(), device=t.device).abs_().clamp_(0.01, 3)
            if _positive(entry, position)
            else torch.randn(dense.size(), device=t.device)
        )
    elif t.dtype == torch.bool:
        dense.copy_(torch.randint(0, 2, dense.size(), device=t.device))
    elif not t.dtype.is_complex:
        rows = _ROWS.get(entry.name)
        last = [k for k, a in enumerate(entry.arguments) if isinstance(a, Leaf) and not a.dtype.is_floating_point]
        high = (
            rows[1](entry.arguments)
            if rows is not None and (position == rows[0] or position == last[-1])
            else 2
            if entry.name == "index"
            else 1
        )
        if high > 1:
            values = torch.randint(0, high, dense.size(), device=t.device)
            dense.copy_(values)
        else:
            dense.zero_()


def _positive(entry: Entry, position: int) -> bool:
    """Whether the op takes a root, a logarithm or a variance of this argument."""
    return entry.name in ("sqrt", "rsqrt", "log", "_foreach_sqrt", "_foreach_sqrt_") or "norm" in entry.name
