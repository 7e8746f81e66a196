# SPDX-License-Identifier: Apache-2.0
"""peers.py - training inside plans beside what PyTorch's users do, on a GPU

    python3 pytorch/peers.py -o FOLDER [--csv FILE] [STEP...]

Each way of a step in a process of its own: PyTorch with everything resident, a checkpoint for each block, torch.compile with
CUDA graphs and with budgets for activations; then plans for the row's budgets.  The median of STEPS_TIMED steps by the GPU's
clock, the bytes that PyTorch reports or those of the arena, and the first losses.  FOLDER gets a line of JSON a way,
peers.jsonl; FILE a row a way, in the form of docs/data/pytorch-training.csv.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from steps import ADAMW, LLAMA_1B, LLAMA_8B, SGD, Made, Process, csv_append, images, resnet, training, vit, words  # noqa: E402

STEPS_TIMED, STEPS_BEFORE = 20, 5
MIB = 1 << 20
HOST = 100 << 30  # bytes that a plan may pin

NO_DROPOUT = {"attn_pdrop": 0.0, "resid_pdrop": 0.0, "embd_pdrop": 0.0}


@dataclass(frozen=True)
class Row:
    """make: the step, by how its module is compiled.  budgets: MiB."""

    make: Callable[[bool | str], Callable[[], Made]]
    optimizer: str
    compiled: bool
    budgets: tuple[int, ...]
    alone: bool = False  # the GPU and the host hold one such step at a time


ROWS = {
    "resnet50-compiled": Row(lambda how: images(resnet(3, 4, 6, 3), 128, how), SGD, True, (6097, 4756, 3000)),
    "gpt2-bf16-compiled": Row(
        lambda how: words("gpt2", 16, 1024, autocast=True, compiled=how, **NO_DROPOUT), SGD, True, (9064, 7667)
    ),
    "gpt2": Row(lambda how: words("gpt2", 16, 1024, compiled=how, **NO_DROPOUT), SGD, False, (11118,)),
    "vit-b16": Row(lambda how: images(vit, 64, how), SGD, False, (1999,)),
    "resnet1517": Row(lambda how: images(resnet(6, 32, 461, 6), 16, how), SGD, False, (11700, 8000)),
    "llama-1b-compiled": Row(
        lambda how: words("llama", 2, 2048, "bfloat16", compiled=how, **LLAMA_1B), ADAMW, True, (9000, 6000)
    ),
    "llama-8b-compiled": Row(
        lambda how: words("llama", 8, 2048, "bfloat16", compiled=how, **LLAMA_8B), ADAMW, True, (23552,), alone=True
    ),
}

PLANS = "plans"
EAGER = ("eager", "checkpoint")
COMPILED = ("compiled", "cuda-graphs", "activations-0.5", "activations-0.2")


def ways(row: Row) -> list[str]:
    if row.alone:
        return ["compiled" if row.compiled else "eager", PLANS]
    return [*(COMPILED if row.compiled else EAGER), PLANS]


# ---- one way, in this process ----


def make_step(row: Row, way: str) -> tuple[Made, Callable[..., Any]]:
    import torch

    torch.manual_seed(7)
    if way.startswith("activations"):
        import torch._functorch.config

        torch._functorch.config.activation_memory_budget = float(way.partition("-")[2])
    made = row.make("reduce-overhead" if way == "cuda-graphs" else row.compiled)()
    if way == "checkpoint":
        checkpoint_blocks(made[0])
    return made, training(made, row.optimizer)


def checkpoint_blocks(model: Any) -> None:
    from torch.utils.checkpoint import checkpoint

    for module in model.modules():
        if hasattr(module, "gradient_checkpointing_enable"):
            module.gradient_checkpointing_enable()
            return
    for block in model.blocks:
        block.forward = lambda *a, forward=block.forward: checkpoint(forward, *a, use_reentrant=False)


def rival(row: Row, way: str) -> list[dict[str, Any]]:
    """A step as PyTorch runs it."""
    import torch

    made, step = make_step(row, way)
    losses = [step(*made[1]).item() for _ in range(2)]
    ready()
    losses += [step(*made[1]).item() for _ in range(STEPS_BEFORE - 2)]
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    ms = milliseconds(lambda: step(*made[1]))
    return [{"ms": ms, "mib": round(torch.cuda.max_memory_allocated() / MIB), "process_mib": process_mib(), "losses": losses}]


def ours(row: Row, way: str) -> list[dict[str, Any]]:
    """The step inside plans: recorded once, planned for each budget."""
    import torch

    import layrub

    made, train_step = make_step(row, way)
    seconds = time.perf_counter()
    step: Any = layrub.compile(train_step, made[1], row.budgets[0] * MIB, host=HOST)
    seconds = time.perf_counter() - seconds
    start = None if len(row.budgets) == 1 else (to_host(made[0].state_dict()), to_host(train_step.optimizer.state_dict()))
    ready()
    found = []
    for budget in row.budgets:
        if start is not None and found:
            begin = time.perf_counter()
            step.replan(budget * MIB)
            seconds = time.perf_counter() - begin
            made[0].load_state_dict(start[0])
            train_step.optimizer.load_state_dict(start[1])
        losses = [step(*made[1]).item() for _ in range(STEPS_BEFORE)]
        ms = milliseconds(lambda: step(*made[1]))
        figures = step.plan.figures
        found.append(
            {
                "budget_mib": budget,
                "ms": ms,
                "mib": round(figures.arena_bytes / MIB),
                "process_mib": process_mib(),
                "losses": losses,
                "predicted_ms": round(figures.step_time_us / 1e3, 3),
                "ideal_ms": round(figures.ideal_time_us / 1e3, 3),
                "bound_ms": round(figures.bound_time_us / 1e3, 3),
                "host_mib": round(figures.host_bytes / MIB),
                "uncaptured": step.uncaptured,
                "seconds": round(seconds, 1),
                "ops": len(step.recording.tape.entries),
            }
        )
        print(json.dumps(found[-1]), file=sys.stderr, flush=True)
        torch.cuda.synchronize()
    return found


def to_host(value: Any) -> Any:
    import torch
    from torch.utils._pytree import tree_map

    return tree_map(lambda v: v.detach().to("cpu", copy=True) if isinstance(v, torch.Tensor) else v, value)


def ready() -> None:
    """What has to be compiled, recorded and planned is; from here on the step has the GPU for itself."""
    import torch

    gc.collect()
    torch.cuda.synchronize()
    print("ready", flush=True)
    sys.stdin.readline()


def milliseconds(run: Callable[[], Any]) -> float:
    """The median step of a loop that does not wait for the GPU."""
    import torch

    marks = [torch.cuda.Event(enable_timing=True) for _ in range(STEPS_TIMED + 1)]
    torch.cuda.synchronize()
    for mark in marks[:-1]:
        mark.record()
        run()
    marks[-1].record()
    torch.cuda.synchronize()
    return round(statistics.median(a.elapsed_time(b) for a, b in zip(marks, marks[1:], strict=False)), 2)


def process_mib() -> int:
    """What is taken on the GPU, by this process and those that wait."""
    import torch

    free, whole = torch.cuda.mem_get_info()
    return round((whole - free) / MIB)


# ---- all ways ----


def begin(name: str, way: str, folder: Path) -> Process:
    environment = os.environ | ({} if way == PLANS else {"LAYRUB_ALLOCATOR": "pytorch"})
    return Process(__file__, ["--way", way, "-o", str(folder), name], folder / f"{name}.{way}.log", environment)


CSV_COLUMNS = (
    "step", "way", "torch", "device", "budget_mib", "mib", "ms", "predicted_ms", "ideal_ms", "bound_ms", "host_mib", "losses",
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description="Training inside plans beside what PyTorch's users do, on a GPU.")
    parser.add_argument("steps", nargs="*", metavar="STEP", help=" ".join(ROWS))
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="a row for each way, as in docs/data/pytorch-training.csv")
    parser.add_argument("--way", help="only this way of one step, in this process")
    parser.add_argument("--ways", help="default: all that are usual for the step")
    args = parser.parse_args()
    folder: Path = args.output
    folder.mkdir(exist_ok=True)
    if args.way:
        import torch

        row = ROWS[args.steps[0]]
        found = ours(row, args.way) if args.way == PLANS else rival(row, args.way)
        machine = {"torch": torch.__version__, "device": torch.cuda.get_device_name()}
        print(json.dumps([f | machine for f in found]), flush=True)
        return
    for name in args.steps or list(ROWS):
        wanted = args.ways.split(",") if args.ways else ways(ROWS[name])
        wanted.sort(key=lambda way: way != PLANS)  # ops are measured while nothing else has begun
        begun: dict[str, Process] = {}
        for way in wanted:
            if way not in begun:
                together = [way] if way == PLANS or ROWS[name].alone else [w for w in wanted if w != PLANS]
                begun |= {w: begin(name, w, folder) for w in together}
                for w in together:
                    begun[w].wait_until_ready()
            rows = begun[way].result()
            for row in rows if isinstance(rows, list) else [rows]:
                row = {"step": name, "way": way} | row
                print(json.dumps(row), flush=True)
                with open(folder / "peers.jsonl", "a", encoding="utf-8") as out:
                    out.write(json.dumps(row) + "\n")
                if args.csv is not None and "ms" in row:
                    csv_append(args.csv, CSV_COLUMNS, row | {"losses": " ".join(f"{x:.9g}" for x in row["losses"])})


if __name__ == "__main__":
    main()
