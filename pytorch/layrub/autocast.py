# SPDX-License-Identifier: Apache-2.0
"""Automatic mixed precision for tensors without memory.

PyTorch casts below Python, and only for tensors of a real device.  The lists of functions are those of PyTorch's documentation
("CUDA Ops that can autocast to float16", "to float32", "promote to the widest input type").
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F

from . import private

_LOWER_NAMES = (
    "__matmul__ __rmatmul__ addbmm addmm addmv addr baddbmm bmm chain_matmul conv1d conv2d conv3d conv_transpose1d "
    "conv_transpose2d conv_transpose3d einsum linear matmul mm mv prelu bilinear multi_dot tensordot"
)
_FLOAT32_NAMES = (
    "__pow__ __rdiv__ __rpow__ __rtruediv__ acos asin binary_cross_entropy_with_logits cosh cosine_embedding_loss cdist "
    "cosine_similarity cross_entropy cumprod cumsum dist erfinv exp expm1 group_norm hinge_embedding_loss kl_div l1_loss "
    "layer_norm log log10 log_softmax log1p log2 margin_ranking_loss mse_loss multilabel_margin_loss multi_margin_loss "
    "nll_loss norm normalize pdist poisson_nll_loss pow prod reciprocal rms_norm rsqrt sinh smooth_l1_loss soft_margin_loss "
    "softmax softmin softplus sum renorm tan triplet_margin_loss"
)
_WIDEST_NAMES = "addcdiv addcmul atan2 cross dot index_put grid_sample scatter_add stack cat"


def _functions(names: str) -> set[Any]:
    found = set()
    for name in names.split():
        for place in (torch, F, torch.Tensor, torch.linalg):
            function = getattr(place, name, None)
            if callable(function):
                found.add(function)
    return found


_LOWER, _FLOAT32, _WIDEST = _functions(_LOWER_NAMES), _functions(_FLOAT32_NAMES), _functions(_WIDEST_NAMES)


class Autocast:
    """The state of torch.autocast("cuda"), and the casts that it makes."""

    def __init__(self) -> None:
        self.enabled = False
        self.dtype = torch.float16
        self._depth = 0
        self._cache: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}

    @property
    def active(self) -> bool:
        return self.enabled

    def region(
        self, device_type: str, dtype: torch.dtype | None = None, enabled: bool = True, cache_enabled: bool | None = None
    ) -> Any:
        """What stands for torch.autocast."""
        return _Region(self, device_type == "cuda", dtype or torch.float16, enabled)

    def lower(self, t: torch.Tensor) -> torch.Tensor:
        """t in the lower precision.  The cast of a parameter is kept until the outermost region ends, as PyTorch keeps it."""
        if not self._eligible(t) or t.dtype == self.dtype:
            return t
        if not (t.requires_grad and t.is_leaf):
            return t.to(self.dtype)
        if id(t) not in self._cache:
            self._cache[id(t)] = (t, t.to(self.dtype))
        return self._cache[id(t)][1]

    @staticmethod
    def _eligible(t: Any) -> bool:
        return isinstance(t, torch.Tensor) and t.is_meta and t.dtype in (torch.float32, torch.float16, torch.bfloat16)

    def cast(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments as autocast would have them for func."""
        if func in _LOWER:
            change = self.lower
        elif func in _FLOAT32:
            change = self._float32
        elif func in _WIDEST:
            change = self._widest(args, kwargs)
        else:
            return args, kwargs
        with private.without_torch_function():
            flat, form = private.tree_flatten((args, kwargs))
            # The last argument first: PyTorch leaves the order to the C++ compiler, and so it is in its builds.
            cast = [change(a) if isinstance(a, torch.Tensor) else a for a in reversed(flat)]
            return private.tree_unflatten(cast[::-1], form)

    def _float32(self, t: torch.Tensor) -> torch.Tensor:
        return t.float() if self._eligible(t) and t.dtype != torch.float32 else t

    def _widest(self, args: Any, kwargs: Any) -> Any:
        with private.without_torch_function():
            kinds = {t.dtype for t in private.tree_flatten((args, kwargs))[0] if self._eligible(t)}
        return self._float32 if torch.float32 in kinds else (lambda t: t)

    def _enter(self, enabled: bool, dtype: torch.dtype) -> tuple[bool, torch.dtype]:
        old = (self.enabled, self.dtype)
        self.enabled, self.dtype = enabled, dtype
        self._depth += 1
        return old

    def _leave(self, old: tuple[bool, torch.dtype]) -> None:
        self.enabled, self.dtype = old
        self._depth -= 1
        if self._depth == 0:
            self._cache.clear()


class _Region(torch.utils._contextlib._DecoratorContextManager):
    def __init__(self, state: Autocast, ours: bool, dtype: torch.dtype, enabled: bool) -> None:
        self._state, self._ours, self._dtype, self._enabled = state, ours, dtype, enabled
        self._old: list[tuple[bool, torch.dtype]] = []

    def clone(self) -> _Region:
        return _Region(self._state, self._ours, self._dtype, self._enabled)

    def __enter__(self) -> None:
        if self._ours:
            self._old.append(self._state._enter(self._enabled, self._dtype))

    def __exit__(self, *_: object) -> None:
        if self._ours:
            self._state._leave(self._old.pop())
