# SPDX-License-Identifier: Apache-2.0
"""A measured step over the simulated one: the trace that step.report() makes, and what it says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from running import DEVICE  # noqa: E402

import layrub  # noqa: E402
from layrub import measured  # noqa: E402


def small() -> tuple[Any, Any]:
    torch.manual_seed(3)
    model = torch.nn.Sequential(torch.nn.Linear(32, 64), torch.nn.ReLU(), torch.nn.Linear(64, 8)).to(DEVICE)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    def train(x: Any) -> Any:
        loss = model(x).square().mean()
        loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        return loss

    return train, torch.randn(16, 32, device=DEVICE)


def test_report(tmp_path: Path) -> None:
    """The report is drawn, and its words name the step's parts; the step trains on."""
    train, x = small()
    step = layrub.compile(train, (x,), "1MiB")
    before = step(x).item()
    text = step.report(str(tmp_path / "run.json"), x)  # which needs no gnuplot
    events = json.loads((tmp_path / "run.json").read_text())["traceEvents"]
    assert {e["args"]["name"] for e in events if e["name"] == "process_name"} == {"simulated", "measured"}
    rows = {line[:24].strip(): line[24:].split() for line in text.splitlines() if line[:1].isalpha()}
    assert {"step", "ops", "addmm"} <= rows.keys()
    assert step.report(None, x).startswith("the median of")
    assert step(x).item() < before
    step.close()


def test_spans_are_off_afterwards(tmp_path: Path) -> None:
    """Also where a step fails."""
    train, x = small()
    step = layrub.compile(train, (x,), "1MiB")
    executor = step._forms[-1].executor

    def broken() -> None:
        raise ValueError("no step")

    with pytest.raises(ValueError, match="no step"):
        measured._op_by_op(executor, broken, 1)
    assert not executor.spans
    step.close()


def test_without_the_program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LAYRUB_COMMAND", str(tmp_path / "none"))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(measured, "library", lambda: type("Library", (), {"_name": str(tmp_path / "lib.so")}))
    with pytest.raises(FileNotFoundError, match="LAYRUB_COMMAND"):
        measured._command()
