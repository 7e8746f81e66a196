# SPDX-License-Identifier: Apache-2.0
"""answers.py - what the subcommands of layrub-torch do: a PyTorch training step to a graph, to an answer, to a plan"""

from __future__ import annotations

import argparse
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import layrub
from layrub import graph, huggingface, script
from layrub import snapshot as memory
from layrub.errors import EXIT_NO, Refused
from layrub.fit import Fit, Tried
from layrub.gpu import gpu
from layrub.tape import Tape
from layrub.terminal import Status
from layrub.traces import budget_options

GIB = 1 << 30


class Source:
    """What is to be trained: a script's function or a configuration, with its sizes."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.args = args
        self.is_config = huggingface.is_config(args.target)
        self.make: Callable[..., Any] = (
            huggingface.maker(args.target, args.checkpoint) if self.is_config else script.load(args.target)
        )
        self.training = script.Training(args.optimizer, args.dtype, args.autocast)
        self.gpu = gpu(args.device)
        path, _, function = args.target.partition(":")
        self.name = Path(path).resolve().parent.name if path.endswith("config.json") else function or Path(path).stem

    def sizes(self) -> dict[str, int]:
        given = dict(self.args.size or [])
        for key in ("batch", "seq"):
            if getattr(self.args, key) is not None:
                given[key] = getattr(self.args, key)
        return given

    @property
    def parameters(self) -> list[str]:
        return list(inspect.signature(self.make).parameters)

    def tape(self, **changed: int) -> Tape:
        sizes = {**self.sizes(), **changed}
        with script.errors_of_the_person():
            if self.args.gpu:
                return script.trace_on_gpu(self.make, sizes, self.training, self.name, self.args.without_memory)
            return script.trace(self.make, sizes, self.training, self.name, self.gpu, self.args.attention)

    def problem(self, **changed: int) -> layrub.Problem:
        return graph.problem(self.tape(**changed), device=self.args.device)


# ---- subcommands ----


def trace(args: argparse.Namespace) -> int:
    tape = Source(args).tape()
    graph.write(tape, args.output)
    print(f"{args.output}: {len(tape.entries)} ops; for an answer: layrub info {args.output} --device DEVICE")
    return 0


def plan(args: argparse.Namespace) -> int:
    with Status() as status:
        status.say("recording")
        with Source(args).problem() as p:
            status.say("planning")
            found = p.plan(**budget(args), progress=lambda line: status.say(f"planning: {line}"))
            status.clear()
            tell(found.figures)
            if args.output:
                found.write(args.output)
                print(f"written: {args.output}")
    return 0


def snapshot(args: argparse.Namespace) -> int:
    history = memory.read(args.file, args.gpu)
    live = history.live_bytes()
    lost = history.reserved_bytes - live
    print(f"buffers                    {len(history.buffers)} in {history.events} events of GPU {history.gpu}")
    print(f"reserved                   {gib(history.reserved_bytes)} at most")
    print(f"live                       {gib(live)} at most")
    print(f"fragmentation              {gib(lost)}, {lost / max(history.reserved_bytes, 1):.1%} of what is reserved")
    _, placed = layrub.place(history.buffers, time_limit_s=args.time_limit)
    over = placed.arena_bytes / max(placed.bound_bytes, 1) - 1
    print(f"placed anew                {gib(placed.arena_bytes)}, " + (f"{over:.2%} over the least" if over > 0 else "the least"))
    if args.output:
        history.write(args.output)
        print(f"written: {args.output}; for the offsets: layrub place {args.output} -o PLACED.csv")
    return 0


def fit(args: argparse.Namespace) -> int:
    source = Source(args)
    key = args.largest or ("batch" if args.batch is None and "batch" in source.parameters else None)
    if key is not None and key not in source.parameters:
        raise Refused(f"--largest {key}: '{source.make.__name__}' has no such parameter")
    with Status() as status:
        most = min(args.most, getattr(source.make, "most", {}).get(key, args.most))
        search = Fit(lambda n: source.problem(**({key: n} if key else {})), budget(args), status.say, args.slowdown / 100, most)
        return largest(search, key, status) if key else answer(search, args, status)


def answer(search: Fit, args: argparse.Namespace, status: Status) -> int:
    """Whether one step fits, resident or by a plan."""
    needs = search.needs(0)
    status.clear()
    time = ms(needs.ideal_time_us)
    print(f"with everything resident   {gib(needs.peak_bytes)} of {gib(needs.device_bytes)}, {time} (estimated)")
    if needs.peak_bytes <= needs.device_bytes and not args.budget:
        print("yes: it fits as it is")
        return 0
    found = search.planned(0)
    status.clear()
    if found.plan is None:
        print(f"no: {found.why}")
        return EXIT_NO
    tell(found.plan)
    print("yes, with a plan")
    return 0


def largest(search: Fit, key: str, status: Status) -> int:
    """The largest size that fits as it is, and by a plan that costs at most --slowdown."""
    one = search.needs(1)
    status.clear()
    print(f"{key} 1, everything resident   {gib(one.peak_bytes)} of {gib(one.device_bytes)}, {ms(one.ideal_time_us)} (estimated)")
    resident = search.largest_resident()
    status.clear()
    if resident is not None:
        print(f"largest {key} as it is         {told(resident)}")
    if resident is not None and resident.size >= search.most:
        print(f"no larger {key} is tried (--most)")
        return 0
    found = search.largest_planned(resident.size if resident else 0)
    status.clear()
    if found is not None:
        print(f"largest {key} with a plan      {told(found)}")
    elif resident is None:
        print(f"no: not even {key} 1 fits, with a plan that is at most {search.slowdown:.0%} slower")
        return EXIT_NO
    else:
        print(f"a larger {key} has no plan that is at most {search.slowdown:.0%} slower")
    return 0


def told(t: Tried) -> str:
    if t.plan is None:
        return f"{t.size}: {gib(t.needs.peak_bytes)}, {ms(t.needs.ideal_time_us)}"
    return f"{t.size}: {gib(t.plan.arena_bytes)}, {ms(t.plan.step_time_us)}, {t.over:.1%} over the time with everything resident"


# ---- words ----


def gib(n: float) -> str:
    return f"{n / GIB:.2f} GiB"


def ms(us: float) -> str:
    return f"{us / 1e3:.1f} ms"


def budget(args: argparse.Namespace) -> dict[str, Any]:
    options: dict[str, Any] = {"time_limit_s": args.time_limit}
    if args.policy:
        options["policy"] = args.policy
    try:
        return options | budget_options(args.budget)
    except ValueError:
        raise Refused(f"--budget: expected a size such as 8GiB, or a percentage such as 50%, got '{args.budget}'") from None


def tell(f: layrub.Figures) -> None:
    print(f"plan                       {gib(f.arena_bytes)} on the GPU, {gib(f.host_bytes)} pinned on the host")
    over = f.step_time_us / f.ideal_time_us - 1
    print(f"step                       {ms(f.step_time_us)}, {over:.1%} over the time with everything resident")
    moved = f"{gib(f.offload_bytes)} out, {gib(f.fetch_bytes)} in"
    print(f"moved                      {moved}; {ms(f.recompute_time_us)} of recomputation")
