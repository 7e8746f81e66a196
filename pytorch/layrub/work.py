# SPDX-License-Identifier: Apache-2.0
"""The work of an op: floating-point operations, bytes, and the number type in which it calculates."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch.utils.flop_counter import flop_registry

from .tape import Entry

_MATH = {torch.bfloat16: "bfloat16", torch.float16: "float16"}


def flops(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> float:
    """Floating-point operations by PyTorch's own count; 0 for ops that move bytes rather than calculate."""
    count = flop_registry.get(getattr(function, "_overloadpacket", function))
    if count is None:
        return 0.0
    try:
        return float(count(*args, **kwargs, out_val=result))
    except AssertionError:  # attention whose keys have fewer heads than its queries
        return _attention_flops(function, args)


def _attention_flops(function: Any, args: tuple[Any, ...]) -> float:
    """Two products of every head's queries and keys, each with 2 operations a multiplication; five products backward."""
    backward = "backward" in function._schema.name
    query, key = (args[1], args[2]) if backward else (args[0], args[1])
    batch, heads, rows, width = query.shape
    return (10.0 if backward else 4.0) * batch * heads * rows * key.shape[2] * width


def memory_bytes(entry: Entry) -> int:
    """Bytes that the op reads and writes, each tensor once; an argument that is written in place counts twice."""
    reads, writes = set(entry.reads), set(entry.writes)
    total = 0
    seen: set[tuple[int, int, tuple[int, ...]]] = set()
    for leaf in entry.leaves():
        key = (leaf.storage, leaf.offset, leaf.size)
        if key not in seen:
            seen.add(key)
            total += leaf.extent_bytes * ((leaf.storage in reads) + (leaf.storage in writes))
    if entry.name == "embedding":  # rows that are looked up, not the table
        total = 2 * sum(leaf.extent_bytes for leaf in entry.results)
    return total


def number_type(entry: Entry) -> str:
    """`math` of a graph's op: the type of its floating-point operands, TF32 where PyTorch is told to use it."""
    kinds = [leaf.dtype for leaf in entry.leaves() if leaf.dtype.is_floating_point]
    low = next((_MATH[d] for d in kinds if d in _MATH), None)
    if low is not None and not any(d == torch.float32 for d in kinds[:1]):
        return low
    conv = "conv" in entry.name
    tf32 = torch.backends.cudnn.allow_tf32 if conv else torch.backends.cuda.matmul.allow_tf32
    return "tf32" if entry.flops > 0 and tf32 and math.isfinite(entry.flops) else "float32"
