# SPDX-License-Identifier: Apache-2.0
"""Workspaces of ops on a GPU that is not there: estimates.

Convolutions follow the rules of the device document (docs/formats.md, `conv_workspace`).  Others follow what the sources of
PyTorch and cuDNN allocate: accumulators of attention and of embeddings, losses of every element.  The workspaces of cuBLAS are
not among them: PyTorch keeps one for each thread from the first product on (8.1 MiB, 32 MiB on Hopper), beside the arena, and
the device document's reserved bytes have room for them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch

import layrub

from . import private, work
from .gpu import Gpu
from .tape import Entry, Leaf, Tape

_HALF = (torch.float16, torch.bfloat16)


def estimate(tape: Tape, gpu: Gpu) -> None:
    """Fills workspace_bytes of every entry, and notes that they are estimates."""
    for entry in tape.entries:
        rule = _RULES.get(entry.name)
        if rule is not None:
            args, _ = private.tree_unflatten(entry.arguments, entry.form)
            entry.workspace_bytes = int(rule(args, entry, gpu))
    of = gpu.name if gpu.document is not None else "no device (none for convolutions)"
    tape.notes.append(f"workspaces estimated for {of}")


def _bytes(leaf: Leaf) -> int:
    """Of all elements, also of those that share their memory."""
    return math.prod(leaf.size) * leaf.dtype.itemsize


# ---- convolutions ----


def _convolution(args: list[Any], entry: Entry, gpu: Gpu) -> float:
    input, weight, stride, transposed, groups = args[0], args[1], args[3], args[6], args[8]
    output = entry.results[0]
    if transposed:
        return _by_rule(gpu, entry, layrub.ConvPass.BACKWARD_DATA, output, weight, input, stride, groups)
    return _by_rule(gpu, entry, layrub.ConvPass.FORWARD, input, weight, output, stride, groups)


def _convolution_backward(args: list[Any], entry: Entry, gpu: Gpu) -> float:
    output, input, weight, stride, transposed, groups, mask = args[0], args[1], args[2], args[4], args[7], args[9], args[10]
    if transposed:
        input, output = output, input
    data, filter = mask[0], mask[1]
    which = layrub.ConvPass.BACKWARD if data and filter else layrub.ConvPass.BACKWARD_FILTER
    if data and not filter:
        which = layrub.ConvPass.FORWARD if transposed else layrub.ConvPass.BACKWARD_DATA
    return _by_rule(gpu, entry, which, input, weight, output, stride, groups) if data or filter else 0


def _by_rule(
    gpu: Gpu, entry: Entry, which: layrub.ConvPass, input: Leaf, weight: Leaf, output: Leaf, stride: list[int], groups: int
) -> float:
    """The smallest workspace of the rules that apply.  Depthwise convolutions have kernels of PyTorch's own, without one."""
    if gpu.document is None or (groups > 1 and groups == input.size[1]):
        return 0
    kind = layrub.Math[work.number_type(entry).upper()]
    if gpu.document.flops[kind] == 0:
        kind = layrub.Math.FLOAT32
    pointwise = all(n == 1 for n in weight.size[2:]) and all(s == 1 for s in stride)
    pixels = math.prod(output.size[2:])
    sizes = [
        rule.input * _bytes(input)
        + rule.output * _bytes(output)
        + rule.weight * _bytes(weight)
        + rule.weight_per_sample * _bytes(weight) * input.size[0]
        + rule.fixed_bytes
        for rule in gpu.document.conv_rules
        if rule.pass_ == which
        and rule.math == kind
        and (pointwise or not rule.pointwise)
        and pixels % max(1, rule.pixel_multiple) == 0
    ]
    return min(sizes, default=0)


# ---- attention, backward: (gradient, query, key, value, ...), all (batch, heads, rows, width) ----


def _up(n: int, multiple: int) -> int:
    return -(-n // multiple) * multiple


def _expanded(query: Leaf, key: Leaf) -> int:
    """Gradients of keys and values with as many heads as the queries, which are then summed."""
    batch, heads, _, width = query.size
    return 0 if heads == key.size[1] else 2 * batch * heads * key.size[2] * width * query.dtype.itemsize


def _flash(args: list[Any], entry: Entry, gpu: Gpu) -> float:
    """mha_bwd() of flash_api.cpp: the query's gradient and the softmax's row sums in float32."""
    batch, heads, rows, width = args[1].size
    return 4 * batch * heads * _up(rows, 128) * (_up(width, 32) + 1) + _expanded(args[1], args[2])


def _cudnn(args: list[Any], entry: Entry, gpu: Gpu) -> float:
    """cudnn-frontend's scaled_dot_product_flash_attention.h: the same, without padding."""
    batch, heads, rows, width = args[1].size
    return 4 * batch * heads * rows * (width + 1) + _expanded(args[1], args[2])


def _efficient(args: list[Any], entry: Entry, gpu: Gpu) -> float:
    """attention_backward.cu: for half precision a float32 accumulator of the query's gradient; else products of every element."""
    batch, heads, rows, width = args[1].size
    delta = 4 * batch * heads * rows
    if args[1].dtype in _HALF:
        return 4 * batch * heads * _up(rows, 64) * _up(width, 64) + delta
    return 4 * batch * heads * rows * args[3].size[3] + 2 * delta


# ---- others ----

_SORTED_FROM = 3072  # indices; fewer are added one by one
_ROWS_A_THREAD = 10


def _embedding(args: list[Any], entry: Entry, gpu: Gpu) -> float:
    """embedding_backward_cuda_kernel(): sorted indices, and partial sums of rows in float32."""
    gradient, indices, table = args[0], args[1], args[2]
    n, item = math.prod(indices.size), indices.dtype.itemsize
    if n <= _SORTED_FROM:
        return 0
    segments = min(n, table)
    parts = n // _ROWS_A_THREAD + segments
    sorting = 5 * n * item
    summing = (3 * n + 2 * segments + parts) * item + parts * _up(gradient.size[-1], 32) * 4
    return max(sorting, summing)


def _scatter(args: list[Any], entry: Entry, gpu: Gpu) -> float:
    """index_put_with_sort_kernel(): linear indices, sorted, with their origins."""
    if len(args) < 4 or not args[3]:
        return 0
    return 5 * 8 * max((math.prod(i.size) for i in args[1] if isinstance(i, Leaf)), default=0)


def _loss(args: list[Any], entry: Entry, gpu: Gpu) -> float:
    """The loss of every element, before its mean or sum."""
    return _bytes(args[0]) if len(args) < 3 or args[2] != 0 else 0


_RULES: dict[str, Callable[[list[Any], Entry, Gpu], float]] = {
    "convolution": _convolution,
    "convolution_backward": _convolution_backward,
    "_scaled_dot_product_flash_attention_backward": _flash,
    "_scaled_dot_product_cudnn_attention_backward": _cudnn,
    "_scaled_dot_product_efficient_attention_backward": _efficient,
    "embedding_dense_backward": _embedding,
    "index_put": _scatter,
    "index_put_": _scatter,
    "_index_put_impl_": _scatter,
    "mse_loss": _loss,
    "smooth_l1_loss": _loss,
}
