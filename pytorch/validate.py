# SPDX-License-Identifier: Apache-2.0
"""validate.py - recordings without memory against real ones, on a GPU

    python3 pytorch/validate.py [-o FOLDER] [--csv FILE] [MODEL...]

For each model: the step recorded without memory and for real (the same ops over the same bytes?), the peak of the graph against
PyTorch's
own, and the sum of the op times against the step captured as one CUDA graph.  One line of JSON a model; FOLDER gets the graphs,
FILE a row a model, in the form of docs/data/pytorch-accuracy.csv.
"""

from __future__ import annotations

import argparse
import csv
import gc
import json
import statistics
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parent / "tests"))

import models  # noqa: E402

from layrub import graph, measure  # noqa: E402
from layrub.ghost import ghosts  # noqa: E402
from layrub.recorder import record  # noqa: E402
from layrub.tape import PERSISTENT, Tape  # noqa: E402

Made = tuple[torch.nn.Module, tuple[Any, ...], Callable[..., torch.Tensor]]


def images(model: Callable[[], torch.nn.Module], batch: int) -> Callable[[], Made]:
    def make() -> Made:
        m = model().cuda().train()
        x, y = torch.randn(batch, 3, 224, 224, device="cuda"), torch.randint(0, 1000, (batch,), device="cuda")
        return m, (x, y), lambda x, y: torch.nn.functional.cross_entropy(m(x), y)

    return make


def words(
    kind: str, batch: int, seq: int, dtype: torch.dtype = torch.float32, autocast: bool = False, **config: Any
) -> Callable[[], Made]:
    def make() -> Made:
        import transformers

        c = transformers.AutoConfig.for_model(kind, use_cache=False, **config)
        auto = transformers.AutoModelForMaskedLM if kind == "bert" else transformers.AutoModelForCausalLM
        m = auto.from_config(c).to(dtype).cuda().train()
        x = torch.randint(0, c.vocab_size, (batch, seq), device="cuda")

        def loss(x: torch.Tensor) -> torch.Tensor:
            with torch.autocast("cuda", dtype=torch.bfloat16, enabled=autocast):
                return m(input_ids=x, labels=x).loss

        return m, (x,), loss

    return make


def vit() -> torch.nn.Module:
    import transformers

    class Logits(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.vit = transformers.ViTForImageClassification(transformers.ViTConfig(num_labels=1000))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.vit(x).logits

    return Logits()


LLAMA = {
    "hidden_size": 2048, "intermediate_size": 8192, "num_hidden_layers": 16, "num_attention_heads": 32, "num_key_value_heads": 8,
    "vocab_size": 128256, "max_position_embeddings": 8192, "tie_word_embeddings": True,
}  # fmt: skip
BERT_LARGE = {"hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16, "intermediate_size": 4096}
SGD, ADAMW = "sgd", "adamw"
MODELS: dict[str, tuple[Callable[[], Made], str]] = {
    "resnet50": (images(lambda: models.ResNet(models.RESNET50), 128), SGD),
    "resnet152": (images(lambda: models.ResNet((3, 8, 36, 3)), 64), SGD),
    "vit-b16": (images(vit, 64), SGD),
    "gpt2": (words("gpt2", 16, 1024), SGD),
    "gpt2-bf16": (words("gpt2", 16, 1024, autocast=True), SGD),
    "bert-large": (words("bert", 16, 512, **BERT_LARGE), SGD),
    "llama-1b": (words("llama", 2, 2048, torch.bfloat16, **LLAMA), ADAMW),
}


def training(made: Made, optimizer: str, capturable: bool = False) -> Callable[..., torch.Tensor]:
    model, _, loss = made
    if optimizer == ADAMW:
        opt: torch.optim.Optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True, capturable=capturable)
    else:
        # One tensor at a time, as the tape has it.
        opt = torch.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9, foreach=not capturable)

    def step(*inputs: Any) -> torch.Tensor:
        out = loss(*inputs)
        out.backward()
        opt.step()
        opt.zero_grad(set_to_none=True)
        return out

    return step


def without_memory(make: Callable[[], Made], optimizer: str, name: str) -> tuple[Tape, float]:
    begin = time.perf_counter()
    with ghosts() as world:
        with world.building():
            made = make()
        tape = record(training(made, optimizer), made[1], "meta", name, read=world.known.read)
    return tape, time.perf_counter() - begin


