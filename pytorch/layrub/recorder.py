# SPDX-License-Identifier: Apache-2.0
"""The recorder: writes a training step down as a tape while it runs.

It stands below autograd, so that forward, backward and optimizer pass through it as aten calls with their final arguments.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable
from typing import Any

import torch

from . import private, requests, work
from .errors import Refused
from .known import NO_VALUES, READS
from .split import join, split
from .tape import Entry, Leaf, Storage, Tape, covers_storage
from .where import Where

# Ops in place that use nothing of what they overwrite.
_OVERWRITES = (
    "copy_",
    "fill_",
    "zero_",
    "normal_",
    "uniform_",
    "bernoulli_",
    "random_",
    "exponential_",
    "log_normal_",
    "geometric_",
    "cauchy_",
)


# Results that CUDA leaves on the host outside of a captured step: the seed and the offset of random numbers.
_HOST_RESULTS = {"_scaled_dot_product_efficient_attention": (2, 3)}

# Kinds of storages, by key; the reference keeps a key from being given again.
Kinds = dict[int, tuple[str, private.StorageWeakRef]]


class Scratch:
    """Bytes that an op takes from PyTorch's allocator and gives back before it returns; ours notes them itself (requests.py)."""

    def __init__(self) -> None:
        if not requests.installed():
            torch.cuda.reset_peak_memory_stats()

    def bytes(self) -> int:
        if requests.installed():
            return 0
        return max(0, torch.cuda.max_memory_allocated() - torch.cuda.memory_allocated())


