# SPDX-License-Identifier: Apache-2.0
"""Results of ops on tensors without memory, where PyTorch's rule for them is missing or is not what CUDA does."""

from __future__ import annotations

from typing import Any

import torch

from . import private
from .errors import Refused
from .where import user_line

_aten = torch.ops.aten

# Numbers that cuDNN keeps of each unit and time step for backward, by mode: gates, state and candidate.  An estimate.
_KEPT = {0: 1, 1: 1, 2: 6, 3: 5}


def _cudnn_rnn(*args: Any) -> Any:
    out, hy, cy, _, whole = _aten._cudnn_rnn.default(*args)
    mode, layers, train, both = args[6], args[9], args[12], args[13]
    batch, steps = out.numel() // out.shape[-1], layers * (2 if both else 1)
    kept = _KEPT[mode] * batch * steps * args[7] * out.element_size() if train else 0
    if whole is None:
        whole = out.new_empty(sum(w.numel() for w in args[1]))
    return out, hy, cy, out.new_empty(kept, dtype=torch.uint8), whole


def _cudnn_rnn_backward(*args: Any) -> Any:
    input, weights, hx, cx, mask = args[0], args[1], args[4], args[5], args[-1]
    whole, at, parts = input.new_empty(sum(w.numel() for w in weights)), 0, []
    for w in weights if mask[3] else []:
        parts.append(whole[at : at + w.numel()].view(w.shape))
        at += w.numel()
    return torch.empty_like(input), torch.empty_like(hx), input.new_empty(0) if cx is None else torch.empty_like(cx), parts


def _loss(input: torch.Tensor, target: torch.Tensor, reduction: int = 1, *more: Any) -> torch.Tensor:
    """A mean or sum lies in a storage that has room for the loss of every element."""
    every = torch.empty_like(input + target)
    return every if reduction == 0 else every.resize_(())


def _convolution(*args: Any) -> torch.Tensor:
    return _last(_aten.convolution.default(*args), args[0], args[1])


def _convolution_backward(*args: Any) -> tuple[torch.Tensor | None, ...]:
    input, weight, bias = _aten.convolution_backward.default(*args)
    return _last(input, args[1], args[2]), _last(weight, args[1], args[2]), bias


def _last(made: torch.Tensor | None, input: torch.Tensor, weight: torch.Tensor) -> torch.Tensor | None:
    """Channels last where cuDNN's convolution has them: if the input or the weight has.  PyTorch 2.11's rule asks grad_output."""
    if made is None:
        return None
    last = torch.channels_last if input.dim() == 4 else torch.channels_last_3d
    has = input.dim() in (4, 5) and any(private.memory_format(t) == last for t in (input, weight))
    return made.contiguous(memory_format=last if has else torch.contiguous_format)


_RULES = {
    _aten.convolution.default: _convolution,
    _aten.convolution_backward.default: _convolution_backward,
    _aten._cudnn_rnn.default: _cudnn_rnn,
    _aten._cudnn_rnn_backward.default: _cudnn_rnn_backward,
    _aten.mse_loss.default: _loss,
    _aten.smooth_l1_loss.default: _loss,
}


def depends_on_data(func: Any, args: tuple[Any, ...]) -> bool:
    """Whether the shape of the result depends on values: nonzero(), unique(), indices that are true or false."""
    if func is _aten.index.Tensor:
        return any(t is not None and t.dtype in (torch.bool, torch.uint8) for t in args[1])
    return torch.Tag.dynamic_output_shape in func.tags


def call(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], shadow: Any | None) -> Any:
    """The op.  shadow: its result on the host, where values are known.

    An op that has no rule and no result but its arguments gives these.  Refused: nothing says what the op gives.
    """
    if shadow is not None and depends_on_data(func, args):
        return private.tree_map(lambda t: torch.empty_like(t, device="meta") if isinstance(t, torch.Tensor) else t, shadow)
    try:
        return _RULES.get(func, func)(*args, **kwargs)
    except NotImplementedError:
        return own_arguments(func, args)


def own_arguments(func: Any, args: tuple[Any, ...]) -> Any:
    """The result of an op that has no rule and no result but its arguments.  Refused: it has others."""
    returns = func._schema.returns
    if depends_on_data(func, args):
        raise Refused(data_dependent(func)) from None
    if not all(r.alias_info is not None and r.alias_info.is_write for r in returns):
        raise Refused(f"{user_line()}: PyTorch has no rule for the shapes of {func} without running it") from None
    return args[0] if len(returns) == 1 else (None if not returns else tuple(args[: len(returns)]))


def data_dependent(func: Any) -> str:
    """The refusal of an op whose shapes depend on data."""
    return (
        f"{user_line() or 'the step'}: the shape of the result of {func} depends on data, so that the step is not always the "
        "same; keep the shape and mask the values (torch.where, masked_fill)"
    )
