# SPDX-License-Identifier: Apache-2.0
"""The time of each distinct op of a tape, on the GPU that is there.

An op is its function with the shapes, strides and types of its arguments.  It runs many times in one captured graph, so that the
gaps between launches are those of a captured step.  Arguments that the step has not touched for longer than the GPU's cache holds
are other ones in each run.  Data are random; indices are valid.
"""

from __future__ import annotations

import contextlib
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from layrub import allocator, load, private, resident
from layrub.capture import capture
from layrub.load import Load
from layrub.scratch import Scratch
from layrub.tape import Entry, Leaf, Tape

ROUNDS = 5  # the median counts
WARM_S = 1.5  # of rounds before: a GPU under load is slower than one that has rested
WINDOW_US = 200.0  # of one replay, at least, so that the events around it weigh little
MOST = 200  # runs in one graph
AHEAD_US = 50.0  # that the GPU waits while the host launches
MOST_SETS = 16  # of arguments that are not in the cache


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


def replay_us() -> float:
    """What a replay of a graph takes beside its kernels, between the events around it."""
    x = torch.zeros(1, device="cuda")
    graphs = [capture(lambda count=count: [x.add_(1) for _ in range(count)]) for count in (1, 21)]
    times = [[events(graph.replay) for _ in range(25)] for graph in graphs]
    first, last = (statistics.median(t[5:]) for t in times)
    return max(0.0, first - (last - first) / 20)


@dataclass(frozen=True)
class Measured:
    """distinct: the number of distinct ops.  uncaptured: of those that cannot be captured.  load: None: that is all of them."""

    distinct: int
    uncaptured: int
    load: Load | None


def measure(tape: Tape, progress: Callable[[str], None] | None = None) -> Measured:
    """Fills time_us, requests and workspace_bytes of every entry.

    The distinct ops run in rounds, each as often as the step has it: clocks follow the power that a step draws.  RuntimeError: an
    op whose own tensors the GPU cannot hold.
    """
    with _kept(), torch.random.fork_rng(devices=[torch.cuda.current_device()]):
        return _measure(tape, progress)


def _measure(tape: Tape, progress: Callable[[str], None] | None) -> Measured:
    cache = torch.cuda.get_device_properties(torch.cuda.current_device()).L2_cache_size
    seeds = {s for s, storage in enumerate(tape.storages) if storage.seed}
    groups: dict[tuple[Any, ...], list[Entry]] = {}
    cold: dict[tuple[Any, ...], list[int]] = {}
    for entry, positions in zip(tape.entries, cold_arguments(tape, cache), strict=True):
        key = (*signature(entry), *positions)
        groups.setdefault(key, []).append(entry)
        cold[key] = positions
    waiting = [(entries, Data(entries[0], cold[key], seeds, cache)) for key, entries in groups.items()]
    uncaptured, link = 0, None
    beside = replay_us()
    while waiting:
        batch: list[_Op] = []
        pool, stream = torch.cuda.graph_pool_handle(), torch.cuda.Stream()
        while waiting and (not batch or _fits(waiting[0][0][0])):
            if progress is not None:
                progress(f"measuring: {len(groups) - len(waiting)} of {len(groups)} distinct ops")
            batch.append(_Op(*waiting.pop(0), pool, stream, beside))
        _time(batch)
        uncaptured += sum(op.graph is None for op in batch)
        launches = [op.launch for op in batch if op.graph is not None and statistics.median(op.times) > 0]
        if link is None and launches:
            link = load.measure(launches)
        del batch, launches
        _release()
    return Measured(len(groups), uncaptured, link)


def _fits(entry: Entry) -> bool:
    """Whether the tensors of the op fit into what the GPU has free, with as much again for its scratch.

    Kept blocks stay: captured graphs write into them.
    """
    if not allocator.installed():
        torch.cuda.empty_cache()
    bytes_ = sum(leaf.extent_bytes for leaf in entry.leaves()) + entry.workspace_bytes
    return 2 * bytes_ + (1 << 28) < torch.cuda.mem_get_info()[0]


def _release() -> None:
    if allocator.installed():
        allocator.trim()
    else:
        torch.cuda.empty_cache()


def _kept() -> Any:
    """A context in which a captured graph takes no memory of its own."""
    return allocator.answering_from(allocator.KEPT) if allocator.installed() else contextlib.nullcontext()


