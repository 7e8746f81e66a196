# SPDX-License-Identifier: Apache-2.0
"""Writes that the schema of an op does not tell: running statistics of batch norm.  tape.py says what follows from them."""

from __future__ import annotations

from typing import Any

import torch

from . import private

# Ops that update running_mean and running_var: the argument that says so (None: always), and the share of the new values.
_UPDATES: dict[str, tuple[str | None, str]] = {
    "native_batch_norm": ("training", "momentum"),
    "cudnn_batch_norm": ("training", "exponential_average_factor"),
    "miopen_batch_norm": ("training", "exponential_average_factor"),
    "batch_norm_update_stats": (None, "momentum"),
    "batch_norm_gather_stats": (None, "momentum"),
    "batch_norm_gather_stats_with_counts": (None, "momentum"),
}


def writes(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[list[torch.Tensor], list[tuple[int, Any]]]:
    """Tensors that the op writes without a word, and what a rerun replaces: positions in the flat arguments, and values."""
    name = func._schema.name.partition("::")[2]
    if name not in _UPDATES:
        return [], []
    when, share = _UPDATES[name]
    given = dict(zip((a.name for a in func._schema.arguments), args, strict=False)) | kwargs
    tensors = [t for t in (given["running_mean"], given["running_var"]) if t is not None]
    if not tensors or (when is not None and not given[when]):
        return [], []
    mark = object()  # flattened in place of the share, it shows where that is
    if share in kwargs:
        kwargs = {**kwargs, share: mark}
    else:
        args = tuple(mark if a.name == share else v for a, v in zip(func._schema.arguments, args, strict=False))
    flat = private.tree_flatten((args, kwargs))[0]
    return tensors, [(next(i for i, a in enumerate(flat) if a is mark), 0.0)]
