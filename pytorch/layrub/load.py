# SPDX-License-Identifier: Apache-2.0
"""load.py - the link of a plan's pool, idle and while the step's own ops run, and the ops while both directions copy

Copies are slower beside ops that use the GPU's memory.  A plan that counts on the document's link has its copies late.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from . import _binding as c
from .runtime import Memory, RuntimeFailed, storage_at

COPY_BYTES = 32 << 20
POOL_BYTES = 1 << 30  # that the copies go through: a plan's pool is as large; one buffer stays in caches of data and of addresses
WITHOUT_A_CURVE = (1 << 16, 1 << 28)  # bytes of the points by which a loaded curve is given then
COPIES = 16  # one way, of a measurement
WINDOW_MS = 40.0  # of ops: longer than both directions take at 27 GB/s
ROUNDS = 5  # the median counts

# An op: launches it, its microseconds, and its share of the step's launches of its kind (at most 1).
Launch = tuple[Callable[[], None], float, float]


@dataclass(frozen=True)
class Load:
    """Bytes per second by direction, alone and in a step.  duplex: of both directions together.  contention: as in a device."""

    alone: tuple[float, float]
    rates: tuple[float, float]
    duplex: float
    contention: float

    def on(self, device: c.Device) -> c.Device:
        """The device with this load on its link."""
        contention = (self.contention, *(0.0 for _ in device.contention[1:]))  # the first is that of every class
        links = tuple(_loaded(*measured) for measured in zip(device.link, self.alone, self.rates, strict=True))
        return replace(device, link=links, duplex_bytes_per_s=self.duplex, contention=contention)


def _loaded(link: c.Link, alone: float, beside: float) -> c.Link:
    """The link with these rates where they are slower than its own; latencies stay."""
    points = link.points or tuple(c.CurvePoint(b, link.latency_us + b * 1e6 / link.bytes_per_s) for b in WITHOUT_A_CURVE)

    def slower(points: Sequence[c.CurvePoint], rate: float) -> tuple[c.CurvePoint, ...]:
        more = max(0.0, 1e6 / rate - 1e6 / link.bytes_per_s)  # microseconds a byte
        return tuple(replace(p, time_us=p.time_us + more * p.bytes) for p in points)

    return replace(
        link,
        bytes_per_s=min(link.bytes_per_s, alone),
        points=slower(link.points, alone),
        loaded=slower(points, min(alone, beside)),
    )


def measure(ops: Sequence[Launch]) -> Load:
    """Runs the ops in the mixture of the step, and copies beside them."""
    copies = _Copies()
    alone = tuple(statistics.median(copies.alone(d) for _ in range(ROUNDS)) for d in c.Direction)
    out, in_ = (statistics.median(_beside(ops, copies, (d,))[d] for _ in range(ROUNDS)) for d in c.Direction)
    both = [_beside(ops, copies, tuple(c.Direction)) for _ in range(ROUNDS)]
    duplex = statistics.median(sum(rates.values()) for rates in both)
    quiet = statistics.median(_ops_ms(ops, copies, False) for _ in range(ROUNDS))
    beside = statistics.median(_ops_ms(ops, copies, True) for _ in range(ROUNDS))
    return Load((alone[0], alone[1]), (out, in_), duplex, max(1.0, beside / quiet))


class _Copies:
    """Both directions, each with a stream and a buffer on the device.

    They go through one pool as plans have it, half a pool apart: what comes in has gone out.
    """

    def __init__(self) -> None:
        self._device = [torch.empty(COPY_BYTES, dtype=torch.uint8, device="cuda") for _ in c.Direction]
        self._host = _buffers(_pool(torch.device("cuda", torch.cuda.current_device()), POOL_BYTES))
        self._next = [0, len(self._host) // 2]
        self._streams = [torch.cuda.Stream() for _ in c.Direction]

    def queue(self, direction: int, count: int) -> tuple[Any, Any]:
        """Events before and after so many copies.  They begin after what the current stream has done so far."""
        stream, device = self._streams[direction], self._device[direction]
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            begin = _mark()
            for _ in range(count):
                host = self._host[self._next[direction] % len(self._host)]
                self._next[direction] += 1
                to, source = (host, device) if direction == c.Direction.D2H else (device, host)
                to.copy_(source, non_blocking=True)
            return begin, _mark()

    def alone(self, direction: int) -> float:
        """Bytes per second of a direction while nothing else runs."""
        torch.cuda.synchronize()
        begin, after = self.queue(direction, COPIES)
        after.synchronize()
        return COPIES * COPY_BYTES / (begin.elapsed_time(after) / 1e3)


def _pool(device: torch.device, nbytes: int) -> Memory:
    """A pool of so many bytes, or of a half, a quarter... where the host can pin no more.  RuntimeFailed: not two buffers."""
    while True:
        try:
            return Memory(device, True, nbytes)
        except RuntimeFailed:
            nbytes //= 2
            if nbytes < 2 * COPY_BYTES:
                raise


def _buffers(pool: Memory) -> list[torch.Tensor]:
    """The pool in buffers of a copy each, as tensors of the host."""
    starts = range(pool.address, pool.address + pool.nbytes, COPY_BYTES)
    storages = [storage_at(torch.device("cpu"), start, COPY_BYTES, pool) for start in starts]
    return [torch.empty(0, dtype=torch.uint8).set_(storage) for storage in storages]


def _mark() -> Any:
    event = torch.cuda.Event(enable_timing=True)
    event.record()
    return event


def _mixture(ops: Sequence[Launch], ms: float) -> Iterator[Callable[[], None]]:
    """Launches of at least so many milliseconds, each op as often as in the step."""
    left, credit = ms * 1e3, [0.0] * len(ops)
    while left > 0:
        for k, (launch, us, share) in enumerate(ops):
            credit[k] += share
            if credit[k] >= 1:
                credit[k] -= 1
                left -= us
                yield launch


def _beside(ops: Sequence[Launch], copies: _Copies, directions: tuple[int, ...]) -> dict[int, float]:
    """The rate of each of these directions at once, while ops run all the time."""
    ms = WINDOW_MS
    while True:
        torch.cuda.synchronize()
        marks = {d: copies.queue(d, COPIES) for d in directions}
        for launch in _mixture(ops, ms):
            launch()
        end = _mark()
        torch.cuda.synchronize()
        if all(after.elapsed_time(end) >= 0 for _, after in marks.values()):
            return {d: COPIES * COPY_BYTES / (begin.elapsed_time(after) / 1e3) for d, (begin, after) in marks.items()}
        ms *= 2  # the ops took less than was thought


def _ops_ms(ops: Sequence[Launch], copies: _Copies, beside: bool) -> float:
    """Milliseconds of the same ops, without copies or while both directions copy all the time."""
    count = 4 * COPIES
    while True:
        torch.cuda.synchronize()
        begin = _mark()
        marks = [copies.queue(d, count) for d in c.Direction] if beside else []
        for launch in _mixture(ops, WINDOW_MS / 2):
            launch()
        end = _mark()
        torch.cuda.synchronize()
        if all(end.elapsed_time(after) >= 0 for _, after in marks):
            return begin.elapsed_time(end)
        count *= 2