class _Op:
    """A distinct op with data, captured so often that its time can be told."""

    def __init__(self, entries: list[Entry], data: Data, pool: Any, stream: torch.cuda.Stream, replay_us: float) -> None:
        self.entries = entries
        self._data = data
        self._replay_us = replay_us
        self.times: list[float] = []
        self.graph: torch.cuda.CUDAGraph | None = None
        data.make()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.no_grad(), torch.cuda.stream(stream):
            self._run(0)
            given = data.flat(0)
            scratch = Scratch()
            returned = private.tree_flatten(self._run(0))[0]
            found = resident.positions(entries[0].results, given, returned)
            requests, workspace = scratch.end([returned[i].untyped_storage().data_ptr() for i in found])
            del returned
            once = events(lambda: self._run(0))
            self.count = min(MOST, max(len(entries), int(WINDOW_US / max(once, 1.0)) + 1))
            stream.synchronize()
            try:
                self.graph = capture(self._runs, stream, pool)
            except RuntimeError:  # it cannot be captured
                torch.cuda.synchronize()
        for e in entries:
            e.workspace_bytes, e.requests = workspace, requests

    def _run(self, number: int) -> Any:
        args, kwargs = self._data.arguments(number)
        return self.entries[0].function(*args, **kwargs)

    def _runs(self) -> None:
        for number in range(self.count):
            self._run(number)

    @property
    def launch(self) -> load.Launch:
        assert self.graph is not None
        return self.graph.replay, statistics.median(self.times) * self.count, min(1.0, len(self.entries) / self.count)

    def round(self) -> None:
        """As many runs as the step has, at least; the mean of them is one time."""
        replays = -(-len(self.entries) // self.count)
        with torch.no_grad():
            run, beside = (self.graph.replay, self._replay_us) if self.graph is not None else (self._runs, 0.0)
            mean = statistics.fmean(events(run) - beside for _ in range(replays)) / self.count
            self.times.append(max(0.0, mean))


def _time(ops: list[_Op]) -> None:
    begin = time.perf_counter()
    while time.perf_counter() - begin < WARM_S:
        for op in ops:
            op.round()
    for op in ops:
        op.times.clear()
    for _ in range(ROUNDS):
        for op in ops:
            op.round()
    for op in ops:
        for entry in op.entries:
            entry.time_us = statistics.median(op.times)


def events(run: Callable[[], Any]) -> float:
    """Microseconds of a run, which is queued while the GPU waits: how long the host takes to launch it does not count."""
    begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    private.gpu_waits(AHEAD_US)
    begin.record()
    run()
    end.record()
    end.synchronize()
    return begin.elapsed_time(end) * 1e3


# ---- data ----


def cold_arguments(tape: Tape, cache: int) -> list[list[int]]:
    """Of each entry, the positions of arguments whose last touch is more than `cache` bytes of other tensors ago."""
    touched = 0  # bytes so far
    last: dict[int, int] = {}
    found = []
    for entry in tape.entries:
        leaves = [(k, a) for k, a in enumerate(entry.arguments) if isinstance(a, Leaf)]
        found.append([k for k, a in leaves if touched - last.get(a.storage, -cache - 1) > cache])
        for leaf in entry.leaves():
            touched += leaf.extent_bytes
        last |= {leaf.storage: touched for leaf in entry.leaves()}
    return found


class Data:
    """The arguments of an op with tensors of random data: several sets, which differ in those that are not in the cache."""

    def __init__(self, entry: Entry, cold: list[int], seeds: set[int], cache: int) -> None:
        self._entry = entry
        self._seeds = [k for k, a in enumerate(entry.arguments) if isinstance(a, Leaf) and a.storage in seeds]
        self._cold = {entry.arguments[k].storage for k in cold}
        leaves = [a for a in entry.arguments if isinstance(a, Leaf) and a.storage in self._cold]
        bytes_ = sum(leaf.extent_bytes for leaf in leaves)
        self._count = min(MOST_SETS, 2 * cache // bytes_ + 1) if bytes_ > 0 else 1
        self._sets: list[list[Any]] = []

    def make(self) -> None:
        storages: dict[int, torch.Tensor] = {}
        for _ in range(self._count):
            self._sets.append(arguments(self._entry, storages))
            storages = {s: t for s, t in storages.items() if s not in self._cold}

    def flat(self, number: int) -> list[Any]:
        """The arguments of the run with this number, flattened."""
        flat = list(self._sets[number % self._count])
        if not torch.cuda.is_current_stream_capturing():
            for k in self._seeds:
                flat[k] = flat[k].cpu()
        return flat

    def arguments(self, number: int) -> tuple[Any, Any]:
        """The same as args and kwargs."""
        return private.tree_unflatten(self.flat(number), self._entry.form)


def arguments(entry: Entry, storages: dict[int, torch.Tensor], device: str = "cuda") -> list[Any]:
    """The entry's arguments, flattened, with tensors of random data.  storages: bytes of some, by storage; gets all of them."""
    ready = set(storages)
    for leaf in (a for a in entry.arguments if isinstance(a, Leaf) and a.storage not in ready):
        old = storages.get(leaf.storage)
        if old is None or old.numel() < _end(leaf):
            storages[leaf.storage] = torch.empty(_end(leaf), dtype=torch.uint8, device=device)
    made: list[Any] = []
    for position, a in enumerate(entry.arguments):
        if isinstance(a, Leaf):
            made.append(a.over(storages[a.storage].untyped_storage()))
            if a.storage not in ready:
                fill(made[-1], entry, position)
        else:
            made.append(a)
    return made


def _end(leaf: Leaf) -> int:
    """Bytes of a storage up to the last element."""
    if not all(leaf.size):
        return 0
    last = leaf.offset + sum((n - 1) * s for n, s in zip(leaf.size, leaf.stride, strict=False))
    return (last + 1) * leaf.dtype.itemsize


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


def fill(t: torch.Tensor, entry: Entry, position: int) -> None:
    """Random numbers, or valid indices, for an argument of the entry."""
    if t.numel() == 0:
        return
    if t.dim() == 0 and t.dtype.is_floating_point:  # a count of steps, a factor: powers of odd numbers take longer
        t.fill_(1)
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
    roots = ("sqrt", "rsqrt", "log", "_foreach_sqrt", "_foreach_sqrt_")
    return entry.name in roots or "norm" in entry.name or "adam" in entry.name
