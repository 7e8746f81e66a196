# SPDX-License-Identifier: Apache-2.0
"""command.py - layrub-torch: a PyTorch training step to a graph, to an answer, to a plan"""

from __future__ import annotations

import argparse
import inspect
import json
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import layrub

try:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Failed to initialize NumPy")  # nothing here needs it
        import torch  # noqa: F401
except ImportError:
    sys.exit("layrub-torch: PyTorch is not installed: pip install torch")

from layrub import graph, huggingface, script
from layrub.errors import Refused
from layrub.tape import Tape

GIB = 1 << 30
EXIT_NO, EXIT_BAD, EXIT_SYSTEM = 1, 2, 3


class Source:
    """What is to be trained: a script's function or a configuration, with its sizes."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.args = args
        self.is_config = huggingface.is_config(args.target)
        self.make: Callable[..., Any] = (
            huggingface.maker(args.target, args.checkpoint) if self.is_config else script.load(args.target)
        )
        self.training = script.Training(args.optimizer, args.dtype, args.autocast)
        path, _, function = args.target.partition(":")
        self.name = Path(path).resolve().parent.name if path.endswith("config.json") else function or Path(path).stem

    def sizes(self) -> dict[str, int]:
        given = dict(self.args.size or [])
        for key in ("batch", "seq"):
            if getattr(self.args, key) is not None:
                given[key] = getattr(self.args, key)
        return given

    def tape(self, **changed: int) -> Tape:
        return script.trace(self.make, {**self.sizes(), **changed}, self.training, self.name)


def problem(tape: Tape, device: str) -> layrub.Problem:
    return layrub.Problem.parse(json.dumps(graph.document(tape)), device=device)


# ---- subcommands ----


def trace(args: argparse.Namespace) -> int:
    tape = Source(args).tape()
    graph.write(tape, args.output)
    print(f"{args.output}: {len(tape.entries)} ops; for an answer: layrub info {args.output} --device DEVICE")
    return 0


def plan(args: argparse.Namespace) -> int:
    with problem(Source(args).tape(), args.device) as p:
        found = p.plan(**budget(args), progress=progress())
        tell(p, found)
        if args.output:
            found.write(args.output)
            print(f"written: {args.output}")
    return 0


def fit(args: argparse.Namespace) -> int:
    source = Source(args)
    if args.batch is not None or not searches(source):
        with problem(source.tape(), args.device) as p:
            return answer(p, args)
    return largest(source, args)


def searches(source: Source) -> bool:
    return "batch" in inspect.signature(source.make).parameters


def answer(p: layrub.Problem, args: argparse.Namespace) -> int:
    """Whether one step fits, resident or by a plan."""
    needs = p.needs
    time = ms(needs.ideal_time_us)
    print(f"with everything resident   {gib(needs.peak_bytes)} of {gib(needs.device_bytes)}, {time} (estimated)")
    if needs.peak_bytes <= needs.device_bytes and not args.budget:
        print("yes: it fits as it is")
        return 0
    try:
        found = p.plan(**budget(args), progress=progress())
    except layrub.LayrubError as e:
        if e.code != layrub.Code.INFEASIBLE:
            raise
        print(f"no: {e.text}")
        return EXIT_NO
    tell(p, found)
    print("yes, with a plan")
    return 0


def largest(source: Source, args: argparse.Namespace) -> int:
    """The largest batch whose plan costs at most --slowdown per sample of the step's own time: doubled, then halved."""

    def fits(batch: int) -> tuple[bool, str]:
        with problem(source.tape(batch=batch), args.device) as p:
            try:
                found = p.plan(policy=args.policy or "hybrid", time_limit_s=args.time_limit or 10.0)
            except layrub.LayrubError as e:
                if e.code != layrub.Code.INFEASIBLE:
                    raise
                return False, e.text
            over = found.figures.step_time_us / found.figures.ideal_time_us - 1
            text = f"batch {batch}: {gib(found.figures.arena_bytes)}, {over:.1%} over the time with everything resident"
            return over <= args.slowdown / 100, text

    good, text = 0, ""
    tried = 1
    while tried <= args.most:
        ok, line = fits(tried)
        print(("  " if ok else "no, ") + line, file=sys.stderr)
        if not ok:
            break
        good, text, tried = tried, line, tried * 2
    low, high = good, tried
    while high - low > max(1, low // 16):
        middle = (low + high) // 2
        ok, line = fits(middle)
        if ok:
            low, text = middle, line
        else:
            high = middle
    if low == 0:
        print("no batch was found that fits")
        return EXIT_NO
    print(f"the largest batch tried that fits: {low} ({text})")
    return 0


# ---- words ----


def gib(n: float) -> str:
    return f"{n / GIB:.2f} GiB"


def ms(us: float) -> str:
    return f"{us / 1e3:.1f} ms"


def progress() -> Callable[[str], None] | None:
    if not sys.stderr.isatty():
        return None
    return lambda line: print(f"\r\033[K{line}", end="", file=sys.stderr, flush=True)


def budget(args: argparse.Namespace) -> dict[str, Any]:
    options: dict[str, Any] = {}
    if args.policy:
        options["policy"] = args.policy
    if args.time_limit:
        options["time_limit_s"] = args.time_limit
    if args.budget:
        text = args.budget.strip()
        if text.endswith("%"):
            options["budget_percent"] = float(text[:-1])
        else:
            options["budget_bytes"] = size(text)
    return options


def size(text: str) -> int:
    """Bytes of "8GiB", "500 MB" or "123"."""
    units = {"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40, "kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
    for unit, factor in units.items():
        if text.endswith(unit):
            return int(float(text[: -len(unit)]) * factor)
    return int(text)


def tell(p: layrub.Problem, found: layrub.Plan) -> None:
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr)
    f = found.figures
    print(f"plan                       {gib(f.arena_bytes)} on the GPU, {gib(f.host_bytes)} pinned on the host")
    over = f.step_time_us / f.ideal_time_us - 1
    print(f"step                       {ms(f.step_time_us)}, {over:.1%} over the time with everything resident")
    moved = f"{gib(f.offload_bytes)} out, {gib(f.fetch_bytes)} in"
    print(f"moved                      {moved}; {ms(f.recompute_time_us)} of recomputation")


# ---- the command line ----


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="layrub-torch", description="A PyTorch training step to a graph, to an answer, to a plan.")
    commands = top.add_subparsers(dest="command", required=True)
    for run, text in (
        (trace, "record a step as a layrub graph"),
        (fit, "does the step fit, and how large a batch?"),
        (plan, "plan the step"),
    ):
        c = commands.add_parser(run.__name__, help=text, description=text)
        c.set_defaults(run=run)
        c.add_argument(
            "target", metavar="SCRIPT.py[:FUNCTION]|config.json", help="FUNCTION returns (step or module, inputs); default: step"
        )
        c.add_argument("--batch", type=int, metavar="N", help="passed to the function")
        c.add_argument("--seq", type=int, metavar="N", help="passed to the function: the length of a sequence")
        c.add_argument("--size", action="append", type=named_size, metavar="NAME=N", help="any other size of the function")
        c.add_argument("--optimizer", choices=script.OPTIMIZERS, default="adamw", help="of a plain module (default: adamw)")
        c.add_argument(
            "--dtype", choices=script.DTYPES, default="float32", help="of a plain module's parameters (default: float32)"
        )
        c.add_argument("--autocast", choices=("bfloat16", "float16"), help="of a plain module's forward pass (default: none)")
        c.add_argument("--checkpoint", action="store_true", help="gradient checkpointing of a configuration's model")
        if run is trace:
            c.add_argument("-o", "--output", required=True, metavar="GRAPH.json", help="the file of the graph")
            continue
        c.add_argument("--device", required=True, help="a name (layrub list devices) or a file")
        c.add_argument("--budget", help="bytes (8GiB) or percent of the step's own peak (50%%) (default: the device's memory)")
        c.add_argument("--policy", help="how to plan, see layrub list policies (default: hybrid)")
        c.add_argument("--time-limit", type=float, metavar="SECONDS", help="of the search (default: the policy's own)")
        if run is plan:
            c.add_argument("-o", "--output", metavar="PLAN.json", help="the file of the plan (default: none)")
        else:
            c.add_argument(
                "--slowdown", type=float, default=10.0, metavar="PERCENT",
                help="most that the largest batch's plan may cost (default: 10)",
            )  # fmt: skip
            c.add_argument("--most", type=int, default=4096, metavar="N", help="the largest batch that is tried (default: 4096)")
    return top


def named_size(text: str) -> tuple[str, int]:
    name, _, value = text.partition("=")
    return name, int(value)


def main(argv: list[str] | None = None) -> int:
    args = parser().parse_args(argv)
    try:
        if args.run is not trace:
            layrub.version()  # a missing library is said before the step is recorded
        return int(args.run(args))
    except (Refused, layrub.LayrubError) as e:
        print(f"layrub-torch: {e}", file=sys.stderr)
        return EXIT_BAD
    except ImportError as e:
        if e.name != "layrub":
            raise
        print(f"layrub-torch: {e}", file=sys.stderr)
        return EXIT_SYSTEM
    except KeyboardInterrupt:
        return 130
