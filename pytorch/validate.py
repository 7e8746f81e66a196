# SPDX-License-Identifier: Apache-2.0
"""validate.py - recordings without memory against real ones, on a GPU

    python3 pytorch/validate.py -o FOLDER [--csv FILE] [MODEL...]

Of each model, in processes of their own: the step recorded without a GPU (ghosts), on the GPU without memory (unmapped) and for
real; the peak of the real graph against PyTorch's own, and the sum of the op times against the step captured as one CUDA graph.
FOLDER gets the graphs and a line of JSON a model, validate.jsonl; FILE a row a model, in the form of
docs/data/pytorch-accuracy.csv.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import gc
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from steps import ADAMW, BERT_LARGE, LLAMA_1B, SGD, Made, Process, csv_append, images, resnet, training, vit, words  # noqa: E402

DEVICE = os.environ.get("LAYRUB_DEVICE", "h200")  # the document of the GPU that is there
PARTS = ("ghost", "unmapped", "real")
MODELS: dict[str, tuple[Callable[[], Made], str]] = {
    "resnet50": (images(resnet(3, 4, 6, 3), 128), SGD),
    "resnet152": (images(resnet(3, 8, 36, 3), 64), SGD),
    "vit-b16": (images(vit, 64), SGD),
    "gpt2": (words("gpt2", 16, 1024), SGD),
    "gpt2-bf16": (words("gpt2", 16, 1024, autocast=True), SGD),
    "bert-large": (words("bert", 16, 512, **BERT_LARGE), SGD),
    "llama-1b": (words("llama", 2, 2048, "bfloat16", **LLAMA_1B), ADAMW),
    "resnet50-compiled": (images(resnet(3, 4, 6, 3), 128, compiled=True), SGD),
    "vit-b16-compiled": (images(vit, 64, compiled=True), SGD),
    "gpt2-compiled": (words("gpt2", 16, 1024, compiled=True), SGD),
    "gpt2-bf16-compiled": (words("gpt2", 16, 1024, autocast=True, compiled=True), SGD),
    "bert-large-compiled": (words("bert", 16, 512, compiled=True, **BERT_LARGE), SGD),
    "llama-1b-compiled": (words("llama", 2, 2048, "bfloat16", compiled=True, **LLAMA_1B), ADAMW),
}


# ---- the parts, each in a process of its own: the graph goes to a file, the figures are returned ----


def ghost(name: str, path: str) -> dict[str, Any]:
    from layrub.ghost import ghosts
    from layrub.gpu import gpu

    with ghosts(gpu(DEVICE)) as world:
        return without_memory(name, path, world, "meta")


def unmapped(name: str, path: str) -> dict[str, Any]:
    from layrub.unmapped import unmapped as without

    with without() as world:
        return without_memory(name, path, world, "cuda", kernels_run=False)


def without_memory(name: str, path: str, world: Any, device: str, **how: Any) -> dict[str, Any]:
    from layrub import graph, workspace
    from layrub.recorder import record

    begin = time.perf_counter()
    make, optimizer = MODELS[name]
    with world.building():
        made = make()
    tape = record(training(made, optimizer), made[1], device, name, read=world.known.read, **how)
    if device == "meta":
        workspace.estimate(tape, world.gpu)
    graph.write(tape, path)
    return {"ops": len(tape.entries), "seconds": round(time.perf_counter() - begin, 2)}


def real(name: str, path: str) -> dict[str, Any]:
    os.environ["LAYRUB_ALLOCATOR"] = "pytorch"  # whose peak is asked for
    import torch

    from layrub import compiled, graph, measure
    from layrub.recorder import record
    from layrub.tape import PERSISTENT

    make, optimizer = MODELS[name]
    made = make()
    step = training(made, optimizer)
    with compiled.launches(compiled.call):
        step(*made[1])
        clean()
        print("ready", flush=True)  # compiled; what follows has the GPU for itself
        sys.stdin.readline()
        step(*made[1])
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
        step(*made[1])
        torch.cuda.synchronize()
    row: dict[str, Any] = {"torch": torch.__version__, "device": torch.cuda.get_device_name()}
    row["max_memory_allocated"] = torch.cuda.max_memory_allocated()
    begin = time.perf_counter()
    tape = record(step, made[1], "cuda", name)
    row["recording_seconds"] = round(time.perf_counter() - begin, 2)
    del made, step
    clean()
    begin = time.perf_counter()
    measured = measure.measure(tape)
    row |= {"distinct": measured.distinct, "uncaptured": measured.uncaptured, "load": str(measured.load)}
    row["measuring_seconds"] = round(time.perf_counter() - begin, 1)
    row["sum_ms"] = round(sum(e.time_us or 0 for e in tape.entries) / 1e3, 3)
    clean()
    row["captured_ms"] = round(captured(tape), 3)
    tape.notes.append(f"one training step of {name}, recorded and measured by pytorch/validate.py, PyTorch {torch.__version__}")
    measured = {"device": row["device"], "step_time_us": 1e3 * row["captured_ms"], "peak_bytes": row["max_memory_allocated"]}
    graph.write(tape, path, measured | {"resident_bytes": sum(s.bytes for s in tape.storages if s.kind in PERSISTENT)})
    return row


def captured(tape: Any) -> float:
    """Milliseconds of the tape as one CUDA graph with everything resident, after as long a time under load as the ops had."""
    import torch

    from layrub import measure, resident
    from layrub.capture import capture
    from layrub.tape import PERSISTENT, Leaf

    found: dict[int, Any] = {}
    for entry in tape.entries:
        for position, a in enumerate(entry.arguments):
            if isinstance(a, Leaf) and a.storage not in found and tape.storages[a.storage].kind in PERSISTENT:
                found[a.storage] = torch.UntypedStorage(tape.storages[a.storage].bytes, device="cuda")
                t = a.over(found[a.storage])
                measure.fill(t, entry, position)
                if tape.storages[a.storage].kind == "parameter":
                    t.mul_(0.02)  # as they begin; larger ones end in NaN, on which products draw less power and run faster
    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):
        for _ in range(2):
            resident.run(tape, dict(found))
        torch.cuda.synchronize()
        whole = capture(lambda: resident.run(tape, dict(found)), stream)
    times = []
    begin = time.perf_counter()
    while len(times) < 12 or time.perf_counter() - begin < 2 * measure.WARM_S:
        times.append(measure.events(whole.replay) / 1e3)
    return statistics.median(times[len(times) // 2 :])


def clean() -> None:
    import torch

    gc.collect()
    torch.cuda.synchronize()
    torch.cuda.empty_cache()


# ---- comparison ----


def peak(doc: dict[str, Any]) -> int:
    """Bytes of all tensors at the op where they are most, each rounded up to 512 as PyTorch's allocator does."""
    first: dict[int, int] = {}
    last: dict[int, int] = {}
    for i, op in enumerate(doc["ops"]):
        for t in [*op["inputs"], *op["outputs"]]:
            first.setdefault(t, i)
            last[t] = i
    change = [0] * (len(doc["ops"]) + 1)
    for t in doc["tensors"]:
        size = -(-t["bytes"] // 512) * 512
        persistent = t["kind"] in ("parameter", "state", "optimizer", "input")
        change[0 if persistent else first[t["id"]]] += size
        change[len(doc["ops"]) if persistent or t["kind"] == "result" else last[t["id"]] + 1] -= size
    most = now = 0
    for c, op in zip(change, doc["ops"], strict=False):
        now += c
        most = max(most, now + op["workspace_bytes"])
    return most


def difference(x: dict[str, Any], y: dict[str, Any]) -> str:
    """The first thing by which two graphs differ but times and workspaces; "": none."""
    for i, (p, q) in enumerate(zip(x["ops"], y["ops"], strict=False)):
        for key in ("name", "phase", "layer", "inputs", "outputs", "flops", "memory_bytes"):
            if p.get(key) != q.get(key):
                return f"op {i}: {key}: {p['name']} {p.get(key)}, real: {q['name']} {q.get(key)}"
    if len(x["ops"]) != len(y["ops"]):
        return f"{len(x['ops'])} ops, real: {len(y['ops'])}"
    pairs = zip(x["tensors"], y["tensors"], strict=False)
    return next((f"tensor {t}, real: {u}" for t, u in pairs if t != u), "")


def row_of(name: str, figures: dict[str, dict[str, Any]], folder: Path) -> dict[str, Any]:
    docs = {part: json.loads(graph_path(folder, name, part).read_text()) for part in figures if "error" not in figures[part]}
    row: dict[str, Any] = {"model": name} | {part: f for part, f in figures.items() if part != "real"} | figures.get("real", {})
    if "real" in docs:
        row["ops"] = len(docs["real"]["ops"])
        row["peak_bytes"] = peak(docs["real"])
        row["peak_ratio"] = round(row["peak_bytes"] / row["max_memory_allocated"], 4)
        row["time_ratio"] = round(row["sum_ms"] / row["captured_ms"], 4)
        for part in docs.keys() - {"real"}:
            row[part]["difference"] = difference(docs[part], docs["real"])
            row[part]["peak_ratio"] = round(peak(docs[part]) / row["max_memory_allocated"], 4)
    return row


def graph_path(folder: Path, name: str, part: str) -> Path:
    return folder / f"{name}.{part}.graph.json"


CSV_COLUMNS = (
    "model", "torch", "device", "ops", "equal", "peak_recorded_bytes", "max_memory_allocated_bytes", "sum_of_op_times_us",
    "captured_step_us", "compiled",
)  # fmt: skip


def csv_row(row: dict[str, Any]) -> dict[str, Any]:
    """A model's row; `equal` is "yes", or the place of the first difference, without commas."""
    found = [row[part].get("difference", row[part].get("error", "")) for part in PARTS if part in row]
    return {
        "model": row["model"].removesuffix("-compiled"),
        "torch": row["torch"],
        "device": row["device"],
        "ops": row["ops"],
        "equal": next((":".join(d.split(":")[:2]).replace(",", "") for d in found if d), "yes"),
        "peak_recorded_bytes": row["peak_bytes"],
        "max_memory_allocated_bytes": row["max_memory_allocated"],
        "sum_of_op_times_us": round(1e3 * row["sum_ms"]),
        "captured_step_us": round(1e3 * row["captured_ms"]),
        "compiled": "yes" if row["model"].endswith("-compiled") else "no",
    }


# ---- processes ----


def begin(name: str, part: str, folder: Path) -> Process:
    return Process(__file__, ["--part", part, "-o", str(folder), name], folder / f"{name}.{part}.log")


def without_gpu_time(names: list[str], parts: list[str], folder: Path) -> dict[tuple[str, str], dict[str, Any]]:
    """The figures of all parts without memory, several at a time."""
    wanted = [(n, p) for n in names for p in parts if p != "real" and not (p == "ghost" and n.endswith("-compiled"))]
    with concurrent.futures.ThreadPoolExecutor(max(1, (os.cpu_count() or 2) // 3)) as several:
        return dict(zip(wanted, several.map(lambda key: begin(*key, folder).result(), wanted), strict=True))


def main() -> None:
    parser = argparse.ArgumentParser(description="Recordings without memory against real ones, on a GPU.")
    parser.add_argument("models", nargs="*", metavar="MODEL", help=" ".join(MODELS))
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="a row for each model, as in docs/data/pytorch-accuracy.csv")
    parser.add_argument("--part", choices=PARTS, help="only this part of one model, in this process")
    parser.add_argument("--parts", default=",".join(PARTS), help="default: all")
    args = parser.parse_args()
    folder: Path = args.output
    folder.mkdir(exist_ok=True)
    models = args.models or list(MODELS)
    if args.part:
        figures = {"ghost": ghost, "unmapped": unmapped, "real": real}[args.part](
            models[0], str(graph_path(folder, models[0], args.part))
        )
        print(json.dumps(figures), flush=True)
        os._exit(0)  # tensors without memory are not to be freed
    parts = args.parts.split(",")
    figures = without_gpu_time(models, parts, folder)
    real_parts = {n: begin(n, "real", folder) for n in models} if "real" in parts else {}
    for part in real_parts.values():
        part.wait_until_ready()
    for name in models:
        of_model = {p: f for (n, p), f in figures.items() if n == name}
        if name in real_parts:
            of_model["real"] = real_parts[name].result()
        row = row_of(name, of_model, folder)
        print(json.dumps(row), flush=True)
        with open(folder / "validate.jsonl", "a", encoding="utf-8") as out:
            out.write(json.dumps(row) + "\n")
        if args.csv is not None and "captured_ms" in row:
            csv_append(args.csv, CSV_COLUMNS, csv_row(row))


if __name__ == "__main__":
    main()
