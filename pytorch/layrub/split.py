# SPDX-License-Identifier: Apache-2.0
"""Calls over lists of tensors, as calls over short pieces of the lists.

Optimizers update all parameters by one call of `_foreach_*` or `_fused_*`.  The same function over a piece of the lists does the
same for its parameters.  The planner can then move each update, and the state of a few parameters at a time.  Small tensors stay
together, because a call over one of them takes as long as a call over a hundred.
"""

from __future__ import annotations

from typing import Any

import torch

PREFIXES = ("aten::_foreach_", "aten::_fused_", "aten::_amp_foreach_")
MOST_ELEMENTS = 1 << 23  # of a piece with several tensors; such kernels give 65,536 to a block, and need a block a multiprocessor
FEWEST_PIECES = 8  # about, of a list whose tensors are small


def split(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[tuple[tuple[Any, ...], dict[str, Any]]] | None:
    """The arguments of the calls over pieces, in list order; None: the call is not over lists.

    Where a list is cut depends on the numbers of elements alone, so that all calls of an update are cut alike.
    """
    schema = function._schema
    if not schema.name.startswith(PREFIXES):
        return None
    lists = [a for a in [*args, *kwargs.values()] if _is_tensor_list(a)]
    if not lists:
        return None
    longest = max(lists, key=len)
    count, pieces = len(longest), _pieces([t.numel() for t in longest])

    def parts(value: Any) -> list[Any]:
        if _is_tensor_list(value) or _is_scalar_list(value, count):
            return [value[piece] if len(value) == count else [] for piece in pieces]
        return [value] * len(pieces)

    positional, named = [parts(a) for a in args], {k: parts(v) for k, v in kwargs.items()}
    return [(tuple(p[i] for p in positional), {k: p[i] for k, p in named.items()}) for i in range(len(pieces))]


def _pieces(elements: list[int]) -> list[slice]:
    """The positions of each piece of a list with so many elements a tensor."""
    most = min(MOST_ELEMENTS, sum(elements) // FEWEST_PIECES)
    found, begin, held = [], 0, 0
    for k, n in enumerate(elements):
        if k > begin and held + n > most:
            found.append(slice(begin, k))
            begin, held = k, 0
        held += n
    return [*found, slice(begin, len(elements))]


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
