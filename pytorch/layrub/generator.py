# SPDX-License-Identifier: Apache-2.0
"""generator.py - the state of random numbers, where Python sets it back in the middle of a step

A checkpointed block with dropout draws its numbers a second time: Python restores the state that forward began with, and puts
the later state back afterwards.  Under a plan Python does not run, so the executor does the same.
"""

from __future__ import annotations

from typing import Any

import torch

from . import private
from .errors import Refused

# A moment of the step: ("begin", -1), or before or after an entry.
Moment = tuple[str, int]
END = -2  # in place of an entry: the end of the step


def state(device_type: str) -> torch.Tensor:
    return torch.cuda.get_rng_state() if device_type == "cuda" else torch.get_rng_state()


def set_state(device_type: str, state: torch.Tensor) -> None:
    (torch.cuda.set_rng_state if device_type == "cuda" else torch.set_rng_state)(state)


class Chain:
    """Follows a recorded step.  restores: before which entries the state is set back, and to that of which moment."""

    def __init__(self, device_type: str) -> None:
        self._device_type = device_type
        self._last = self._now()
        self._seen: dict[bytes, Moment] = {self._last: ("begin", -1)}
        self.restores: dict[int, Moment] = {}

    def _now(self) -> bytes:
        return private.data(state(self._device_type))

    def before(self, entry: int, line: str) -> None:
        """Refused: the state is none that the step has had."""
        now = self._now()
        if now != self._last:
            if now not in self._seen:
                raise Refused(f"{line}: the step seeds the generator of random numbers; seed it outside")
            self.restores[entry] = self._seen[now]
        self._seen.setdefault(now, ("before", entry))
        self._last = now

    def after(self, entry: int) -> None:
        self._last = self._now()
        self._seen.setdefault(self._last, ("after", entry))


class Generator:
    """Does in each step what Python did in the recorded one."""

    def __init__(self, restores: dict[int, Moment], device_type: str) -> None:
        self._restores, self._device_type = restores, device_type
        self._wanted = set(restores.values())
        self._states: dict[Moment, Any] = {}

    def __bool__(self) -> bool:
        return bool(self._restores)

    def begin(self) -> None:
        self._keep(("begin", -1))

    def before(self, entry: int) -> None:
        moment = self._restores.get(entry)
        if moment is not None:
            set_state(self._device_type, self._states[moment])
        self._keep(("before", entry))

    def after(self, entry: int) -> None:
        self._keep(("after", entry))

    def _keep(self, moment: Moment) -> None:
        if moment in self._wanted:
            self._states[moment] = state(self._device_type)
