# SPDX-License-Identifier: Apache-2.0
"""The recorder: writes a training step down as a tape while it runs.

It stands below autograd, so that forward, backward and optimizer pass through it as aten calls with their final arguments.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from typing import Any

import torch

from . import allocator, compiled, hidden, private, shapes, work
from .errors import Refused
from .known import NO_VALUES, READS, decides
from .launches import Launches
from .living import alive
from .named import storage_names
from .scratch import Scratch
from .split import join, split
from .tape import PERSISTENT, Entry, Leaf, Storage, Tape, covers_storage
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


# Results that a captured step has on the GPU, and any other step on the host: the seed and the offset of random numbers.
_SEEDS = {"_scaled_dot_product_efficient_attention": (2, 3)}

CONSTANT = "constant"  # of a storage that the step finds and no module, optimizer or input owns

# Kinds of storages, by key; the reference keeps a key from being given again.
Kinds = dict[int, tuple[str, private.StorageWeakRef]]


class Recorder(private.TorchDispatchMode):
    """A dispatch mode that fills a tape.  device_type: "meta" for tensors without memory (ghost.py), else "cuda" or "cpu"."""

    def __init__(
        self,
        device_type: str,
        known: Kinds,
        where: Where,
        read: Callable[..., Any] = lambda *_: None,
        kernels_run: bool = True,
        watch: Launches | None = None,
    ) -> None:
        super().__init__()
        self._watch = watch
        self._span: Callable[[], Any] = watch.call if watch is not None else contextlib.nullcontext
        self._calls: list[int] = []  # of each entry: the calls that had begun
        self._kernels_run = kernels_run
        self._read = read  # of a value that does not depend on the step's data, for tensors without memory
        self._host: dict[int, private.StorageWeakRef] = {}  # storages of _SEEDS
        self._constant: set[int] = set()  # storages that depend on no data: positions, masks
        self.tape = Tape()
        self._device = device_type
        self._known = known
        self._names = storage_names(device_type)
        self._where = where
        # Storages of the step that no recorded call has written; whether none has made it either.
        self._unwritten: dict[int, bool] = {}
        self._ids: dict[int, int] = {}  # storage key -> id
        self._alive: list[private.StorageWeakRef] = []  # [id]: keeps the key from being given again

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None) -> Any:
        kwargs = kwargs or {}
        with private.without_torch_function(), self._span():
            parts = split(func, args, kwargs) if self._touches(args, kwargs) else None
            if parts is not None:
                return join([self._call(func, a, k) for a, k in parts])
            return self._call(func, args, kwargs)

    @classmethod
    def ignore_compile_internals(cls) -> bool:
        """The mode stays on around compiled code, whose kernels come by launch()."""
        return True

    def launch(self, kernel: compiled.Kernel, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Writes a launch of a compiled kernel down, and runs it."""
        with private.without_torch_function(), self._span():
            tensors = {i: t for i, t in enumerate(args) if self._ours(t)}
            flat, form = private.tree_flatten((args, kwargs))
            read = [t for i, t in tensors.items() if kernel.reads(i) or not covers_storage(t)]
            written = [t for i, t in tensors.items() if kernel.writes(i)]
            leaves = [self._leaf(a) if self._ours(a) else a for a in flat]
            scratch = Scratch() if self._measures else None
            result = kernel(*args, **kwargs) if self._kernels_run else None
            reads, writes = ([self._storage(t) for t in ts] for ts in (read, written))
            self._constant.difference_update(writes)
            entry = Entry(kernel, leaves, form, [], _once(reads), _once(writes))
            if scratch is not None:
                entry.requests, entry.workspace_bytes = scratch.end(())
            self._note(entry)
            return result

    # ---- one call ----

    def _touches(self, args: Any, kwargs: Any) -> bool:
        return any(self._ours(t) for t in private.tensors((args, kwargs)))

    def _ours(self, t: Any) -> bool:
        if not isinstance(t, torch.Tensor):
            return False
        return t.device.type == self._device or (t.dim() == 0 and private.storage_key(t.untyped_storage()) in self._host)

    def _call(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        name = func._schema.name.partition("::")[2]
        flat, form = private.tree_flatten((args, kwargs))
        ours = [t for t in flat if self._ours(t)]
        constant = torch.Tag.nondeterministic_seeded not in func.tags and all(self._is_constant(t) for t in ours)
        if func in READS and ours:
            value = func(*args, **kwargs) if constant and self._device != "meta" else self._read(func, args, kwargs)
            if value is not None:
                return value
            raise Refused(decides(self._line()))
        if not constant and shapes.depends_on_data(func, args):
            raise Refused(shapes.data_dependent(func))
        if func.namespace in ("c10d", "_c10d_functional"):
            raise Refused(f"{self._line()}: {func} exchanges data with another GPU; only the step of one GPU can be recorded")
        whole = self._overwritten(func, args, kwargs)
        # Ids before the call: it may change a storage that is older than the step.
        leaves = [self._leaf(a) if self._ours(a) else a for a in flat]
        scratch = Scratch() if self._measures else None
        result = self._run(func, args, kwargs)
        for i in _SEEDS.get(name, ()):
            storage = result[i].untyped_storage()
            self._host[private.storage_key(storage)] = private.StorageWeakRef(storage)
        made = self._made(result)
        for i in _SEEDS.get(name, ()):
            self.tape.storages[self._storage(result[i])].seed = True
        mutated = self._mutated(func, args, kwargs)
        untold, rerun = hidden.writes(func, args, kwargs)
        kept = _once([self._storage(t) for t in untold])
        if any(self.tape.storages[s].kind not in PERSISTENT for s in kept):
            mutated, kept, rerun = mutated + kept, [], []
        if constant:
            self._constant.update(leaf.storage for leaf in made)
        else:
            self._constant.difference_update(mutated)
        if not ours and flat and any(isinstance(a, torch.Tensor) for a in flat):
            for leaf in made:  # made of the host's data: the same in every step
                self._make_constant(leaf.storage, result.untyped_storage() if isinstance(result, torch.Tensor) else None)
            return result
        if name == "lift_fresh":  # of Python's numbers: torch.tensor()
            for leaf in (leaf for leaf in leaves if isinstance(leaf, Leaf) and leaf.storage in self._unwritten):
                self._make_constant(leaf.storage, result.untyped_storage())
        if name in NO_VALUES or not (made or mutated):
            return result
        reads = [leaf.storage for leaf, a in zip(leaves, flat, strict=False) if isinstance(leaf, Leaf) and id(a) not in whole]
        entry = Entry(func, leaves, form, made, _once(reads), _once([leaf.storage for leaf in made] + mutated))
        entry.hidden, entry.rerun = kept, rerun
        if scratch is not None:
            entry.requests, entry.workspace_bytes = scratch.end(self._addresses(result, made))
        entry.random = torch.Tag.nondeterministic_seeded in func.tags
        entry.flops = work.flops(func, args, kwargs, result)
        if torch.Tag.pointwise in func.tags:
            entry.inplace = _inplace(entry, self.tape.storages)
        self._note(entry)
        return result

    def _is_constant(self, t: torch.Tensor) -> bool:
        return self._ids.get(private.storage_key(t.untyped_storage())) in self._constant

    @property
    def _measures(self) -> bool:
        return self._kernels_run and (self._device == "cuda" or allocator.installed())

    def _run(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return func(*args, **kwargs)

    def _line(self) -> str:
        return self._where.now()[2] or "the step"

    def _leaf(self, t: torch.Tensor) -> Leaf:
        return Leaf.of(self._storage(t), t)

    def _storage(self, t: torch.Tensor) -> int:
        storage = t.untyped_storage()
        key = private.storage_key(storage)
        known = self._ids.get(key)
        if known is None:
            known = self._ids[key] = len(self.tape.storages)
            self._alive.append(private.StorageWeakRef(storage))
            if t.device.type == "cuda" and t.device.index != torch.cuda.current_device():
                raise Refused(f"{self._line()}: a tensor of {t.device}; only the step of one GPU can be recorded")
            kind = self._known.get(key, ("",))[0]
            name = self._names.get(key) if kind in PERSISTENT and kind != "input" else None
            self.tape.storages.append(Storage(storage.nbytes(), {"": "activation", CONSTANT: "state"}.get(kind, kind), name=name))
            if kind == CONSTANT:
                self.tape.constants[known] = storage
            elif not kind:
                self._unwritten[known] = True
        return known

    def _made(self, result: Any) -> list[Leaf]:
        """The leaves of storages that this call has made."""
        made: list[Leaf] = []
        for t in private.tensors(result):
            key = private.storage_key(t.untyped_storage()) if self._ours(t) else None
            if key is not None and key not in self._ids and key not in self._known:
                leaf = self._leaf(t)
                self._unwritten[leaf.storage] = False
                made.append(leaf)
        return made

    def _addresses(self, result: Any, made: list[Leaf]) -> list[int]:
        """Addresses of the storages that a call has made, in the order of its leaves."""
        storages = [t.untyped_storage() for t in private.tensors(result) if self._ours(t)]
        address = {self._ids.get(private.storage_key(s)): s.data_ptr() for s in storages}
        return [address[leaf.storage] for leaf in made]

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
            for t in private.tensors(value)
            if self._ours(t)
        ]

    def _overwritten(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> set[int]:
        """Ids of arguments that are written in every byte of their storage and not read."""
        whole = set()
        name = func._schema.name.partition("::")[2]
        for argument, value in self._arguments(func, args, kwargs):
            if not (argument.is_out or (name in _OVERWRITES and argument.name == "self")):
                continue
            for t in private.tensors(value):
                if self._ours(t) and covers_storage(t):
                    whole.add(id(t))
        return whole

    def _note(self, entry: Entry) -> None:
        entry.phase, entry.layer, entry.source = self._where.now()
        for s in [s for s in entry.reads if s in self._unwritten]:
            if s in entry.writes:  # in parts: there is nothing to be kept
                entry.reads.remove(s)
            elif self._unwritten[s]:
                raise Refused(
                    f"{self._line()}: {entry.name} reads a tensor that no recorded op has made: it comes from code that was "
                    "compiled before the recording (call torch._dynamo.reset() first), or from a kernel outside torch.library"
                )
            else:
                self._make_constant(s, None)  # memory as it was found
        for s in entry.writes:
            if self._unwritten.pop(s, None) is not None:
                self.tape.storages[s].first = len(self.tape.entries)
                self.tape.storages[s].kind = "activation" if entry.phase == "forward" else "gradient"
        self.tape.entries.append(entry)
        self._calls.append(self._watch.count if self._watch is not None else 0)

    def _make_constant(self, s: int, storage: torch.UntypedStorage | None) -> None:
        del self._unwritten[s]
        self.tape.storages[s].kind = "state"
        self.tape.constants[s] = storage

    def refuse(self, unexplained: list[tuple[str, int]]) -> None:
        """Refused: kernels ran on the GPU outside of all calls.  Each with the number of calls that had begun before."""
        if not unexplained:
            return
        name, calls = unexplained[0]
        after = [e for e, n in zip(self.tape.entries, self._calls, strict=True) if n <= calls]
        place = f"after {after[-1].name} ({after[-1].source or after[-1].layer})" if after else "at the beginning"
        others = {kernel for kernel, _ in unexplained} - {name}
        more = f" and {len(others)} more ({', '.join(sorted(others)[:3])})" if others else ""
        raise Refused(
            f"the kernel {name}{more} ran on the GPU {place}, and no op that was recorded launches it: register it by "
            "torch.library.custom_op, so that the recorder sees what it reads and writes"
        )

    def finish(self, unread_gradients: set[int]) -> Tape:
        """The tape.  What the step makes and keeps is a result, but a parameter's gradient that the next step drops."""
        for storage, held in zip(self.tape.storages, self._alive, strict=False):
            if storage.kind in ("activation", "gradient") and storage.first >= 0 and not held.expired():
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
        modules = alive(torch.nn.Module)
        for t in private.tree_flatten(list(inputs))[0]:
            add(t, "input")
        for module in modules:
            for parameter in module.parameters(recurse=False):
                add(parameter, "parameter")
        for optimizer in alive(torch.optim.Optimizer):
            for group in optimizer.param_groups:
                for parameter in group["params"]:
                    add(parameter, "parameter")
            for value in private.tree_flatten(list(optimizer.state.values()))[0]:
                add(value, "optimizer")
        for module in modules:
            for buffer in module.buffers(recurse=False):
                add(buffer, "state")
        for t in alive(torch.Tensor):
            add(t, CONSTANT)
    return kinds


def _gradients(device_type: str) -> Kinds:
    """Storages of all gradients that parameters hold."""
    found: Kinds = {}
    with private.without_torch_function():
        for t in (t for t in alive(torch.Tensor) if isinstance(t, torch.nn.Parameter)):
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
    kernels_run: bool = True,
) -> Tape:
    """Runs step(*inputs) warm_up times, so that optimizers have their state, and records the next run.

    kernels_run: false on a device without memory (unmapped.py).  Refused: a call that cannot be recorded, and kernels that ran on
    the GPU outside of all calls.
    """
    with compiled.launches(compiled.call if kernels_run else _skip):
        for _ in range(warm_up):
            step(*inputs)
    before = _gradients(device_type)
    watch = Launches() if device_type == "cuda" and kernels_run else None
    with Where() as where:
        recorder = Recorder(device_type, known_storages(inputs, device_type), where, read, kernels_run, watch)
        with watch or contextlib.nullcontext(), compiled.launches(recorder.launch), recorder:
            kept = step(*inputs)
    if watch is not None:
        recorder.refuse(watch.unexplained())
    # Gradients that the step found and did not read are dropped by it; so will be those that it leaves.
    reads = {s for e in recorder.tape.entries for s in e.reads}
    found_read = any(recorder._ids.get(key) in reads for key in before)
    after = set() if found_read else set(_gradients(device_type))
    tape = recorder.finish(after)
    del kept
    tape.name = name
    return tape


def _skip(*_: Any) -> None:
    return None
