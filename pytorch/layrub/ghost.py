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
from typing import Any
from unittest import mock

import torch
from torch.overrides import TorchFunctionMode

from . import private
from .autocast import Autocast
from .errors import Refused
from .known import Known
from .where import user_line

# Factories; from LARGE elements on, what they make without a device has no memory either, so that a model is built that the
# host cannot hold.
_FACTORIES = (torch.empty, torch.zeros, torch.ones, torch.full, torch.rand, torch.randn)
LARGE = 1 << 12

_CUDA = torch.device("cuda", 0)
_META = torch.device("meta")


def _is_ghost(t: Any) -> bool:
    return isinstance(t, torch.Tensor) and t.device.type == "meta"


def _to_meta(device: Any) -> Any:
    if isinstance(device, int) and not isinstance(device, bool):
        return _META
    return _META if device is not None and torch.device(device).type == "cuda" else device


def _elements(args: tuple[Any, ...], kwargs: dict[str, Any]) -> int:
    size = kwargs.get("size", args[0] if args and not isinstance(args[0], int) else args)
    return math.prod(size) if all(isinstance(n, int) for n in size) else 0


class Unknown(float):
    """A value of the GPU, read by the step.  Calculation with it is allowed; a decision by it is refused."""

    line: str

    def __new__(cls) -> Unknown:
        value = super().__new__(cls, float("nan"))
        value.line = user_line() or "the step"
        return value

    def _refuse(self, *_: Any) -> Any:
        raise Refused(f"{user_line() or self.line}: a value of the GPU, read at {self.line}, decides what the step does")

    def _stay(self, *_: Any) -> Unknown:
        return self

    __bool__ = __int__ = __index__ = __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = _refuse
    __hash__ = float.__hash__
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = __neg__ = _stay


