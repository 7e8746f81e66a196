# SPDX-License-Identifier: Apache-2.0
"""layrub - plans of the GPU memory of a training step, from Python

    import layrub

    with layrub.Problem.open("graphs/resnet50", device="h100") as problem:
        plan = problem.plan(budget_percent=50)
    print(plan.figures.step_time_us)

docs/library.md of layrub's sources describes all of it.  layrub.trace() and layrub.record() make a graph of a PyTorch step; they
alone import PyTorch.
"""
from typing import TYPE_CHECKING, Any

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
    from layrub.recording import Recording as Recording
    from layrub.recording import record as record
    from layrub.recording import trace as trace

_OF_PYTORCH = {"Recording": "recording", "record": "recording", "trace": "recording", "Refused": "errors"}


def __getattr__(name: str) -> Any:
    if name not in _OF_PYTORCH:
        raise AttributeError(f"module 'layrub' has no attribute '{name}'")
    import importlib

    return getattr(importlib.import_module(f"layrub.{_OF_PYTORCH[name]}"), name)
