# SPDX-License-Identifier: Apache-2.0
"""command.py - the command line of layrub-torch: options, errors, exit statuses

PyTorch, which takes seconds to import, is not imported before the command line is understood.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from pathlib import Path
from typing import Any

import layrub
from layrub import choices
from layrub.errors import EXIT_BAD, EXIT_NO, EXIT_SYSTEM, Refused


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="layrub-torch", description="A PyTorch training step to a graph, to an answer, to a plan.")
    commands = top.add_subparsers(dest="command", required=True)
    for name, text in (
        ("trace", "record a step as a layrub graph"),
        ("fit", "does the step fit, and how large a batch?"),
        ("plan", "plan the step"),
    ):
        c = commands.add_parser(name, help=text, description=text)
        c.add_argument(
            "target", metavar="SCRIPT.py[:FUNCTION]|config.json", help="FUNCTION returns (step or module, inputs); default: step"
        )
        c.add_argument("--batch", type=whole, metavar="N", help="passed to the function")
        c.add_argument("--seq", type=whole, metavar="N", help="passed to the function: the length of a sequence")
        c.add_argument("--size", action="append", type=named_size, metavar="NAME=N", help="any other size of the function")
        c.add_argument("--optimizer", choices=choices.OPTIMIZERS, default="adamw", help="of a plain module (default: adamw)")
        c.add_argument(
            "--dtype", choices=choices.DTYPES, default="float32", help="of a plain module's parameters (default: float32)"
        )
        c.add_argument("--autocast", choices=("bfloat16", "float16"), help="of a plain module's forward pass (default: none)")
        c.add_argument("--checkpoint", action="store_true", help="gradient checkpointing of a configuration's model")
        c.add_argument("--attention", choices=choices.KERNELS, help="the kernel, where it can be; default: as on the device")
        c.add_argument("--device", required=name != "trace", help="a name (layrub list devices) or a file")
        c.add_argument("--gpu", action="store_true", help="record on the GPU of this machine, compiled code too; time all ops")
        c.add_argument("--without-memory", action="store_true", help="with --gpu: nothing runs, so that the step need not fit")
        if name == "trace":
            c.add_argument("-o", "--output", required=True, metavar="GRAPH.json", help="the file of the graph")
            continue
        c.add_argument("--budget", help="bytes (8GiB) or percent of the step's own peak (50%%) (default: the device's memory)")
        c.add_argument("--policy", help="how to plan, see layrub list policies (default: hybrid)")
        c.add_argument("--time-limit", type=float, default=0.0, metavar="SECONDS", help="of each search (default: none)")
        if name == "plan":
            c.add_argument("-o", "--output", metavar="PLAN.json", help="the file of the plan (default: none)")
        else:
            c.add_argument("--largest", metavar="NAME", help="search the largest seq, or another size (default: batch)")
            c.add_argument(
                "--slowdown", type=float, default=25.0, metavar="PERCENT",
                help="most that the largest size's plan may cost (default: 25)",
            )  # fmt: skip
            c.add_argument("--most", type=whole, default=65536, metavar="N", help="the largest size tried (default: 65536)")
    add_snapshot(commands)
    return top


def add_snapshot(commands: Any) -> None:
    text = "place the buffers of a memory snapshot anew: how much does its step fragment?"
    c = commands.add_parser("snapshot", help=text, description=text)
    c.add_argument("file", metavar="SNAPSHOT.pickle", help="of torch.cuda.memory._dump_snapshot()")
    c.add_argument("--gpu", type=int, metavar="N", help="the number of the GPU (default: the one with most events)")
    c.add_argument("--time-limit", type=float, default=0.0, metavar="SECONDS", help="of the search (default: none)")
    c.add_argument("-o", "--output", metavar="BUFFERS.csv", help="the file of the buffers, for layrub place (default: none)")


def whole(text: str) -> int:
    """A size that a step can have."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1, got '{text}'")
    return int(text)


def named_size(text: str) -> tuple[str, int]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise argparse.ArgumentTypeError(f"expected NAME=N, got '{text}'")
    return name, whole(value)


def run(args: argparse.Namespace) -> int:
    if args.command != "trace":
        layrub.version()  # a missing library is said before all else
    path = Path(args.file if args.command == "snapshot" else args.target.partition(":")[0])
    if not path.is_file():
        raise Refused(f"{path}: {'a folder, not a file' if path.is_dir() else 'no such file'}")
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Failed to initialize NumPy")  # nothing here needs it
            import torch  # noqa: F401
    except ImportError:
        sys.exit("layrub-torch: PyTorch is not installed: pip install torch")
    from layrub import answers

    return int(getattr(answers, args.command)(args))


def main(argv: list[str] | None = None) -> int:
    args = parser().parse_args(argv)
    try:
        return run(args)
    except (Refused, layrub.LayrubError) as e:
        print(f"layrub-torch: {e}", file=sys.stderr)
        return EXIT_NO if isinstance(e, layrub.LayrubError) and e.code == layrub.Code.INFEASIBLE else EXIT_BAD
    except ImportError as e:
        if e.name != "layrub":
            raise
        print(f"layrub-torch: {e}", file=sys.stderr)
        return EXIT_SYSTEM
    except KeyboardInterrupt:
        return 130