def peak(tape: Tape) -> int:
    """Bytes of all tensors at the op where they are most, each rounded up to 512 as PyTorch's allocator does."""
    first: dict[int, int] = {}
    last: dict[int, int] = {}
    for i, entry in enumerate(tape.entries):
        for s in [*entry.reads, *entry.writes]:
            first.setdefault(s, i)
            last[s] = i
    change = [0] * (len(tape.entries) + 1)
    for s, begin in first.items():
        kind = tape.storages[s].kind
        size = -(-tape.storages[s].bytes // 512) * 512
        change[0 if kind in PERSISTENT else begin] += size
        change[len(tape.entries) if kind in PERSISTENT or kind == "result" else last[s] + 1] -= size
    most = now = 0
    for c, entry in zip(change, tape.entries, strict=False):
        now += c
        most = max(most, now + entry.workspace_bytes)
    return most


def differences(a: Tape, b: Tape) -> dict[str, Any]:
    """The first op by which the two differ."""
    x, y = graph.document(a), graph.document(b)
    for i, (p, q) in enumerate(zip(x["ops"], y["ops"], strict=False)):
        for key in ("name", "phase", "layer", "inputs", "outputs", "flops", "memory_bytes"):
            if p.get(key) != q.get(key):
                return {"op": i, "key": key, "without": f"{p['name']} {p.get(key)}", "real": f"{q['name']} {q.get(key)}"}
    if len(x["ops"]) != len(y["ops"]):
        return {"ops": [len(x["ops"]), len(y["ops"])]}
    changed = [t["id"] for t, u in zip(x["tensors"], y["tensors"], strict=False) if t != u]
    return {"tensors": [[x["tensors"][i], y["tensors"][i]] for i in changed[:3]]} if changed else {}


def real(make: Callable[[], Made], optimizer: str, name: str) -> tuple[Tape, dict[str, float]]:
    made = make()
    step = training(made, optimizer)
    for _ in range(3):
        step(*made[1])
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    step(*made[1])
    torch.cuda.synchronize()
    figures = {"max_memory_allocated": torch.cuda.max_memory_allocated()}
    tape = record(step, made[1], "cuda", name)
    torch.cuda.synchronize()
    return tape, figures


def captured(make: Callable[[], Made], optimizer: str) -> float:
    """Milliseconds of the step as one CUDA graph."""
    made = make()
    step = training(made, optimizer, capturable=True)
    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):
        for _ in range(3):
            step(*made[1])
    torch.cuda.synchronize()
    whole = torch.cuda.CUDAGraph()
    with torch.cuda.graph(whole, stream=stream):
        step(*made[1])
    times = []
    for _ in range(12):
        begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        begin.record()
        whole.replay()
        end.record()
        end.synchronize()
        times.append(begin.elapsed_time(end))
    return statistics.median(times[2:])


def clean() -> None:
    gc.collect()
    torch.cuda.synchronize()
    torch.cuda.empty_cache()


def validate(name: str, folder: Path | None) -> dict[str, Any]:
    make, optimizer = MODELS[name]
    ghost, seconds = without_memory(make, optimizer, name)
    row: dict[str, Any] = {"model": name, "ops": len(ghost.entries), "seconds": round(seconds, 2), "peak_bytes": peak(ghost)}
    tape, figures = real(make, optimizer, name)
    row |= figures | {"difference": differences(ghost, tape), "real_peak_bytes": peak(tape)}
    clean()
    begin = time.perf_counter()
    row |= measure.measure(ghost)
    row["measured_peak_bytes"] = peak(ghost)
    row["peak_ratio"] = round(row["measured_peak_bytes"] / row["max_memory_allocated"], 4)
    row["measuring_seconds"] = round(time.perf_counter() - begin, 1)
    row["sum_ms"] = round(sum(e.time_us or 0 for e in ghost.entries) / 1e3, 3)
    if folder is not None:
        graph.write(ghost, str(folder / f"{name}.graph.json"))
    clean()
    row["captured_ms"] = round(captured(make, optimizer), 3)
    clean()
    row["time_ratio"] = round(row["sum_ms"] / row["captured_ms"], 4)
    return row


CSV_COLUMNS = (
    "model", "torch", "device", "ops", "equal", "peak_recorded_bytes", "max_memory_allocated_bytes", "sum_of_op_times_us",
    "captured_step_us", "compiled",
)  # fmt: skip


def difference_text(difference: dict[str, Any]) -> str:
    """ "yes", or the first difference: "op 12: outputs", "ops", "tensors"."""
    if "op" in difference:
        return f"op {difference['op']}: {difference['key']}"
    return next(iter(difference), "yes")


def csv_append(path: Path, row: dict[str, Any]) -> None:
    """Appends a model's row; `equal` is "yes", or the first difference."""
    cells = {
        "model": row["model"],
        "torch": torch.__version__,
        "device": torch.cuda.get_device_name(),
        "ops": row["ops"],
        "equal": difference_text(row["difference"]),
        "peak_recorded_bytes": row["measured_peak_bytes"],
        "max_memory_allocated_bytes": row["max_memory_allocated"],
        "sum_of_op_times_us": round(1e3 * row["sum_ms"]),
        "captured_step_us": round(1e3 * row["captured_ms"]),
        "compiled": "yes" if row.get("compiled") else "no",
    }
    new = not path.exists() or path.stat().st_size == 0
    with open(path, "a", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, CSV_COLUMNS, lineterminator="\n")
        if new:
            writer.writeheader()
        writer.writerow(cells)


def main() -> None:
    parser = argparse.ArgumentParser(description="Recordings without memory against real ones, on a GPU.")
    parser.add_argument("models", nargs="*", default=list(MODELS), metavar="MODEL", help=" ".join(MODELS))
    parser.add_argument("-o", "--output", type=Path, help="a folder for the graphs and validate.jsonl")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="a row for each model, as in docs/data/pytorch-accuracy.csv")
    args = parser.parse_args()
    torch.backends.cuda.matmul.allow_tf32 = False
    for name in args.models:
        try:
            row = validate(name, args.output)
        except Exception as e:  # the other models are still worth their time
            traceback.print_exc()
            row = {"model": name, "error": f"{type(e).__name__}: {e}"[:500]}
        clean()
        print(json.dumps(row), flush=True)
        if args.csv is not None and "error" not in row:
            csv_append(args.csv, row)
        if args.output is not None:
            with open(args.output / "validate.jsonl", "a", encoding="utf-8") as out:
                out.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    main()
