# SPDX-License-Identifier: Apache-2.0
"""truth.py - plans of real training steps, predicted and measured, on a GPU

    python3 pytorch/truth.py -o FOLDER [--csv FILE] [--set calibration|report] [STEP...]

Each step is recorded once, in a process of its own, and runs inside plans of several policies and budgets.  FILE gets a row a
plan, in the form of docs/data/pytorch-plans.csv; FOLDER gets the plans, which carry their device, so that another simulator can
time them again (`layrub simulate`), and traces of the plans with a `*`, for `layrub report --measured`.  Figures of the simulator
that are fitted to such rows are fitted to the steps of the set `calibration`; docs/validation.md reports the other set.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from peers import HOST, MIB, ROWS, make_step, milliseconds, process_mib  # noqa: E402
from steps import BERT_LARGE, SGD, Process, csv_append, words  # noqa: E402

WARM = 3  # steps before those that are timed
CALIBRATION, REPORT = "calibration", "report"
RIVALS = ("checkpoint-sqrt", "layrub", "vdnn-all", "superneurons", "capuchin")  # each at the step's roomiest budget

# The set of a step, and its budgets in MiB from the roomiest on; a `*` asks for a trace.
STEPS: dict[str, tuple[str, str]] = {
    "gpt2-bf16-compiled": (REPORT, "10200 9064* 8300 7667* 7000"),
    "vit-b16": (CALIBRATION, "6000 4000 2800 1999* 1500"),
    "resnet50-compiled": (REPORT, "8000 6097 4756* 3900 3000*"),
    "llama-1b-compiled": (REPORT, "12000 10500 9000* 7500 6000*"),
    "bert-large": (CALIBRATION, "16000 12000 9000* 7000"),
    "gpt2": (REPORT, "24000 18000 15000 11118*"),
    "resnet1517": (REPORT, "16000 11700* 8000*"),
}
EXTRA = {"bert-large": lambda how: words("bert", 16, 512, compiled=how, **BERT_LARGE)}

COLUMNS = (
    "set", "step", "policy", "torch", "device", "budget_mib", "mib", "ms", "predicted_ms", "ideal_ms", "bound_ms", "stall_ms",
    "rerun_ms", "moved_mib", "process_mib", "held_mib", "context_mib",
)  # fmt: skip


def plans(name: str) -> list[tuple[int, str | None, bool]]:
    """Budget in MiB, policy and whether a trace is wanted; the first is the one to compile with."""
    budgets = STEPS[name][1].split()
    own = [(int(b.rstrip("*")), None, b.endswith("*")) for b in budgets]
    return own + [(own[0][0], policy, False) for policy in RIVALS]


def run(name: str, folder: Path) -> None:
    """Prints a line of JSON a plan."""
    import torch

    import layrub
    from layrub import measured

    def again() -> Any:
        return step(*made[1])

    torch.zeros(1, device="cuda")
    context = process_mib()
    row = ROWS.get(name)
    if row is None:
        from peers import Row

        row = Row(EXTRA[name], SGD, False, ())
    made, train_step = make_step(row, "plans")
    step: Any = None
    for number, (budget, policy, traced) in enumerate(plans(name)):
        begin = time.perf_counter()
        found: dict[str, Any] = {"set": STEPS[name][0], "step": name, "policy": policy or "hybrid", "budget_mib": budget}
        try:
            if step is None:
                step = layrub.compile(train_step, made[1], budget * MIB, policy=policy, host=HOST)
                print(json.dumps({"load": repr(step.recording.load)}), flush=True)
            else:
                step.replan(budget * MIB, policy)
        except (layrub.DoesNotFit, layrub.LayrubError) as e:
            print(json.dumps(found | {"error": str(e)[:200]}), flush=True)
            continue
        for _ in range(WARM):
            again()
        figures, form = step.plan.figures, step._forms[-1]
        found |= {
            "ms": milliseconds(again),
            "replay_ms": milliseconds(form.executor.replay) if form.executor.is_captured else None,
            "mib": round(figures.arena_bytes / MIB),
            "predicted_ms": round(figures.step_time_us / 1e3, 3),
            "ideal_ms": round(figures.ideal_time_us / 1e3, 3),
            "bound_ms": round(figures.bound_time_us / 1e3, 3),
            "stall_ms": round(figures.stall_time_us / 1e3, 3),
            "rerun_ms": round(figures.recompute_time_us / 1e3, 3),
            "moved_mib": round((figures.offload_bytes + figures.fetch_bytes) / MIB),
            "process_mib": process_mib(),
            "held_mib": round(step._homes.arena.nbytes / MIB),
            "context_mib": context,
            "uncaptured": step.uncaptured,
            "torch": torch.__version__,
            "device": torch.cuda.get_device_name(),
        }
        with gzip.open(folder / f"{name}.{number}.plan.json.gz", "wt") as out:
            out.write(step.plan.text())
        if traced:
            path = folder / f"{name}.{number}.trace.json"
            measured.trace(form.executor, again, str(path))
            shorten(path)
        print(json.dumps(found | {"number": number, "seconds": round(time.perf_counter() - begin, 1)}), flush=True)


KEPT = ("kernel", "gpu_memcpy", "gpu_memset", "cuda_runtime", "cuda_driver", "cpu_op", "user_annotation")


def shorten(path: Path) -> None:
    """Packs a trace, without what no report reads."""
    trace = json.loads(path.read_text(encoding="utf-8"))
    events = [
        e
        for e in trace["traceEvents"]
        if e.get("cat") in KEPT and (e["cat"] not in ("cpu_op", "user_annotation") or e["name"].startswith("layrub "))
    ]
    with gzip.open(f"{path}.gz", "wt", encoding="utf-8") as out:
        json.dump({"traceEvents": events}, out)
    path.unlink()


def main() -> None:
    parser = argparse.ArgumentParser(description="Plans of real training steps, predicted and measured, on a GPU.")
    parser.add_argument("steps", nargs="*", metavar="STEP", help=" ".join(STEPS))
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="a row for each plan, as in docs/data/pytorch-plans.csv")
    parser.add_argument("--set", choices=(CALIBRATION, REPORT), help="only the steps of this set")
    parser.add_argument("--one", action="store_true", help="this step, in this process")
    args = parser.parse_args()
    args.output.mkdir(exist_ok=True)
    if args.one:
        run(args.steps[0], args.output)
        return
    for name in args.steps or [n for n, (of, _) in STEPS.items() if args.set in (None, of)]:
        process = Process(__file__, ["--one", "-o", str(args.output), name], args.output / f"{name}.log", dict(os.environ))
        for line in process.lines():
            print(line, flush=True)
            found = json.loads(line)
            if args.csv is not None and "ms" in found:
                csv_append(args.csv, COLUMNS, found)


if __name__ == "__main__":
    main()
