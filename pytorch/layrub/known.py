# SPDX-License-Identifier: Apache-2.0
"""Values that do not depend on the step's data: positions, masks, counters.

Code looks at them to decide ("is any of these position ids out of order?"), although the tensors have no memory.  Every storage
that is made of constants alone has a small shadow on the host; ops on such storages also run on the shadows.
"""

from __future__ import annotations

from typing import Any

import torch

from . import private, shapes
from .errors import Refused
from .where import running_step, user_line

MADE, MOST = 1 << 16, 1 << 22  # elements of a shadow that a factory makes, and of one that follows from others
# Ops that give memory and no values.
NO_VALUES = ("empty", "empty_like", "empty_strided", "new_empty", "new_empty_strided", "empty_permuted", "set_")
READS = tuple(getattr(torch.ops.aten, name).default for name in ("_local_scalar_dense", "equal", "allclose", "is_nonzero"))


class Unknown(float):
    """A value of the GPU, read by the step.  Calculation with it is allowed; a decision by it is refused."""

    line: str

    def __new__(cls) -> Unknown:
        value = super().__new__(cls, float("nan"))
        value.line = user_line() or "the step"
        return value

    def refuse(self, *_: Any) -> Any:
        raise Refused(decides(self.line))

    def _stay(self, *_: Any) -> Unknown:
        value = super().__new__(Unknown, float("nan"))
        value.line = self.line
        return value

    __bool__ = __int__ = __index__ = __round__ = __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = refuse
    __hash__ = float.__hash__
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = __neg__ = __abs__ = _stay
    __pow__ = __rpow__ = __mod__ = __floordiv__ = _stay


def decides(read_at: str) -> str:
    """The refusal of a step that decides by a value of the GPU."""
    optimizer = running_step(torch.optim.Optimizer)
    if running_step(torch.amp.GradScaler) and not optimizer:
        return (
            f"{user_line() or read_at}: GradScaler decides by a value of the GPU whether the optimizer steps; "
            "give the optimizer fused=True, which decides on the GPU"
        )
    if optimizer:
        return (
            f"{read_at}: the optimizer {optimizer} decides by values of the GPU (.item()), so that its step is not always the "
            "same; take one that does not (AdamW, SGD, ...)"
        )
    return (
        f"{user_line() or read_at}: a value of the GPU, read at {read_at}, decides what the step does; "
        "keep it on the GPU (torch.where, multiplication by a mask), or decide outside of the step"
    )


class Known(private.TorchDispatchMode):
    """Keeps the shadows, and answers reads of values that are known.  The recorder stands inside and sees every op first.

    device_type: of the tensors without memory.
    """

    def __init__(self, device_type: str = "meta") -> None:
        super().__init__()
        self._device = device_type
        self._shadows: dict[int, tuple[private.StorageWeakRef, torch.UntypedStorage]] = {}

    @classmethod
    def ignore_compile_internals(cls) -> bool:
        return True

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None) -> Any:
        kwargs = kwargs or {}
        with private.without_torch_function():
            if func in READS:
                value = self.read(func, args, kwargs)
                if value is not None:
                    return value
            shadow = self._run(func, args, kwargs)
            result = shapes.call(func, args, kwargs, shadow) if self._device == "meta" else func(*args, **kwargs)
            self._keep(func, args, kwargs, result, shadow)
            return result

    def read(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any | None:
        """The value that func reads, as a number; None: it depends on the step's data."""
        return self._run(func, args, kwargs)

    # ---- shadows ----

    def _ours(self, t: Any) -> bool:
        return isinstance(t, torch.Tensor) and t.device.type == self._device

    def _shadow(self, t: torch.Tensor) -> torch.Tensor | None:
        found = self._shadows.get(private.storage_key(t.untyped_storage()))
        if found is None:
            return None
        return torch.empty(0, dtype=t.dtype).set_(found[1], t.storage_offset(), t.size(), t.stride())

    def _run(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any | None:
        """The op on the shadows; None: an argument has none, or the op is random or makes no values."""
        flat, form = private.tree_flatten((args, kwargs))
        on_gpu = False
        shadows = []
        for a in flat:
            if self._ours(a):
                a, on_gpu = self._shadow(a), True
                if a is None:
                    return None
            elif isinstance(a, torch.device) and a.type == self._device:
                a, on_gpu = torch.device("cpu"), True
            shadows.append(a)
        name = func._schema.name.partition("::")[2]
        if not on_gpu or name in NO_VALUES or torch.Tag.nondeterministic_seeded in func.tags or self._size(func, flat) > MADE:
            return None
        a, k = private.tree_unflatten(shadows, form)
        try:
            shadow = func(*a, **k)
        except (RuntimeError, NotImplementedError):
            return None
        return () if shadow is None else shadow  # calls over lists return nothing

    @staticmethod
    def _size(func: Any, flat: list[Any]) -> int:
        """A bound on the elements of what the op makes, for factories."""
        n = 1
        if not any(isinstance(a, torch.Tensor) for a in flat):
            for a in flat:
                n *= max(1, int(a)) if isinstance(a, (int, float)) and not isinstance(a, bool) and abs(a) < 1e18 else 1
        return n

    def _keep(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any, shadow: Any | None) -> None:
        if shadow is not None:
            for t, s in zip(private.tree_flatten(result)[0], private.tree_flatten(shadow)[0], strict=False):
                if self._ours(t) and isinstance(s, torch.Tensor) and s.numel() <= MOST:
                    storage = t.untyped_storage()
                    key = private.storage_key(storage)
                    if key not in self._shadows and storage.nbytes() <= s.untyped_storage().nbytes():
                        self._shadows[key] = (private.StorageWeakRef(storage), s.untyped_storage())
            return
        for argument, value in zip(
            func._schema.arguments, args, strict=False
        ):  # what is written with unknown values is unknown from now on
            if argument.alias_info is not None and argument.alias_info.is_write:
                for t in private.tensors(value):
                    if self._ours(t):
                        self._shadows.pop(private.storage_key(t.untyped_storage()), None)
