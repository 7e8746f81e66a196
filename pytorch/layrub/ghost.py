# SPDX-License-Identifier: Apache-2.0
"""Tensors without memory: a step is recorded that no machine here could hold, and without a GPU.

Tensors of the GPU are `meta` tensors, so that every op gives shapes and nothing is allocated or calculated.  To Python code
they look like tensors on "cuda:0".  What PyTorch decides by the real device is decided here as CUDA does it: automatic mixed
precision, the kernels of attention and batch norm, dropout in one op, and calls over lists of tensors.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator
from types import FunctionType
from typing import Any
from unittest import mock

import torch
import torch.nn.functional as F
from torch.overrides import TorchFunctionMode

from . import kernels, private
from .attention import Attention
from .autocast import Autocast
from .errors import Refused
from .gpu import Gpu
from .known import Known, Unknown
from .where import user_line

# Factories; from LARGE elements on, what they make without a device has no memory either, so that a model is built that the
# host cannot hold.
_FACTORIES = (torch.empty, torch.zeros, torch.ones, torch.full, torch.rand, torch.randn)
LARGE = 1 << 12

_CUDA = torch.device("cuda", 0)
_META = torch.device("meta")


def _is_ghost(t: Any) -> bool:
    return isinstance(t, torch.Tensor) and t.device.type == "meta"


def _on_gpu(args: tuple[Any, ...]) -> bool:
    with private.without_torch_function():
        return bool(args) and _is_ghost(args[0])


def _to_meta(device: Any) -> Any:
    if device is None:
        return None
    wanted = torch.device("cuda", device) if isinstance(device, int) else torch.device(device)
    if wanted.type != "cuda":
        return device
    if wanted.index:
        raise Refused(f"{user_line()}: {wanted} is a second GPU; only the step of one GPU can be recorded")
    return _META


def _elements(args: tuple[Any, ...], kwargs: dict[str, Any]) -> int:
    size = kwargs.get("size", args[0] if args and not isinstance(args[0], int) else args)
    return math.prod(size) if all(isinstance(n, int) for n in size) else 0


class Ghost(TorchFunctionMode):
    """Makes calls on the GPU calls on `meta`, and `meta` look like the GPU."""

    def __init__(self, gpu: Gpu, attention: str | None = None) -> None:
        super().__init__()
        self.gpu = gpu
        self.autocast = Autocast()
        self.attention = Attention(gpu, attention)
        self.known = Known()
        self.unknown: set[str] = set()  # lines for the tape's `unknown`
        self.is_building = False
        self._special: dict[Any, Callable[..., Any]] = {
            torch.Tensor.device.__get__: lambda t: _CUDA if t.device == _META else t.device,
            torch.Tensor.is_cuda.__get__: lambda t: t.is_meta or t.is_cuda,
            torch.Tensor.is_meta.__get__: lambda t: False,
            torch.Tensor.get_device: lambda t: 0 if t.is_meta else t.get_device(),
            torch.Tensor.cuda: self._cuda,
            torch.Tensor.pin_memory: lambda t, *_a, **_k: t,
            torch.Tensor.record_stream: lambda t, *_a, **_k: None,
            torch.Tensor.item: self._item,
            torch.Tensor.__float__: self._float,
            torch.Tensor.__bool__: lambda t: bool(self._value(t)),
            torch.Tensor.__int__: lambda t: int(self._value(t)),
            torch.Tensor.__index__: lambda t: int(self._value(t)),
            torch.Tensor.tolist: self._tolist,
            torch.Tensor.__format__: lambda t, spec: format(self._item(t), spec) if t.dim() == 0 else object.__format__(t, spec),
            torch.Tensor.cpu: lambda t, *_a, **_k: self._copy_out(t),
            torch.Tensor.numpy: lambda t, *_a, **_k: self._copy_out(t).numpy(),
            torch.Tensor.__array__: lambda t, *a: self._copy_out(t).__array__(*a),
            F.scaled_dot_product_attention: self._attention,
        }

    @contextlib.contextmanager
    def building(self) -> Iterator[None]:
        """While a model is built, what is made without a device is the GPU's."""
        self.is_building = True
        try:
            yield
        finally:
            self.is_building = False

    def __torch_function__(self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None) -> Any:
        kwargs = kwargs or {}
        special = self._special.get(func) or (kernels.FUNCTIONS.get(func) if _on_gpu(args) else None)
        if special is not None:
            with private.without_torch_function():
                return special(*args, **kwargs)
        if func is torch.Tensor.to:
            return self._to(args, kwargs)
        if func in (torch.tensor, torch.as_tensor) and _to_meta(kwargs.get("device")) == _META and not _on_gpu(args):
            return func(*args, **{**kwargs, "device": "cpu"}).to(_META)  # so that its values are known
        if kwargs.get("device") is not None:
            kwargs = {**kwargs, "device": _to_meta(kwargs["device"])}
        elif func in _FACTORIES and "out" not in kwargs and (self.is_building or _elements(args, kwargs) >= LARGE):
            kwargs = {**kwargs, "device": _META}
        for a in (*args, *kwargs.values()):
            for value in a if isinstance(a, (list, tuple)) else (a,):
                if isinstance(value, Unknown):
                    self.unknown.add(f"{user_line() or value.line}: a value of the GPU is a number in {func.__name__}()")
        if self.autocast.active:
            args, kwargs = self.autocast.cast(func, args, kwargs)
        body = private.body(func) if isinstance(func, FunctionType) else func
        if body is not func:
            with self:
                return body(*args, **kwargs)
        return func(*args, **kwargs)

    def _to(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        with private.without_torch_function():
            args = tuple(_to_meta(a) if isinstance(a, (str, torch.device)) else a for a in args)
            if "device" in kwargs:
                kwargs = {**kwargs, "device": _to_meta(kwargs["device"])}
            target = next(
                (torch.device(a) for a in [*args[1:], kwargs.get("device")] if isinstance(a, (str, torch.device))), None
            )
            if target is not None and target.type == "cpu" and _is_ghost(args[0]):
                return self._copy_out(args[0])
            return torch.Tensor.to(*args, **kwargs)

    @staticmethod
    def _cuda(t: torch.Tensor, device: Any = None, *_args: Any, **_kwargs: Any) -> torch.Tensor:
        return torch.Tensor.to(t, _to_meta(0 if device is None else device))

    @staticmethod
    def _copy_out(t: torch.Tensor) -> torch.Tensor:
        if not t.is_meta:
            return t
        where = user_line() or "the step"
        raise Refused(f"{where}: the step copies a tensor of the GPU to the host; return it instead, and copy it after the step")

    def _item(self, t: torch.Tensor) -> Any:
        if not t.is_meta:
            return t.item()
        value = self.known.read(torch.ops.aten._local_scalar_dense.default, (t,), {})
        return Unknown() if value is None else value

    def _float(self, t: torch.Tensor) -> float:
        """Python makes a plain number of it, which no longer knows where it comes from."""
        value = self._item(t)
        if isinstance(value, Unknown):
            self.unknown.add(f"{value.line}: float() of a value of the GPU")
        return float(value)

    def _value(self, t: torch.Tensor) -> Any:
        """The value by which the step decides."""
        value = self._item(t)
        if isinstance(value, Unknown):
            value.refuse()
        return value

    def _tolist(self, t: torch.Tensor) -> Any:
        return [self._tolist(part) for part in t] if t.dim() > 0 and t.is_meta else self._item(t)

    def _attention(self, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
        if self.autocast.active:
            query, key, value = (self.autocast.lower(t) for t in (query, key, value))
            args, kwargs = private.tree_map(self._lower, (args, kwargs))
        return (self.attention if query.is_meta else F.scaled_dot_product_attention)(query, key, value, *args, **kwargs)

    def _lower(self, a: Any) -> Any:
        return self.autocast.lower(a) if isinstance(a, torch.Tensor) else a


# ---- a world in which there is one GPU ----


def _yes(*_args: Any, **_kwargs: Any) -> bool:
    return True


def _nothing(*_args: Any, **_kwargs: Any) -> None:
    return None


@contextlib.contextmanager
def ghosts(gpu: Gpu | None = None, attention: str | None = None) -> Iterator[Ghost]:
    """Within it "cuda" has no memory.  Modules, inputs and optimizers are to be made inside, or moved in by adopt().

    attention: a kernel of choices.KERNELS that is taken where it can be.
    """
    gpu = gpu or Gpu()
    mode = Ghost(gpu, attention)
    private.know_compile_rules()
    with contextlib.ExitStack() as stack:
        for name, value in {
            "is_available": _yes,
            "is_bf16_supported": _yes,
            "is_initialized": _yes,
            "device_count": lambda: 1,
            "current_device": lambda: 0,
            "get_device_name": lambda *_: gpu.name,
            "get_device_capability": lambda *_: gpu.capability,
            "synchronize": _nothing,
            "empty_cache": _nothing,
            "set_device": _nothing,
            "manual_seed": _nothing,
            "manual_seed_all": _nothing,
            "is_current_stream_capturing": lambda: False,
        }.items():
            stack.enter_context(mock.patch.object(torch.cuda, name, value))
        stack.enter_context(mock.patch.object(torch, "autocast", mode.autocast.region))
        stack.enter_context(mock.patch.object(torch.amp, "autocast", mode.autocast.region))
        stack.enter_context(mock.patch.object(torch.nn.RNNBase, "flatten_parameters", kernels.flatten_parameters))
        stack.enter_context(private.scalers_do_not_skip(mode.unknown))
        stack.enter_context(torch.compiler.set_stance("force_eager"))  # Inductor's kernels need a GPU
        stack.enter_context(private.checkpoints_do_not_compare_devices())
        stack.enter_context(private.initial_values_are_left_out())
        stack.enter_context(private.lists_of_tensors_are_supported())
        stack.enter_context(mode)
        mode.known = stack.enter_context(Known())
        yield mode


def adopt(value: Any) -> Any:
    """A copy of a module, a tensor or nested containers of them with all tensors on the GPU, without memory; ties stay ties."""
    import copy

    memo: dict[int, Any] = {}
    with private.without_torch_function():
        for t in _tensors(value):
            if id(t) in memo:
                continue
            ghost = torch.empty_strided(t.size(), t.stride(), dtype=t.dtype, device="meta")
            if isinstance(t, torch.nn.Parameter):
                ghost = torch.nn.Parameter(ghost, t.requires_grad)
            memo[id(t)] = ghost
        made = copy.deepcopy(value, memo)
        for module in private.tree_flatten(made)[0]:
            for layer in module.modules() if isinstance(module, torch.nn.Module) else ():
                if isinstance(layer, torch.nn.RNNBase):
                    kernels.flatten_parameters(layer)
        return made


def _tensors(value: Any) -> list[torch.Tensor]:
    found: list[torch.Tensor] = []
    for leaf in private.tree_flatten(value)[0]:
        if isinstance(leaf, torch.nn.Module):
            found += [*leaf.parameters(), *leaf.buffers()]
        elif isinstance(leaf, torch.Tensor):
            found.append(leaf)
    return found
