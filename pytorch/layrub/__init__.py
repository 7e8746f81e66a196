# SPDX-License-Identifier: Apache-2.0
"""layrub - plans of the GPU memory of a training step, from Python

    import layrub

    with layrub.Problem.open("graphs/resnet50", device="h100") as problem:
        plan = problem.plan(budget_percent=50)
    print(plan.figures.step_time_us)

    step = layrub.compile(train_step, example=(x, y), budget="8GiB")    # PyTorch's own step, inside a plan
    loss = step(x, y)

docs/library.md of layrub's sources describes all of it.
"""
from layrub._binding import *  # noqa: F403
from layrub._load import LayrubError as LayrubError
from layrub.library import Plan as Plan
from layrub.library import Problem as Problem
from layrub.library import names as names
from layrub.library import place as place
from layrub.library import rows as rows
from layrub.library import version as version


def __getattr__(name: str):
    """compile, Step, Refused and DoesNotFit need PyTorch; nothing else does."""
    if name in ("compile", "Step", "DoesNotFit", "Refused"):
        from layrub import run

        return getattr(run, name)
    raise AttributeError(f"module 'layrub' has no attribute '{name}'")
