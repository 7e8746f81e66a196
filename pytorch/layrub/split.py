# SPDX-License-Identifier: Apache-2.0
"""Calls over lists of tensors, as one call a tensor.

Optimizers update all parameters by one call of `_foreach_*` or `_fused_*`.  The same function with lists of one element does
the same for one parameter.  The planner can then move each update, and the state of one parameter at a time.
"""

from __future__ import annotations

from typing import Any

import torch

PREFIXES = ("aten::_foreach_", "aten::_fused_", "aten::_amp_foreach_")


def split(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[tuple[tuple[Any, ...], dict[str, Any]]] | None:
    """The arguments of each one-tensor call, in list order; None: the call is not over lists."""
    schema = function._schema
    if not schema.name.startswith(PREFIXES):
        return None
    count = max((len(a) for a in [*args, *kwargs.values()] if _is_tensor_list(a)), default=0)
    if count == 0:
        return None

    def parts(value: Any) -> list[Any]:
        if _is_tensor_list(value) or _is_scalar_list(value, count):
            return [[v] for v in value] if len(value) == count else [[]] * count
        return [value] * count

    positional, named = [parts(a) for a in args], {k: parts(v) for k, v in kwargs.items()}
    return [(tuple(p[i] for p in positional), {k: p[i] for k, p in named.items()}) for i in range(count)]


def join(results: list[Any]) -> Any:
    """The result of the whole call, from those of the parts."""
    if all(r is None for r in results):
        return None
    if isinstance(results[0], tuple):
        return tuple(join([r[k] for r in results]) for k in range(len(results[0])))
    return [t for r in results for t in r] if isinstance(results[0], list) else results[-1]


def _is_tensor_list(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and len(value) > 0 and all(isinstance(t, torch.Tensor) for t in value)


def _is_scalar_list(value: Any, count: int) -> bool:
    return isinstance(value, (list, tuple)) and len(value) == count and all(isinstance(t, (int, float, bool)) for t in value)
