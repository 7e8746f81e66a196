# SPDX-License-Identifier: Apache-2.0
"""fit.py - the largest size of a step that fits: its batch, or any other number that its function takes

Every size that is tried is recorded anew.  Needs of memory grow almost linearly with a size, so that few sizes are tried.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import layrub

FINE = 32  # sizes are searched to one part in this; for plans, which take longer, to one in COARSE
COARSE = 16
ROUND = 64  # sizes above are multiples of 8, as kernels want them


@dataclass(frozen=True)
class Tried:
    """One size of the step.  plan: None if there is none, or none was asked for; why: what is missing then."""

    size: int
    needs: layrub.Needs
    plan: layrub.Figures | None = None
    why: str = ""

    @property
    def over(self) -> float:
        """Share by which the plan's step is longer than with everything resident."""
        return self.plan.step_time_us / self.plan.ideal_time_us - 1 if self.plan is not None else 0.0


class Fit:
    """problem: opens the step of a size.  plan: keywords of Problem.plan().  say: is told what goes on."""

    def __init__(
        self,
        problem: Callable[[int], layrub.Problem],
        plan: dict[str, object],
        say: Callable[[str], None] = lambda line: None,
        slowdown: float = 0.25,
        most: int = 1 << 16,
    ) -> None:
        self._problem, self._options, self._say = problem, plan, say
        self.slowdown, self.most = slowdown, most
        self._needs: dict[int, layrub.Needs] = {}

    def limit(self, needs: layrub.Needs) -> int:
        return int(self._options.get("budget_bytes", 0)) or needs.device_bytes

    def needs(self, size: int) -> layrub.Needs:
        """Memory and time of a size with everything resident."""
        if size not in self._needs:
            self._say(f"recording {size}")
            with self._problem(size) as problem:
                self._needs[size] = problem.needs
        return self._needs[size]

    def planned(self, size: int) -> Tried:
        """A size by a plan."""
        self._say(f"recording {size}")
        with self._problem(size) as problem:
            needs = self._needs[size] = problem.needs
            if needs.bound_bytes > self.limit(needs):
                return Tried(size, needs, why="no plan can be that small")
            self._say(f"planning {size}")
            try:
                with problem.plan(progress=lambda line: self._say(f"planning {size}: {line}"), **self._options) as plan:
                    return Tried(size, needs, plan.figures)
            except layrub.LayrubError as e:
                if e.code != layrub.Code.INFEASIBLE:
                    raise
                return Tried(size, needs, why=e.text)

    def largest_resident(self) -> Tried | None:
        """The largest size that fits without a plan; None: not even 1."""
        size = self._below(lambda n: self.needs(n).peak_bytes)
        return Tried(size, self.needs(size)) if size else None

    def largest_planned(self, resident: int) -> Tried | None:
        """The largest size whose plan is at most slowdown slower than with everything resident; None: none above resident."""
        found, low = None, resident
        high = self._below(lambda n: self.needs(n).bound_bytes, low) + 1
        tried = min(high - 1, max(1, 2 * low))
        while high - low > max(1, low // COARSE) and low < tried < high:
            answer = self.planned(tried)
            if answer.plan is not None and answer.over <= self.slowdown:
                found, low = answer, tried
            else:
                high = tried
            tried = _rounded((low + high) // 2 if high < 4 * max(1, low) else 2 * max(1, low), low, high)
        return found

    def _below(self, bytes_of: Callable[[int], int], low: int = 0) -> int:
        """The largest size whose bytes fit into the device: between two sizes the bytes are taken for a straight line."""
        known = {n: bytes_of(n) for n in {max(1, low), max(1, low) + 1}}
        limit, high = self.limit(self.needs(max(1, low))), self.most + 1
        while True:
            low = max([low, *(n for n, b in known.items() if b <= limit)])
            high = min([high, *(n for n, b in known.items() if b > limit)])
            if high - low <= max(1, low // FINE):
                return low
            a, b = sorted(known, key=lambda n: abs(known[n] - limit))[:2]
            slope = (known[b] - known[a]) / (b - a)
            guess = a + int((limit - known[a]) / slope) if slope > 0 else high - 1
            guess = _rounded(min(max(guess, low + 1), high - 1), low, high)
            if guess in known:
                guess = (low + high) // 2
            known[guess] = bytes_of(guess)


def _rounded(size: int, low: int, high: int) -> int:
    """A multiple of 8 where there is one between low and high."""
    down = size - size % 8
    return down if size > ROUND and low < down < high else size