class Recorder(private.TorchDispatchMode):
    """A dispatch mode that fills a tape.  device_type: "meta" for tensors without memory (ghost.py), else "cuda" or "cpu"."""

    def __init__(self, device_type: str, known: Kinds, where: Where, read: Callable[..., Any] = lambda *_: None) -> None:
        super().__init__()
        self._read = read  # of a value that does not depend on the step's data, for tensors without memory
        self._host: dict[int, private.StorageWeakRef] = {}  # storages of _HOST_RESULTS
        self._constant: set[int] = set()  # storages that depend on no data: positions, masks
        self.tape = Tape()
        self._device = device_type
        self._known = known
        self._where = where
        self._ids: dict[int, int] = {}  # storage key -> id
        self._alive: list[private.StorageWeakRef] = []  # [id]: keeps the key from being given again

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None) -> Any:
        kwargs = kwargs or {}
        with private.without_torch_function():
            parts = split(func, args, kwargs) if self._touches(args, kwargs) else None
            if parts is not None:
                return join([self._call(func, a, k) for a, k in parts])
            return self._call(func, args, kwargs)

    # ---- one call ----

    def _touches(self, args: Any, kwargs: Any) -> bool:
        return any(self._ours(t) for t in private.tree_flatten((args, kwargs))[0])

    def _ours(self, t: Any) -> bool:
        if not isinstance(t, torch.Tensor) or t.device.type != self._device:
            return False
        return t.dim() > 0 or private.storage_key(t.untyped_storage()) not in self._host

    def _call(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        name = func._schema.name.partition("::")[2]
        flat, form = private.tree_flatten((args, kwargs))
        ours = [t for t in flat if self._ours(t)]
        constant = torch.Tag.nondeterministic_seeded not in func.tags and all(self._is_constant(t) for t in ours)
        if func in READS and ours:
            value = func(*args, **kwargs) if constant and self._device != "meta" else self._read(func, args, kwargs)
            if value is not None:
                return value
            raise Refused(f"{self._line()}: the step reads a value from the GPU (.item(), bool() or int() of a tensor)")
        whole = self._overwritten(func, args, kwargs)
        # Ids before the call: it may change a storage that is older than the step.
        leaves = [self._leaf(a) if self._ours(a) else a for a in flat]
        scratch = Scratch() if self._device == "cuda" else None
        result = self._run(func, args, kwargs, ours)
        for i in _HOST_RESULTS.get(name, ()):
            storage = result[i].untyped_storage()
            self._host[private.storage_key(storage)] = private.StorageWeakRef(storage)
        made = self._made(result)
        mutated = self._mutated(func, args, kwargs)
        if constant:
            self._constant.update(leaf.storage for leaf in made)
        else:
            self._constant.difference_update(mutated)
        if not ours and flat and any(isinstance(a, torch.Tensor) for a in flat):
            for leaf in made:  # made of the host's data: the same in every step
                self.tape.storages[leaf.storage].kind = "state"
                self.tape.constants[leaf.storage] = result.untyped_storage() if isinstance(result, torch.Tensor) else None
            return result
        if name in NO_VALUES or not (made or mutated):
            return result
        reads = [leaf.storage for leaf, a in zip(leaves, flat, strict=False) if isinstance(leaf, Leaf) and id(a) not in whole]
        entry = Entry(func, leaves, form, made, _once(reads), _once([leaf.storage for leaf in made] + mutated))
        entry.workspace_bytes = scratch.bytes() if scratch is not None else 0
        self._note(entry, args, kwargs, result)
        return result

    def _is_constant(self, t: torch.Tensor) -> bool:
        return self._ids.get(private.storage_key(t.untyped_storage())) in self._constant

    def _run(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], ours: list[torch.Tensor]) -> Any:
        try:
            return func(*args, **kwargs)
        except NotImplementedError:
            if self._device != "meta":
                raise
            returns = func._schema.returns
            if all(r.alias_info is not None and r.alias_info.is_write for r in returns):  # no result but its arguments
                return args[0] if len(returns) == 1 else (None if not returns else tuple(args[: len(returns)]))
            raise Refused(f"{self._line()}: PyTorch has no rule for the shapes of {func} without running it") from None

    def _line(self) -> str:
        return self._where.now()[2] or "the step"

    def _leaf(self, t: torch.Tensor) -> Leaf:
        return Leaf(self._storage(t), t.dtype, tuple(t.shape), tuple(t.stride()), t.storage_offset())

    def _storage(self, t: torch.Tensor) -> int:
        storage = t.untyped_storage()
        key = private.storage_key(storage)
        known = self._ids.get(key)
        if known is None:
            known = self._ids[key] = len(self.tape.storages)
            self._alive.append(private.StorageWeakRef(storage))
            kind = self._known.get(key, (None,))[0]
            if kind is None:  # made before the call that reads it, or by a call of its own, which _made() then says
                self.tape.constants[known] = storage
            self.tape.storages.append(Storage(storage.nbytes(), kind or "state"))
        return known

    def _made(self, result: Any) -> list[Leaf]:
        """The leaves of storages that this call has made."""
        made: list[Leaf] = []
        for t in private.tree_flatten(result)[0]:
            if self._ours(t) and private.storage_key(t.untyped_storage()) not in self._ids:
                leaf = self._leaf(t)
                self.tape.storages[leaf.storage].kind = "activation"
                del self.tape.constants[leaf.storage]
                made.append(leaf)
        return made

    def _arguments(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Iterable[tuple[Any, Any]]:
        for argument, value in zip(func._schema.arguments, args, strict=False):
            yield argument, value
        for argument in func._schema.arguments[len(args) :]:
            if argument.name in kwargs:
                yield argument, kwargs[argument.name]

    def _mutated(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[int]:
        return [
            self._storage(t)
            for argument, value in self._arguments(func, args, kwargs)
            if argument.alias_info is not None and argument.alias_info.is_write
            for t in private.tree_flatten(value)[0]
            if self._ours(t)
        ]

    def _overwritten(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> set[int]:
        """Ids of arguments that are written in every byte of their storage and not read."""
        whole = set()
        name = func._schema.name.partition("::")[2]
        for argument, value in self._arguments(func, args, kwargs):
            if not (argument.is_out or (name in _OVERWRITES and argument.name == "self")):
                continue
            for t in private.tree_flatten(value)[0]:
                if self._ours(t) and covers_storage(t):
                    whole.add(id(t))
        return whole

    def _note(self, entry: Entry, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> None:
        entry.phase, entry.layer, entry.source = self._where.now()
        entry.random = torch.Tag.nondeterministic_seeded in entry.function.tags
        entry.flops = work.flops(entry.function, args, kwargs, result)
        if torch.Tag.pointwise in entry.function.tags:
            entry.inplace = _inplace(entry, self.tape.storages)
        for s in entry.writes:
            if self.tape.storages[s].first < 0 and self.tape.storages[s].kind in ("activation", "gradient"):
                self.tape.storages[s].first = len(self.tape.entries)
                self.tape.storages[s].kind = "activation" if entry.phase == "forward" else "gradient"
        self.tape.entries.append(entry)

    def finish(self, unread_gradients: set[int]) -> Tape:
        """The tape.  What the step makes and keeps is a result, but a parameter's gradient that the next step drops."""
        for storage, alive in zip(self.tape.storages, self._alive, strict=False):
            if storage.kind in ("activation", "gradient") and storage.first >= 0 and not alive.expired():
                storage.kind = "result"
        for key in unread_gradients:
            s = self._ids.get(key)
            if s is not None and self.tape.storages[s].kind == "result":
                self.tape.storages[s].kind = "gradient"
        return self.tape


def _once(ids: list[int]) -> list[int]:
    return list(dict.fromkeys(ids))


def _inplace(entry: Entry, storages: list[Storage]) -> list[tuple[int, int]]:
    """Pairs (input, output): an elementwise op may write the output over an input of the same layout."""
    if len(entry.results) != 1:
        return []
    out = entry.results[0]
    layout = (out.dtype, out.size, out.stride, out.offset)
    return [
        (a.storage, out.storage)
        for a in entry.arguments
        if isinstance(a, Leaf)
        and a.storage not in entry.writes
        and (a.dtype, a.size, a.stride, a.offset) == layout
        and storages[a.storage].bytes == storages[out.storage].bytes
        and sum(isinstance(b, Leaf) and b.storage == a.storage for b in entry.arguments) == 1
    ][:1]


# ---- the tensors that are older than the step ----


def known_storages(inputs: Iterable[Any], device_type: str) -> Kinds:
    """Kinds of all persistent storages, by key: parameters, buffers, optimizer state and inputs."""
    kinds: Kinds = {}

    def add(t: Any, kind: str) -> None:
        if isinstance(t, torch.Tensor) and t.device.type == device_type:
            storage = t.untyped_storage()
            kinds.setdefault(private.storage_key(storage), (kind, private.StorageWeakRef(storage)))

    with private.without_torch_function():
        objects = gc.get_objects()
        for t in private.tree_flatten(list(inputs))[0]:
            add(t, "input")
        for module in (o for o in objects if issubclass(type(o), torch.nn.Module)):
            for parameter in module.parameters(recurse=False):
                add(parameter, "parameter")
        for optimizer in (o for o in objects if issubclass(type(o), torch.optim.Optimizer)):
            for group in optimizer.param_groups:
                for parameter in group["params"]:
                    add(parameter, "parameter")
            for value in private.tree_flatten(list(optimizer.state.values()))[0]:
                add(value, "optimizer")
        for module in (o for o in objects if issubclass(type(o), torch.nn.Module)):
            for buffer in module.buffers(recurse=False):
                add(buffer, "state")
    return kinds


def _gradients(device_type: str) -> Kinds:
    """Storages of all gradients that parameters hold."""
    found: Kinds = {}
    with private.without_torch_function():
        for t in (o for o in gc.get_objects() if issubclass(type(o), torch.nn.Parameter)):
            if t.grad is not None and t.device.type == device_type:
                storage = t.grad.untyped_storage()
                found[private.storage_key(storage)] = ("gradient", private.StorageWeakRef(storage))
    return found


def record(
    step: Callable[..., Any],
    inputs: tuple[Any, ...],
    device_type: str = "cuda",
    name: str = "step",
    warm_up: int = 1,
    read: Any = lambda *_: None,
) -> Tape:
    """Runs step(*inputs) warm_up times, so that optimizers have their state, and records the next run."""
    for _ in range(warm_up):
        step(*inputs)
    before = _gradients(device_type)
    with Where() as where:
        recorder = Recorder(device_type, known_storages(inputs, device_type), where, read)
        with recorder:
            kept = step(*inputs)
    # Gradients that the step found and did not read are dropped by it; so will be those that it leaves.
    reads = {s for e in recorder.tape.entries for s in e.reads}
    found_read = any(recorder._ids.get(key) in reads for key in before)
    after = set() if found_read else set(_gradients(device_type))
    tape = recorder.finish(after)
    del kept
    tape.name = name
    return tape
