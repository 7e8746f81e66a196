# SPDX-License-Identifier: Apache-2.0
"""Kernels that PyTorch takes for tensors of a GPU and not for tensors without memory, and that it chooses below Python.

Each function stands for one of PyTorch's.  Its arguments are on the GPU that is not there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F

from . import private

_aten = torch.ops.aten


def dropout(input: torch.Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> torch.Tensor:
    """One op that also gives the mask."""
    if training and 0 < p < 1 and not inplace:
        return _aten.native_dropout(input, p, True)[0]
    return F.dropout(input, p, training, inplace)


# ---- norms ----


def batch_norm(
    input: torch.Tensor,
    weight: torch.Tensor | None,
    bias: torch.Tensor | None,
    running_mean: torch.Tensor | None,
    running_var: torch.Tensor | None,
    training: bool,
    momentum: float,
    eps: float,
    cudnn_enabled: bool,
) -> torch.Tensor:
    """cuDNN's kernel where CUDA takes it (_select_batch_norm_backend() in aten/src/ATen/native/Normalization.cpp)."""
    statistics = (running_mean, running_var)
    if (
        weight is not None
        and bias is not None
        and (all(t is not None for t in statistics) or (training and all(t is None for t in statistics)))
        and input.dim() >= 3
        and input.shape[0] <= (880801 if training else 65535)
        and input.numel() < 1 << 31
        and eps >= 1e-5
        and cudnn_enabled
        and torch.bfloat16 not in (input.dtype, weight.dtype)
        and (input.dtype != torch.float16 or weight.dtype == torch.float32)
    ):
        args = (weight, bias, *statistics, training, momentum, eps)
        return _aten.cudnn_batch_norm(private.contiguous(input), *args)[0]
    return torch.batch_norm(input, weight, bias, *statistics, training, momentum, eps, False)


def instance_norm(
    input: torch.Tensor,
    weight: torch.Tensor | None,
    bias: torch.Tensor | None,
    running_mean: torch.Tensor | None,
    running_var: torch.Tensor | None,
    use_input_stats: bool,
    momentum: float,
    eps: float,
    cudnn_enabled: bool,
) -> torch.Tensor:
    """The batch norm of one image whose channels are those of all images, as instance_norm() of Normalization.cpp makes it."""
    batch, channels = input.shape[:2]
    mean, var, scale, shift = (None if t is None else t.repeat(batch) for t in (running_mean, running_var, weight, bias))
    image = input.contiguous().view(1, batch * channels, *input.shape[2:])
    out = batch_norm(image, scale, shift, mean, var, use_input_stats, momentum, eps, cudnn_enabled)
    for kept, seen in ((running_mean, mean), (running_var, var)):
        if kept is not None:
            kept.detach().copy_(seen.view(batch, channels).mean(0))
    return out.view(input.shape)


# ---- recurrent layers ----

_MODES = {"rnn_relu": 0, "rnn_tanh": 1, "lstm": 2, "gru": 3}  # of cudnnRNNMode_t


def _recurrent(name: str) -> Callable[..., Any]:
    """cuDNN's kernel for all time steps of all layers (_cudnn_impl() in aten/src/ATen/native/cudnn/RNN.cpp)."""
    plain = getattr(torch, name)

    def run(input: torch.Tensor, *args: Any) -> Any:
        packed = isinstance(args[2], (list, tuple))  # (data, batch_sizes, hidden, weights, ...)
        if input.dtype == torch.bfloat16 or not torch.backends.cudnn.enabled:
            return plain(input, *args)
        if packed:
            sizes, hidden, weights, biases, layers, dropped, train, both = args
            batches, batch_first = sizes.tolist(), False
        else:
            hidden, weights, biases, layers, dropped, train, both, batch_first = args
            batches = []
        hx, cx = hidden if name == "lstm" else (hidden, None)
        width, projected = (hx.shape[2], 0) if cx is None or cx.shape[2] == hx.shape[2] else (cx.shape[2], hx.shape[2])
        state = torch.empty(1 << 20, dtype=torch.uint8, device=input.device) if dropped and train else None
        out, hy, cy, *_ = _aten._cudnn_rnn(
            input, weights, (4 if biases else 2) + (projected > 0), _whole(weights), hx, cx, _MODES[name], width, projected,
            layers, batch_first, dropped, train, both, batches, state,
        )  # fmt: skip
        return (out, hy, cy) if name == "lstm" else (out, hy)

    return run


def _whole(weights: list[torch.Tensor]) -> torch.Tensor | None:
    """The one buffer of all weights; None: they have storages of their own."""
    storage = weights[0].untyped_storage()
    if any(private.storage_key(w.untyped_storage()) != private.storage_key(storage) for w in weights):
        return None
    whole = torch.empty(0, dtype=weights[0].dtype, device=weights[0].device)
    return whole.set_(storage, 0, (storage.nbytes() // whole.element_size(),), (1,))


def flatten_parameters(layer: torch.nn.RNNBase) -> None:
    """Moves all weights of a recurrent layer into one buffer, as cuDNN wants them."""
    weights = [w for w in layer._flat_weights if isinstance(w, torch.Tensor)]
    if not weights or len({private.storage_key(w.untyped_storage()) for w in weights}) != len(weights):
        return
    with private.without_torch_function(), torch.no_grad():
        if not all(w.is_meta and w.dtype == weights[0].dtype for w in weights):
            return
        whole, at = torch.empty(sum(w.numel() for w in weights), dtype=weights[0].dtype, device="meta"), 0
        for w in weights:
            w.data = whole[at : at + w.numel()].view(w.shape)
            at += w.numel()


FUNCTIONS: dict[Any, Callable[..., Any]] = {
    F.dropout: dropout,
    torch.batch_norm: batch_norm,
    torch.instance_norm: instance_norm,
    **{getattr(torch, name): _recurrent(name) for name in _MODES},
}
