# SPDX-License-Identifier: Apache-2.0
"""The examples train, and their plans need less memory than everything resident."""

from __future__ import annotations

import re
import runpy
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

import running  # noqa: E402

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


@pytest.fixture(autouse=True)
def _one_thread(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with running.one_thread():
        yield


@pytest.mark.parametrize("name", ["images", "gpt", "lora"])
def test_example(name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "gpt.pt"
    monkeypatch.setattr(sys, "argv", [name, "--steps", "10", *(["--save", str(file)] if name == "gpt" else [])])
    runpy.run_path(str(EXAMPLES / f"{name}.py"), run_name="__main__")
    said = capsys.readouterr().out
    resident, planned = re.search(r"everything resident: ([\d.]+) .iB; this plan: ([\d.]+) .iB", said).groups()
    assert float(planned) < 0.5 * float(resident)
    assert "step 10: loss" in said and "nan" not in said
    if name == "gpt":
        size = sum(t.numel() * 4 for t in torch.load(file)["model"].values())
        assert file.stat().st_size < 4 * size
