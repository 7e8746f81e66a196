# SPDX-License-Identifier: Apache-2.0
"""steps.py - training steps of full size on a GPU, for validate.py, peers.py and truth.py; bench.py has one of its networks"""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent / "tests"))

Made = tuple[Any, tuple[Any, ...], Callable[..., Any]]  # module, inputs, loss of the inputs
SGD, ADAMW = "sgd", "adamw"


def images(model: Callable[[], Any], batch: int, compiled: bool | str = False) -> Callable[[], Made]:
    def make() -> Made:
        import torch

        with torch.device("cuda"):
            m = model().train()
        if compiled:
            m.compile(mode=compiled if isinstance(compiled, str) else None)
        x, y = torch.randn(batch, 3, 224, 224, device="cuda"), torch.randint(0, 1000, (batch,), device="cuda")
        return m, (x, y), lambda x, y: torch.nn.functional.cross_entropy(m(x), y)

    return make


def resnet(*blocks: int) -> Callable[[], Any]:
    def make() -> Any:
        import models

        return models.ResNet(blocks)

    return make


def vit() -> Any:
    import torch
    import transformers

    class Logits(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.vit = transformers.ViTForImageClassification(transformers.ViTConfig(num_labels=1000))

        def forward(self, x: Any) -> Any:
            return self.vit(x).logits

    return Logits()


def words(
    kind: str, batch: int, seq: int, dtype: str = "float32", autocast: bool = False, compiled: bool | str = False, **config: Any
) -> Callable[[], Made]:
    def make() -> Made:
        import torch
        import transformers

        c = transformers.AutoConfig.for_model(kind, use_cache=False, **config)
        auto = transformers.AutoModelForMaskedLM if kind == "bert" else transformers.AutoModelForCausalLM
        before = torch.get_default_dtype()
        torch.set_default_dtype(getattr(torch, dtype))
        try:
            with torch.device("cuda"):
                m = auto.from_config(c).train()
        finally:
            torch.set_default_dtype(before)
        if compiled:
            m.compile(mode=compiled if isinstance(compiled, str) else None)
        x = torch.randint(0, c.vocab_size, (batch, seq), device="cuda")

        def loss(x: Any) -> Any:
            with torch.autocast("cuda", dtype=torch.bfloat16, enabled=autocast):
                return m(input_ids=x, labels=x).loss

        return m, (x,), loss

    return make


LLAMA_8B = {
    "hidden_size": 4096, "intermediate_size": 14336, "num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 8,
    "vocab_size": 128256, "max_position_embeddings": 8192,
}  # fmt: skip
LLAMA_1B = {
    "hidden_size": 2048, "intermediate_size": 8192, "num_hidden_layers": 16, "num_attention_heads": 32, "num_key_value_heads": 8,
    "vocab_size": 128256, "max_position_embeddings": 8192, "tie_word_embeddings": True,
}  # fmt: skip
BERT_LARGE = {"hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16, "intermediate_size": 4096}


def training(made: Made, optimizer: str) -> Callable[..., Any]:
    import torch

    model, _, loss = made
    if optimizer == ADAMW:
        opt: Any = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True, capturable=True)
    else:
        opt = torch.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9, foreach=True)

    def step(*inputs: Any) -> Any:
        out = loss(*inputs)
        out.backward()
        opt.step()
        opt.zero_grad(set_to_none=True)
        return out

    step.optimizer = opt  # type: ignore[attr-defined]
    return step


class Process:
    """A script in a process of its own, which may print "ready" and wait for a line; its last line is its result, in JSON."""

    def __init__(self, script: str, arguments: list[str], log: Path, environment: dict[str, str] | None = None) -> None:
        self._log = log
        with open(log, "w") as out:
            self._process = subprocess.Popen(
                [sys.executable, script, *arguments],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=out, text=True, env=environment,
            )  # fmt: skip

    def wait_until_ready(self) -> None:
        assert self._process.stdout is not None
        while self._process.poll() is None and self._process.stdout.readline().strip() not in ("ready", ""):
            pass

    def lines(self) -> Iterator[str]:
        """What the script prints in JSON, as it comes; then {"error": its last line} where it fails."""
        assert self._process.stdout is not None
        yield from (line.rstrip() for line in self._process.stdout if line.startswith("{"))
        if self._process.wait() != 0:
            yield json.dumps(self._error())

    def _error(self) -> dict[str, str]:
        lines = self._log.read_text().strip().splitlines()
        return {"error": (lines or [f"ended by {self._process.returncode}"])[-1][:400]}

    def result(self) -> Any:
        """Lets the script go on, and returns its result, or {"error": its last line}."""
        out = self._process.communicate("go\n" if self._process.poll() is None else None)[0]
        if self._process.returncode != 0:
            return self._error()
        return json.loads(out.strip().splitlines()[-1])


def csv_append(path: Path, columns: Sequence[str], row: dict[str, Any]) -> None:
    """Appends the row's columns; a new or empty file gets a head."""
    new = not path.exists() or path.stat().st_size == 0
    with open(path, "a", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, columns, lineterminator="\n", extrasaction="ignore")
        if new:
            writer.writeheader()
        writer.writerow(row)