class Ghost(TorchFunctionMode):
    """Makes calls on the GPU calls on `meta`, and `meta` look like the GPU."""

    def __init__(self) -> None:
        super().__init__()
        self.autocast = Autocast()
        self.known = Known()
        self.is_building = False
        self._special: dict[Any, Callable[..., Any]] = {
            torch.Tensor.device.__get__: lambda t: _CUDA if t.device == _META else t.device,
            torch.Tensor.is_cuda.__get__: lambda t: t.is_meta or t.is_cuda,
            torch.Tensor.is_meta.__get__: lambda t: False,
            torch.Tensor.get_device: lambda t: 0 if t.is_meta else t.get_device(),
            torch.Tensor.cuda: lambda t, *_a, **_k: t if t.is_meta else torch.Tensor.to(t, _META),
            torch.Tensor.pin_memory: lambda t, *_a, **_k: t,
            torch.Tensor.record_stream: lambda t, *_a, **_k: None,
            torch.Tensor.item: self._item,
            torch.Tensor.__float__: self._item,
            torch.Tensor.__bool__: lambda t: bool(self._value(t)),
            torch.Tensor.__int__: lambda t: int(self._value(t)),
            torch.Tensor.__index__: lambda t: int(self._value(t)),
            torch.Tensor.tolist: self._tolist,
            torch.Tensor.cpu: lambda t, *_a, **_k: self._copy_out(t),
            torch.nn.functional.dropout: self._dropout,
            torch.nn.functional.batch_norm: self._batch_norm,
            torch.nn.functional.scaled_dot_product_attention: self._attention,
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
        if func in (torch.Tensor.backward, torch.autograd.backward):
            return self._backward(*args, **kwargs)
        special = self._special.get(func)
        if special is not None:
            with private.without_torch_function():
                return special(*args, **kwargs)
        if func is torch.Tensor.to:
            return self._to(args, kwargs)
        if kwargs.get("device") is not None:
            kwargs = {**kwargs, "device": _to_meta(kwargs["device"])}
        elif func in _FACTORIES and "out" not in kwargs and (self.is_building or _elements(args, kwargs) >= LARGE):
            kwargs = {**kwargs, "device": _META}
        if self.autocast.active:
            args, kwargs = self.autocast.cast(func, args, kwargs)
        return func(*args, **kwargs)

    def _backward(
        self,
        tensors: Any = None,
        gradient: Any = None,
        retain_graph: bool | None = None,
        create_graph: bool = False,
        inputs: Any = None,
        grad_tensors: Any = None,
    ) -> None:
        with self:
            private.run_backward(tensors, gradient if gradient is not None else grad_tensors, retain_graph, create_graph, inputs)

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

    def _value(self, t: torch.Tensor) -> Any:
        """The value by which the step decides."""
        value = self._item(t)
        if isinstance(value, Unknown):
            value._refuse()
        return value

    def _tolist(self, t: torch.Tensor) -> Any:
        return [self._tolist(part) for part in t] if t.dim() > 0 and t.is_meta else self._item(t)

    @staticmethod
    def _dropout(input: torch.Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> torch.Tensor:
        if input.is_meta and training and 0 < p < 1 and not inplace:
            return torch.ops.aten.native_dropout(input, p, True)[0]
        return torch.nn.functional.dropout(input, p, training, inplace)

    @staticmethod
    def _batch_norm(
        input: torch.Tensor,
        running_mean: torch.Tensor | None,
        running_var: torch.Tensor | None,
        weight: torch.Tensor | None = None,
        bias: torch.Tensor | None = None,
        training: bool = False,
        momentum: float = 0.1,
        eps: float = 1e-5,
    ) -> torch.Tensor:
        """cuDNN's kernel where CUDA takes it: images or sequences in training, with parameters and statistics of one type."""
        tensors = (input, running_mean, running_var, weight, bias)
        if (
            all(t is not None and t.is_meta for t in tensors)
            and input.dim() >= 3
            and training
            and eps >= 1e-5
            and torch.backends.cudnn.enabled
            and weight.dtype == torch.float32
            and input.dtype in (torch.float32, torch.float16, torch.bfloat16)
            and input.shape[0] <= 880801
        ):
            return torch.ops.aten.cudnn_batch_norm(input, weight, bias, running_mean, running_var, training, momentum, eps)[0]
        return torch.nn.functional.batch_norm(input, running_mean, running_var, weight, bias, training, momentum, eps)

    def _attention(
        self,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        attn_mask: torch.Tensor | None = None,
        dropout_p: float = 0.0,
        is_causal: bool = False,
        scale: float | None = None,
        enable_gqa: bool = False,
    ) -> torch.Tensor:
        """The kernel that CUDA takes: flash for half precision without a mask, else memory-efficient, else plain mathematics."""
        if self.autocast.active:
            query, key, value = (self.autocast.lower(t) for t in (query, key, value))
        if not query.is_meta:
            return torch.nn.functional.scaled_dot_product_attention(
                query, key, value, attn_mask, dropout_p, is_causal, scale=scale, enable_gqa=enable_gqa
            )
        aten, cuda = torch.ops.aten, torch.backends.cuda
        plain = query.dim() == 4 and query.shape[-1] == value.shape[-1] and query.shape[-1] % 8 == 0
        half = query.dtype in (torch.float16, torch.bfloat16)
        if plain and half and attn_mask is None and query.shape[-1] <= 256 and cuda.flash_sdp_enabled():
            return aten._scaled_dot_product_flash_attention(query, key, value, dropout_p, is_causal, scale=scale)[0]
        if enable_gqa and query.shape[1] != key.shape[1]:
            key, value = (t.repeat_interleave(query.shape[1] // t.shape[1], 1) for t in (key, value))
        if plain and cuda.mem_efficient_sdp_enabled() and query.dtype != torch.float64:
            bias = self._bias(attn_mask, query, key)
            grad = torch.is_grad_enabled() and any(t.requires_grad for t in (query, key, value))
            return aten._scaled_dot_product_efficient_attention(query, key, value, bias, grad, dropout_p, is_causal, scale=scale)[
                0
            ]
        return aten._scaled_dot_product_attention_math(query, key, value, attn_mask, dropout_p, is_causal, scale=scale)[0]

    @staticmethod
    def _bias(mask: torch.Tensor | None, query: torch.Tensor, key: torch.Tensor) -> torch.Tensor | None:
        """An additive mask over all heads; a boolean one becomes numbers first, as CUDA does it."""
        if mask is None:
            return None
        if mask.dtype == torch.bool:
            mask = torch.where(mask, torch.zeros((), dtype=query.dtype, device="meta"), float("-inf")).to(query.dtype)
        return mask.expand(query.shape[0], query.shape[1], query.shape[2], key.shape[2])


# ---- a world in which there is one GPU ----


def _yes(*_args: Any, **_kwargs: Any) -> bool:
    return True


def _nothing(*_args: Any, **_kwargs: Any) -> None:
    return None


@contextlib.contextmanager
def ghosts(gpu: str = "GPU", capability: tuple[int, int] = (9, 0)) -> Iterator[Ghost]:
    """Within it "cuda" has no memory.  Modules, inputs and optimizers are to be made inside, or moved in by adopt()."""
    mode = Ghost()
    with contextlib.ExitStack() as stack:
        for name, value in {
            "is_available": _yes,
            "is_bf16_supported": _yes,
            "is_initialized": _yes,
            "device_count": lambda: 1,
            "current_device": lambda: 0,
            "get_device_name": lambda *_: gpu,
            "get_device_capability": lambda *_: capability,
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
        return copy.deepcopy(value, memo)


def _tensors(value: Any) -> list[torch.Tensor]:
    found: list[torch.Tensor] = []
    for leaf in private.tree_flatten(value)[0]:
        if isinstance(leaf, torch.nn.Module):
            found += [*leaf.parameters(), *leaf.buffers()]
        elif isinstance(leaf, torch.Tensor):
            found.append(leaf)
    return found
