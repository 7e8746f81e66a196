# SPDX-License-Identifier: Apache-2.0
"""layrub.trace() and layrub.record(): recordings as objects."""

from __future__ import annotations

import ctypes
import json
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

import layrub  # noqa: E402


def net(batch: int = 4) -> tuple[nn.Module, torch.Tensor]:
    return nn.Sequential(nn.Linear(64, 256), nn.GELU(), nn.Linear(256, 8)).cuda(), torch.randn(batch, 64, device="cuda")


def test_trace(tmp_path: Path) -> None:
    recording = layrub.trace(net, device="h100", optimizer="momentum", batch=32)
    assert isinstance(recording, layrub.Trace)
    assert {op["name"] for op in recording.graph["ops"]} >= {"addmm", "gelu", "gelu_backward"}
    with recording.problem() as problem:
        peak = problem.needs.peak_bytes
        assert problem.device.name == "h100"
    assert peak >= (64 * 256 + 256 * 8) * 4 * 3
    with recording.problem("gtx1080ti") as other:
        assert other.device.name == "gtx1080ti"
    with recording.plan(peak) as plan, recording.plan("100%", "rtx4090") as other:
        assert plan.figures.arena_bytes <= peak and other.device.name == "rtx4090"
    recording.write(tmp_path / "g.json")
    assert json.loads((tmp_path / "g.json").read_text()) == recording.graph


def test_a_module_on_the_host_is_recorded_without_memory() -> None:
    model, x = nn.Linear(64, 8), torch.randn(4, 64)
    before = {k: v.clone() for k, v in model.state_dict().items()}
    recording = layrub.record(model, x, device="h100", optimizer="sgd")
    assert recording.graph["name"] == "Linear"
    assert [op["name"] for op in recording.graph["ops"]][0] == "addmm"
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())
    by_name = layrub.record(nn.Linear(64, 8), {"input": x}, optimizer="sgd")
    assert by_name.graph["tensors"] == recording.graph["tensors"]
    with pytest.raises(ValueError, match="no device"):
        by_name.problem()


@pytest.mark.parametrize("inputs", [torch.ones(4, 64), (torch.ones(4, 64),), {"x": torch.ones(4, 64)}])
def test_a_step_runs_on_its_own_tensors(inputs: Any) -> None:
    model = nn.Linear(64, 8)
    optimizer = torch.optim.Adam(model.parameters())
    seen = []

    def step(x: torch.Tensor) -> torch.Tensor:
        loss = model(x).mean()
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        seen.append(struct.unpack("f", ctypes.string_at(loss.data_ptr(), 4))[0])  # a look that no op sees
        return loss

    recording = layrub.record(step, inputs)
    assert len(seen) == 2 and seen[0] != seen[1]  # it trained twice
    kinds = [t["kind"] for t in recording.graph["tensors"]]
    assert kinds.count("parameter") == 2 and kinds.count("input") == 1 and kinds.count("result") == 1
    assert recording.graph["name"] == "step"


def test_refused() -> None:
    with pytest.raises(layrub.Refused, match=r"test_traces\.py:\d+"):
        layrub.trace(lambda: (lambda x: x[x > 0], torch.randn(4, device="cuda")))


def test_layrub_imports_no_torch() -> None:
    code = "import sys, layrub; assert 'torch' not in sys.modules; layrub.trace; assert 'torch' in sys.modules"
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True)
    with pytest.raises(AttributeError, match="nonesuch"):
        layrub.nonesuch  # noqa: B018


def test_compiled_code_is_told() -> None:
    """Without a GPU it is recorded as it runs without torch.compile, and the graph says so; other steps do not."""

    def make(compiled: bool) -> Any:
        model = torch.nn.Sequential(torch.nn.Linear(8, 8), torch.nn.ReLU()).cuda()
        return torch.compile(model) if compiled else model, torch.randn(4, 8, device="cuda")

    plain = layrub.trace(lambda: make(False)).graph
    assert "torch.compile" not in plain["source"]
    compiled = layrub.trace(lambda: make(True)).graph
    assert "torch.compile" in compiled["source"]
    assert [op["name"] for op in compiled["ops"]] == [op["name"] for op in plain["ops"]]
