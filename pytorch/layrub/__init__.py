# SPDX-License-Identifier: Apache-2.0
"""layrub - plans of the GPU memory of a training step, from Python

    import layrub

    with layrub.Problem.open("graphs/resnet50", device="h100") as problem:
        plan = problem.plan(budget_percent=50)
    print(plan.figures.step_time_us)

    step = layrub.compile(train_step, example=(x, y), budget="8GiB")    # PyTorch's own step, inside a plan
    loss = step(x, y)

layrub.trace() and layrub.record() make a graph of a PyTorch step, and compile() a step that runs inside a plan; they alone import
PyTorch.  docs/library.md and docs/pytorch.md of layrub's sources describe all of it.
"""
from typing import TYPE_CHECKING, Any

from layrub import _before_cuda
from layrub._binding import *  # noqa: F403
from layrub._load import LayrubError as LayrubError
from layrub.library import Plan as Plan
from layrub.library import Problem as Problem
from layrub.library import names as names
from layrub.library import place as place
from layrub.library import rows as rows
from layrub.library import version as version

if TYPE_CHECKING:
    from layrub.errors import Refused as Refused
    from layrub.run import DoesNotFit as DoesNotFit
    from layrub.run import Step as Step
    from layrub.run import compile as compile
    from layrub.traces import Trace as Trace
    from layrub.traces import record as record
    from layrub.traces import trace as trace

_OF_PYTORCH = {
    "DoesNotFit": "run",
    "Refused": "errors",
    "Step": "run",
    "Trace": "traces",
    "compile": "run",
    "record": "traces",
    "trace": "traces",
}

_before_cuda.begin()


def __getattr__(name: str) -> Any:
    """What needs PyTorch is imported when it is asked for; nothing else needs it."""
    if name not in _OF_PYTORCH:
        raise AttributeError(f"module 'layrub' has no attribute '{name}'")
    import importlib

    return getattr(importlib.import_module(f"layrub.{_OF_PYTORCH[name]}"), name)
