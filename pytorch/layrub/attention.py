# SPDX-License-Identifier: Apache-2.0
"""The kernel of scaled_dot_product_attention() that PyTorch takes on a GPU that is not there.

The rules are those of PyTorch 2.11 to 2.13, aten/src/ATen/native/transformers/cuda/sdp_utils.cpp: the first kernel in order of
priority that can take the call.  Tensors are (batch, heads, rows, width).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F

from . import private
from .gpu import Gpu

_HALF = (torch.float16, torch.bfloat16)
_aten = torch.ops.aten


@dataclass
class Call:
    """The arguments of one call."""

    query: torch.Tensor
    key: torch.Tensor
    value: torch.Tensor
    mask: torch.Tensor | None
    dropout: float
    is_causal: bool
    scale: float | None
    enable_gqa: bool

    @property
    def trains(self) -> bool:
        return torch.is_grad_enabled() and any(t.requires_grad for t in (self.query, self.key, self.value))

    @property
    def widths(self) -> tuple[int, int]:
        return self.query.shape[-1], self.value.shape[-1]

    def for_kernel(self) -> bool:
        """What every kernel but plain mathematics needs: four dimensions, rows without gaps, heads that fit."""
        tensors = (self.query, self.key, self.value)
        if any(t.dim() != 4 or t.numel() == 0 or t.stride(-1) != 1 for t in tensors):
            return False
        heads = [t.shape[1] for t in tensors]
        same = heads[0] == heads[1] == heads[2] or (self.enable_gqa and heads[1] == heads[2] and heads[0] % heads[1] == 0)
        return same and self.query.shape[0] == self.key.shape[0] == self.value.shape[0] and self.query.dtype == self.key.dtype

    def repeated(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Keys and values with as many heads as the queries."""
        groups = self.query.shape[1] // self.key.shape[1]
        if not self.enable_gqa or groups == 1:
            return self.key, self.value
        return self.key.repeat_interleave(groups, 1), self.value.repeat_interleave(groups, 1)

    def additive(self, masked: float) -> torch.Tensor | None:
        """The mask as numbers to add."""
        if self.mask is None or self.mask.dtype != torch.bool:
            return self.mask
        zero = torch.scalar_tensor(0.0, dtype=self.query.dtype, device=self.mask.device)
        return torch.where(self.mask.logical_not(), masked, zero)


# ---- who can take a call ----


def _cudnn(c: Call, gpu: Gpu) -> bool:
    return (
        gpu.capability >= (8, 0)
        and torch.backends.cuda.cudnn_sdp_enabled()
        and not torch.are_deterministic_algorithms_enabled()
        and c.query.dtype in _HALF
        and all(w <= 128 and w % 8 == 0 for w in c.widths)
        and c.key.shape[2] != 1
        and (c.mask is None or (c.mask.dim() in (2, 4) and not c.mask.requires_grad))
        and (c.dropout == 0 or c.query.shape[2] != 1)  # any rate: 0.1 was seen to be taken (2.11, H200)
    )


def _flash(c: Call, gpu: Gpu) -> bool:
    width = c.widths[0]
    small = gpu.capability in ((8, 6), (8, 7), (8, 9), (12, 0), (12, 1))
    return (
        gpu.capability >= (8, 0)
        and torch.backends.cuda.flash_sdp_enabled()
        and c.query.dtype in _HALF
        and c.mask is None
        and width == c.widths[1] == c.key.shape[-1]
        and width <= 256
        and (not c.is_causal or c.query.shape[2] == c.key.shape[2])
        and (not (small and c.trains) or width <= 192 or (c.dropout == 0 and width > 224))
    )


def _efficient(c: Call, gpu: Gpu) -> bool:
    half = c.query.dtype in _HALF
    alignment = 8 if half and gpu.capability >= (7, 0) else 4 if gpu.capability >= (8, 0) else 1
    return (
        gpu.capability >= (5, 0)
        and torch.backends.cuda.mem_efficient_sdp_enabled()
        and c.query.dtype in ((*_HALF, torch.float32) if gpu.capability >= (8, 0) else (torch.float16, torch.float32))
        and c.query.shape[-1] == c.key.shape[-1]
        and all(w % alignment == 0 for w in c.widths)
    )


_CAN = {"cudnn": _cudnn, "flash": _flash, "efficient": _efficient, "math": lambda c, gpu: True}


# ---- what the call becomes ----


def _run_cudnn(c: Call) -> torch.Tensor:
    mask = c.additive(-65504.0)
    return _aten._scaled_dot_product_cudnn_attention(
        c.query, c.key, c.value, mask, c.trains, c.dropout, c.is_causal, False, scale=c.scale
    )[0]


def _run_flash(c: Call) -> torch.Tensor:
    width = c.widths[0]
    query, key, value = ((F.pad(t, (0, -width % 8)) if width % 8 else t) for t in (c.query, c.key, c.value))
    scale = c.scale if width % 8 == 0 or c.scale is not None else width**-0.5
    out = _aten._scaled_dot_product_flash_attention(query, key, value, c.dropout, c.is_causal, False, scale=scale)[0]
    return out[..., :width] if width % 8 else out


def _run_efficient(c: Call) -> torch.Tensor:
    key, value = c.repeated()
    mask = c.additive(float("-inf"))
    if mask is not None:
        rows, columns = c.query.shape[2], key.shape[2]
        mask = mask.expand(*c.query.shape[:2], rows, columns)
        if columns % 16:
            mask = F.pad(mask, (0, -columns % 16))[..., :columns]
        elif any(s % 16 for s in mask.stride()[:3]):
            mask = mask.contiguous()
    return _aten._scaled_dot_product_efficient_attention(
        c.query, key, value, mask, c.trains, c.dropout, c.is_causal, scale=c.scale
    )[0]


def _run_math(c: Call) -> torch.Tensor:
    mask = c.additive(float("-inf"))
    return _aten._scaled_dot_product_attention_math(
        c.query, c.key, c.value, mask, c.dropout, c.is_causal, scale=c.scale, enable_gqa=c.enable_gqa
    )[0]


_RUN = {"cudnn": _run_cudnn, "flash": _run_flash, "efficient": _run_efficient, "math": _run_math}


class Attention:
    """Stands for scaled_dot_product_attention() of tensors without memory.  wanted: of choices.KERNELS, before the usual."""

    def __init__(self, gpu: Gpu, wanted: str | None = None) -> None:
        self._gpu, self._wanted = gpu, wanted
        self.taken: set[str] = set()

    def order(self) -> list[str]:
        """Kernels, the preferred one first: what the person asks for, what the script sets, or what PyTorch does on this GPU.

        cuDNN comes first on Hopper and data-center Blackwell with cuDNN 9.15.1, which PyTorch for CUDA 13 brings.
        """
        usual = ["flash", "efficient", "math"]
        order = private.attention_priority() or (["cudnn", *usual] if self._gpu.capability[0] in (9, 10) else [*usual, "cudnn"])
        return [self._wanted, *order] if self._wanted else order

    def __call__(
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
        call = Call(query, key, value, attn_mask, dropout_p, is_causal, scale, enable_gqa)
        kernels = self.order() if call.for_kernel() else ["math"]
        kernel = next(k for k in kernels if _CAN[k](call, self._gpu))
        self.taken.add(kernel)
        return _RUN[kernel](call)

    def note(self) -> str | None:
        """What was taken, for the tape's notes; None: no attention."""
        return f"kernel of attention assumed for {self._gpu.name}: {', '.join(sorted(self.taken))}" if self.taken else None
