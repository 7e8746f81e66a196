# SPDX-License-Identifier: Apache-2.0
"""PyTorch steps as graphs: layrub.trace() and layrub.record()

    def make(batch):
        model = Net().cuda()
        return model, torch.randn(batch, 3, 224, 224, device="cuda")

    recording = layrub.trace(make, device="rtx4090", batch=64)         # no GPU, and no memory for the model
    print(recording.problem().needs.peak_bytes, recording.plan("50%").figures.step_time_us)
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import torch

import layrub

from . import graph, private, recorder, script
from .gpu import gpu
from .tape import Tape
from .where import running_step

_UNITS = {"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40, "kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}


class Trace:
    """One training step.  tape: its calls over storages.  device: the name or file that it was recorded for; None: none."""

    def __init__(self, tape: Tape, device: str | None = None) -> None:
        self.tape, self.device = tape, device

    @property
    def graph(self) -> dict[str, Any]:
        """The "layrub-graph" document."""
        return graph.document(self.tape)

    def write(self, path: str | os.PathLike[str]) -> None:
        """Writes the graph, as `layrub` reads it."""
        graph.write(self.tape, os.fspath(path))

    def problem(self, device: str | None = None) -> layrub.Problem:
        """The step on a device: an installed name, or a file.  ValueError: there is none."""
        device = device or self.device
        if device is None:
            raise ValueError("the step was recorded for no device: problem(device)")
        return graph.problem(self.tape, device=device)

    def plan(self, budget: int | str | None = None, device: str | None = None, **options: Any) -> layrub.Plan:
        """A plan within a budget: bytes, "8GiB", or "50%" of the step's own peak.  Keywords: as of Problem.plan()."""
        with self.problem(device) as problem:
            return problem.plan(**budget_options(budget), **options)


def trace(
    make: Callable[..., Any],
    *,
    device: str | None = None,
    attention: str | None = None,
    optimizer: str = "adamw",
    dtype: str = "float32",
    autocast: str | None = None,
    **sizes: int,
) -> Trace:
    """Records a step without memory and without a GPU.

    make(**sizes) returns (step, inputs): a function that does one step, or a plain module, which is then trained by the optimizer
    ("adamw", "adam", "sgd", "momentum") in the dtype, its forward pass under autocast.  What it makes on "cuda" has no memory.
    Refused: the step cannot be recorded.
    """
    training = script.Training(optimizer, dtype, autocast)
    name = getattr(make, "__name__", "step")
    return Trace(script.trace(make, sizes, training, name, gpu(device), attention), device)


def record(step: Callable[..., Any], inputs: Any = (), *, device: str | None = None, **options: Any) -> Trace:
    """Records step(*inputs).  inputs: a tensor, a tuple, or a dictionary of keywords.

    A module is recorded as by trace(), whose options it takes: a copy without memory, so that the module may be on the host.
    Another callable runs twice, on the tensors that it has; the second run is recorded.  Refused: the step cannot be recorded.
    """
    if isinstance(step, torch.nn.Module):
        recording = trace(lambda: (step, inputs), device=device, **options)
        recording.tape.name = type(step).__name__
        return recording
    kinds = {t.device.type for t in private.tree_flatten(inputs)[0] if isinstance(t, torch.Tensor)}
    call, flat = script.flat_call(step, inputs)
    kind = "cuda" if "cuda" in kinds else "cpu"
    read = (lambda f, a, k: None) if kind == "cuda" else _counter
    return Trace(recorder.record(call, flat, kind, getattr(step, "__name__", "step"), read=read, **options), device)


def _counter(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """On the host an optimizer reads its own counter of steps, which on a GPU's step is the host's."""
    return func(*args, **kwargs) if args[0].numel() == 1 and running_step(torch.optim.Optimizer) else None


def budget_options(budget: int | str | None) -> dict[str, Any]:
    """The keywords of Problem.plan() for a budget."""
    if budget is None:
        return {}
    text = str(budget).strip()
    return {"budget_percent": float(text[:-1])} if text.endswith("%") else {"budget_bytes": size(text)}


def size(text: str) -> int:
    """Bytes of "8GiB", "500 MB" or "123".  ValueError: it is none of these."""
    unit = next((u for u in _UNITS if text.endswith(u)), "")
    return int(float(text.removesuffix(unit)) * _UNITS[unit]) if unit else int(text)
