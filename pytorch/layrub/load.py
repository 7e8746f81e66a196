# SPDX-License-Identifier: Apache-2.0
"""load.py - the link while the step's own ops run, and the ops while both directions copy

Copies are slower beside ops that use the GPU's memory, so a plan that counts on the idle link has its copies late.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from . import _binding as c

COPY_BYTES = 32 << 20
WITHOUT_A_CURVE = (1 << 16, 1 << 28)  # bytes of the points by which a loaded curve is given then
COPIES = 16  # one way, of a measurement
WINDOW_MS = 40.0  # of ops: longer than both directions take at 27 GB/s
ROUNDS = 5  # the median counts

# An op: launches it, its microseconds, and its share of the step's launches of its kind (at most 1).
Launch = tuple[Callable[[], None], float, float]


@dataclass(frozen=True)
class Load:
    """rates: bytes per second beside ops, by direction.  duplex: of both directions together.  contention: as in a device."""

    rates: tuple[float, float]
    duplex: float
    contention: float

    def on(self, device: c.Device) -> c.Device:
        """The device with this load on its link."""
        contention = (self.contention, *(0.0 for _ in device.contention[1:]))  # the first is that of every class
        links = tuple(_loaded(link, rate) for link, rate in zip(device.link, self.rates, strict=True))
        return replace(device, link=links, duplex_bytes_per_s=self.duplex, contention=contention)


def _loaded(link: c.Link, rate: float) -> c.Link:
    """The link with a curve for copies beside ops: the bytes move at this rate where that is slower."""
    more = max(0.0, 1e6 / rate - 1e6 / link.bytes_per_s)  # microseconds a byte
    alone = link.points or tuple(c.CurvePoint(b, link.latency_us + b * 1e6 / link.bytes_per_s) for b in WITHOUT_A_CURVE)
    return replace(link, loaded=tuple(replace(p, time_us=p.time_us + more * p.bytes) for p in alone))


def measure(ops: Sequence[Launch]) -> Load:
    """Runs the ops in the mixture of the step, and copies beside them."""
    copies = _Copies()
    out, in_ = (statistics.median(_beside(ops, copies, (d,))[d] for _ in range(ROUNDS)) for d in c.Direction)
    both = [_beside(ops, copies, tuple(c.Direction)) for _ in range(ROUNDS)]
    duplex = statistics.median(sum(rates.values()) for rates in both)
    alone = statistics.median(_ops_ms(ops, copies, False) for _ in range(ROUNDS))
    beside = statistics.median(_ops_ms(ops, copies, True) for _ in range(ROUNDS))
    return Load((out, in_), duplex, max(1.0, beside / alone))


class _Copies:
    """Both directions, each with a stream and two buffers."""

    def __init__(self) -> None:
        device = [torch.empty(COPY_BYTES, dtype=torch.uint8, device="cuda") for _ in c.Direction]
        host = [torch.empty(COPY_BYTES, dtype=torch.uint8, pin_memory=True) for _ in c.Direction]
        self._buffers = ((host[0], device[0]), (device[1], host[1]))  # to, from
        self._streams = [torch.cuda.Stream() for _ in c.Direction]

    def queue(self, direction: int, count: int) -> tuple[Any, Any]:
        """Events before and after so many copies.  They begin after what the current stream has done so far."""
        stream, (to, source) = self._streams[direction], self._buffers[direction]
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            begin = _mark()
            for _ in range(count):
                to.copy_(source, non_blocking=True)
            return begin, _mark()


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
