# SPDX-License-Identifier: Apache-2.0
"""verify.py - compares each op's inputs under a plan, bit by bit, with those of a step that keeps everything

The tape runs first on storages of its own, from copies of what the step finds, and every input leaves a digest; twice, and what
then differs from itself is not compared: sums of atomic operations, bytes that nobody has written.  Then the plan runs, and each
run of an op, a rerun as well, must find inputs of the same digests.
"""

from __future__ import annotations

import hashlib
from typing import Any

import torch

from . import generator, private, resident
from .executor import Call, Executor, describe
from .generator import Generator
from .homes import Resident
from .recording import Recording
from .tape import Entry, Leaf


class Differs(AssertionError):
    """Data of a step under a plan that is not the resident step's; the text names the op and the tensor."""


def digest(t: torch.Tensor) -> bytes:
    """Of the tensor's elements, bit by bit."""
    return hashlib.blake2b(private.data(t.detach().contiguous().cpu()), digest_size=16).digest()


class Verifier:
    """The resident step, run when the object is made; then an observer of the plan's runs."""

    def __init__(self, recording: Recording, residents: dict[int, Resident], executor: Executor) -> None:
        self._tape, self._executor, self._residents = recording.tape, executor, residents
        self._difference: str | None = None
        (self._digests, self._end), again = (self._resident(recording) for _ in range(2))
        self._unsteady = {key for key, value in self._digests.items() if again[0][key] != value}
        self._unsteady_end = {s for s, value in self._end.items() if again[1][s] != value}
        executor.observe = self._observe

    def _resident(self, recording: Recording) -> tuple[dict[tuple[int, int], bytes], dict[int, bytes]]:
        """Digests of the inputs of all ops, and of what the step leaves, with everything resident."""
        random = generator.state(recording.device_type)
        digests, end = _resident(recording, {s: r.storage.clone() for s, r in self._residents.items()})
        generator.set_state(recording.device_type, random)
        return digests, {s: digest(_bytes(end[s])) for s in self._residents}

    def close(self) -> None:
        self._executor.observe = None

    def _observe(self, instruction: int, call: Call) -> None:
        if self._difference is not None:
            return
        entry = self._tape.entries[call.op]
        for position in read_positions(entry):
            if call.arguments[position] is None or (call.op, position) in self._unsteady:
                continue
            if digest(call.arguments[position]) != self._digests[call.op, position]:
                leaf = entry.arguments[position]
                self._difference = (
                    f"instruction {instruction}, op {call.op}, {describe(entry)}: argument {position}, {list(leaf.size)} of "
                    f"{leaf.dtype} ({self._tape.storages[leaf.storage].kind} {leaf.storage}), is not the resident step's"
                )
                return

    def check(self) -> None:
        """Differs: the first op and tensor that differ."""
        for s, r in self._residents.items():
            if self._difference is None and s not in self._unsteady_end and digest(_bytes(r.storage)) != self._end[s]:
                self._difference = f"{self._tape.storages[s].kind} {s} of {r.nbytes} bytes differs after the step"
        if self._difference is not None:
            raise Differs(self._difference)


def _bytes(storage: torch.UntypedStorage) -> torch.Tensor:
    return torch.empty(0, dtype=torch.uint8, device=storage.device).set_(storage)


def read_positions(entry: Entry) -> list[int]:
    """The arguments that an op reads: not those that it only overwrites."""
    reads = set(entry.reads)
    return [
        k for k, a in enumerate(entry.arguments) if isinstance(a, Leaf) and a.storage in reads and not _overwrites(entry, k)
    ]


def _overwrites(entry: Entry, position: int) -> bool:
    return position == 0 and entry.name in ("copy_", "fill_", "zero_")


def _resident(
    recording: Recording, live: dict[int, torch.UntypedStorage]
) -> tuple[dict[tuple[int, int], bytes], dict[int, torch.UntypedStorage]]:
    """Runs all entries on storages of their own.  Returns the digests of their inputs, and the storages at the end."""
    digests: dict[tuple[int, int], bytes] = {}
    generator = Generator(recording.restores, recording.device_type)
    generator.begin()

    def before(i: int, entry: Entry, arguments: list[Any]) -> None:
        for position in read_positions(entry):
            digests[i, position] = digest(arguments[position])
        generator.before(i)
        torch.set_grad_enabled(i in recording.graded)

    resident.run(recording.tape, live, before, generator.after)
    return digests, live
