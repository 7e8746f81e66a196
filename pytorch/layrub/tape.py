# SPDX-License-Identifier: Apache-2.0
"""The tape: one training step as a list of calls over storages.

A storage is one piece of device memory, a tensor of the graph.  Views need no entry: every argument says where it lies in its
storage.

Batch norm updates its running statistics without a word in its schema.  An op that writes a persistent tensor cannot be run
again in a graph, and batch norm is what one wants to run again.  So the graph has the statistics as inputs only, and the entry
lists them as hidden: whoever runs a plan leaves these storages where they are (a plan may think its copy of them current), and
runs the entry again by rerun_arguments(), which leave the statistics as they are.  Statistics that the step itself makes are
outputs as usual.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch

from .requests import Asked

PERSISTENT = ("parameter", "state", "optimizer", "input")


@dataclass(slots=True)
class Leaf:
    """A tensor argument: the place in its storage, in elements of dtype."""

    storage: int
    dtype: torch.dtype
    size: tuple[int, ...]
    stride: tuple[int, ...]
    offset: int

    @classmethod
    def of(cls, storage: int, t: torch.Tensor) -> Leaf:
        return cls(storage, t.dtype, tuple(t.shape), tuple(t.stride()), t.storage_offset())

    def over(self, storage: torch.UntypedStorage) -> torch.Tensor:
        """The tensor over a storage of its own device."""
        return torch.empty(0, dtype=self.dtype, device=storage.device).set_(storage, self.offset, self.size, self.stride)

    def fits(self, t: torch.Tensor) -> bool:
        """Whether the tensor looks like this one, in whatever storage."""
        return Leaf.of(self.storage, t) == self

    @property
    def extent_bytes(self) -> int:
        """Bytes that an op touches when it reads or writes every element once."""
        n = 1
        for size, stride in zip(self.size, self.stride, strict=False):
            n *= size if stride != 0 else min(size, 1)
        return n * self.dtype.itemsize


@dataclass(slots=True)
class Storage:
    bytes: int
    kind: str = "activation"  # a tensor kind of a layrub graph
    first: int = -1  # the entry that writes it first; -1: it is older than the step
    name: str | None = None  # by which graphs of other steps know it
    seed: bool = False  # of random numbers: on the GPU in a captured step, on the host in any other


@dataclass(slots=True)
class Entry:
    """One call: a function with its arguments, tensors replaced by leaves."""

    function: Any
    arguments: list[Any]  # flattened
    form: Any  # of arguments, for tree_unflatten
    results: list[Leaf]  # new storages only
    reads: list[int]  # storages, each once
    writes: list[int]
    phase: str = "forward"
    layer: str | None = None
    source: str | None = None  # "file.py:12"
    random: bool = False
    flops: float = 0.0
    workspace_bytes: int = 0
    time_us: float | None = None
    inplace: list[tuple[int, int]] = field(default_factory=list)  # an output may take an input's bytes
    requests: list[Asked] | None = None  # of the allocator, in the order of the call; None: not known
    hidden: list[int] = field(default_factory=list)  # persistent storages, read and written; not in writes
    rerun: list[tuple[int, Any]] = field(default_factory=list)  # positions in arguments, and what stands there in a rerun

    @property
    def name(self) -> str:
        return op_name(self.function)

    def rerun_arguments(self) -> list[Any]:
        """Arguments, flattened, by which the entry runs a second time: the same results, and no hidden write."""
        arguments = list(self.arguments)
        for position, value in self.rerun:
            arguments[position] = value
        return arguments

    def leaves(self) -> list[Leaf]:
        """All tensors that the call touches, arguments first."""
        return [a for a in self.arguments if isinstance(a, Leaf)] + self.results


@dataclass
class Tape:
    name: str = "step"
    storages: list[Storage] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    constants: dict[int, Any] = field(default_factory=dict)  # storages that the step finds and no module, optimizer or input owns
    notes: list[str] = field(default_factory=list)  # what the recording had to assume
    unknown: list[str] = field(default_factory=list)  # numbers that it did not know; such a tape gives sizes, and cannot be run

    def stay(self) -> set[int]:
        """Storages that a plan must not move: those of hidden writes."""
        return {s for entry in self.entries for s in entry.hidden}

    def take_out(self) -> set[int]:
        """Takes the storages of hidden writes, a few bytes a channel, out of what entries read and write, and returns them.

        They stay outside of the plan, in memory of their own.  Other ops on them must not run again, for they would find later
        values.
        """
        stay = self.stay()
        for entry in self.entries:
            if not entry.hidden and stay.intersection([*entry.reads, *entry.writes]):
                entry.random = True
            entry.reads = [s for s in entry.reads if s not in stay]
            entry.writes = [s for s in entry.writes if s not in stay]
        return stay


def covers_storage(t: torch.Tensor) -> bool:
    """Whether the tensor has every byte of its storage once."""
    if t.numel() * t.element_size() != t.untyped_storage().nbytes():
        return False
    expected = 1
    for stride, size in sorted((stride, size) for stride, size in zip(t.stride(), t.shape, strict=False) if size != 1):
        if stride != expected:
            return False
        expected *= size
    return True


def op_name(function: Any) -> str:
    """`aten.add_.Tensor` is add_; ops of other libraries keep their namespace."""
    if isinstance(function, torch._ops.OpOverload):
        space, _, name = function._schema.name.partition("::")
        return name if space == "aten" else f"{space}.{name}"
    return getattr(function, "__name__", str(function))
