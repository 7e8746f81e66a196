# SPDX-License-Identifier: Apache-2.0
"""A step on the GPU that is there, without its memory: tensors have addresses and no bytes, and nothing is launched.

PyTorch chooses kernels as always, torch.compile compiles as always, and every op gives shapes.  Compiled code is recorded
so: Inductor's kernels cannot run on tensors of another kind.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import torch

from . import allocator, private, shapes
from .errors import Refused
from .known import READS, Known, decides
from .where import user_line


class Unmapped(private.TorchDispatchMode):
    """Runs no call on the device: results have the right shapes.

    without_memory(): a context in which the device's allocator gives addresses only.
    """

    def __init__(self, device_type: str, without_memory: Callable[[], Any]) -> None:
        super().__init__()
        self.device_type = device_type
        self._without_memory = without_memory
        self.known = Known(device_type)

    @classmethod
    def ignore_compile_internals(cls) -> bool:
        return True

    @contextlib.contextmanager
    def building(self) -> Iterator[None]:
        """While a model is built, what is made without a device is the GPU's."""
        with torch.device(self.device_type):
            yield

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None) -> Any:
        kwargs = kwargs or {}
        call = _Call(self.device_type, self._storage)
        flat, form = private.tree_flatten((args, kwargs))
        fakes = [call.fake(a) for a in flat]
        if not call.on_device:
            return func(*args, **kwargs)
        if func in READS:
            raise Refused(decides(user_line() or "the step"))
        a, k = private.tree_unflatten(fakes, form)
        try:
            result = private.run_on_fakes(func, a, k)
        except NotImplementedError:
            result = shapes.own_arguments(func, a)
        return private.tree_map(call.result, result)

    def _storage(self, count: int) -> torch.UntypedStorage:
        with self._without_memory():
            return torch.empty(count, dtype=torch.uint8, device=self.device_type).untyped_storage()


class _Call:
    """The arguments of one call as fake tensors, and its results back on the device; what shares a storage goes on sharing it."""

    def __init__(self, device_type: str, storage: Callable[[int], torch.UntypedStorage]) -> None:
        self.on_device = False
        self._device = device_type
        self._storage = storage
        self._fakes: dict[int, torch.UntypedStorage] = {}  # by the key of the device's storage
        self._storages: dict[int, torch.UntypedStorage] = {}  # by the key of the fake's
        self._tensors: dict[int, torch.Tensor] = {}  # by the fake's id
        self._kept: list[Any] = []  # fakes, whose ids and keys are not to be given again

    def fake(self, a: Any) -> Any:
        if isinstance(a, torch.device) and a.type == self._device:
            self.on_device = True
        if not isinstance(a, torch.Tensor) or a.device.type != self._device:
            return a
        self.on_device = True
        storage = a.untyped_storage()
        key = private.storage_key(storage)
        if key not in self._fakes:
            self._fakes[key] = torch.UntypedStorage(storage.nbytes(), device="meta")
            self._storages[private.storage_key(self._fakes[key])] = storage
        t = torch.empty(0, dtype=a.dtype, device="meta").set_(self._fakes[key], a.storage_offset(), a.size(), a.stride())
        fake = private.fake(t, a.device)
        self._tensors[id(fake)] = a
        self._kept.append(fake)
        return fake

    def result(self, t: Any) -> Any:
        if not private.is_fake(t) or t.device.type != self._device:
            return t
        if id(t) in self._tensors:
            return self._tensors[id(t)]
        fake = t.untyped_storage()
        storage = self._storages.get(private.storage_key(fake))
        if storage is None:
            storage = self._storages[private.storage_key(fake)] = self._storage(fake.nbytes())
        made = torch.empty(0, dtype=t.dtype, device=self._device).set_(storage, t.storage_offset(), t.size(), t.stride())
        self._tensors[id(t)] = made
        self._kept += [t, fake]
        return made


@contextlib.contextmanager
def unmapped() -> Iterator[Unmapped]:
    """Within it the GPU has no memory.  Modules, inputs and optimizers are to be made inside, or moved in by adopt()."""
    allocator.install()
    mode = Unmapped("cuda", allocator.without_memory)

    def graph_runs(call: Callable[[], Any]) -> Any:
        with allocator.without_memory():
            return call()

    with private.compiled_graph_calls(graph_runs), private.initial_values_are_left_out(), mode, mode.known:
        yield mode
