# SPDX-License-Identifier: Apache-2.0
"""layrub-torch: the largest size that fits, and which function of a script is meant."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

import layrub  # noqa: E402
from layrub import command, script  # noqa: E402
from layrub.errors import Refused  # noqa: E402
from layrub.fit import Fit  # noqa: E402

SCRIPT = """
import torch
from torch import nn

def net(batch: int = 8, width: int = 1024):
    model = nn.Sequential(nn.Linear(width, 4096), nn.GELU(), nn.Linear(4096, 10)).cuda()
    return model, torch.randn(batch, width, device="cuda")
"""


def write(folder: Path, text: str = SCRIPT) -> str:
    path = folder / "train.py"
    path.write_text(text)
    return str(path)


# ---- sizes, with a step whose needs are known ----


class Linear:
    """A chain of four layers: `fixed` bytes of weights, and maps of `each` bytes a sample."""

    def __init__(self, fixed: int, each: int) -> None:
        self.fixed, self.each = fixed, each
        self.recorded: list[int] = []

    def __call__(self, size: int) -> layrub.Problem:
        self.recorded.append(size)
        weight, maps = layrub.Tensor(self.fixed, layrub.Kind.PARAMETER), layrub.Tensor(self.each * size, layrub.Kind.ACTIVATION)
        chain = tuple(
            layrub.Op(name="linear", inputs=(0, *((i,) if i else ())), outputs=(i + 1,), time_us=100.0 * size) for i in range(4)
        )
        back = tuple(
            layrub.Op(
                name="linear_backward", phase=layrub.Phase.BACKWARD, inputs=(0, 4 - i), outputs=(5 + i,), time_us=200.0 * size
            )
            for i in range(4)
        )
        return layrub.Problem.build(
            layrub.Graph(name="chain", tensors=(weight, *[maps] * 8), ops=chain + back), device="gtx1080ti"
        )


@pytest.mark.parametrize(("fixed", "each"), [(1 << 30, 50 << 20), (1 << 30, 3 << 20), (5 << 30, 200 << 20), (1 << 20, 1 << 10)])
def test_largest_resident(fixed: int, each: int) -> None:
    step = Linear(fixed, each)
    search = Fit(step, {}, most=100000)
    found = search.largest_resident()
    assert found is not None
    assert found.needs.peak_bytes <= found.needs.device_bytes
    if found.size < 100000:
        above = search.needs(found.size + max(1, found.size // 32))
        assert above.peak_bytes > above.device_bytes
    assert len(step.recorded) <= 8  # few sizes, although there are 100,000


def test_nothing_fits() -> None:
    search = Fit(Linear(11 << 30, 1), {})
    assert search.largest_resident() is None
    assert search.planned(1).plan is None and "can be that small" in search.planned(1).why
    assert search.largest_planned(0) is None


def test_a_plan_fits_more_within_its_slowdown() -> None:
    search = Fit(Linear(1 << 30, 200 << 20), {"time_limit_s": 2.0}, slowdown=0.5)
    resident = search.largest_resident()
    assert resident is not None
    found = search.largest_planned(resident.size)
    assert found is not None and found.plan is not None
    assert found.size > resident.size and found.over <= 0.5
    assert found.plan.arena_bytes <= found.needs.device_bytes
    budget = Fit(Linear(1 << 30, 200 << 20), {"budget_bytes": 4 << 30}).largest_resident()
    assert budget is not None and budget.size < resident.size


# ---- the command ----


def test_fit_of_a_module(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path)
    assert command.main(["fit", path, "--device", "gtx1080ti", "--most", "64", "--optimizer", "momentum"]) == 0
    out = capsys.readouterr().out
    assert "batch 1, everything resident" in out and "largest batch as it is         64:" in out and "(--most)" in out
    assert command.main(["fit", path, "--device", "gtx1080ti", "--batch", "8"]) == 0
    assert "yes: it fits as it is" in capsys.readouterr().out
    assert command.main(["fit", path, "--device", "gtx1080ti", "--batch", "65536", "--budget", "1GiB"]) in (0, 1)
    assert re.search(r"yes, with a plan|no:", capsys.readouterr().out)
    assert command.main(["fit", path, "--device", "gtx1080ti", "--largest", "width", "--most", "4096", "--time-limit", "1"]) == 0
    assert "width 1, everything resident" in capsys.readouterr().out


def test_trace_and_plan(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, out = write(tmp_path), str(tmp_path / "step.graph.json")
    assert command.main(["trace", path, "--device", "h100", "-o", out]) == 0
    document = json.loads(Path(out).read_text())
    assert "workspaces estimated for NVIDIA H100" in document["source"]
    with layrub.Problem.open(out, device="h100") as problem:
        assert problem.needs.estimated_ops == len(document["ops"])
    assert command.main(["plan", path, "--device", "h100", "--budget", "80%", "-o", str(tmp_path / "p.json")]) == 0
    assert "on the GPU" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("functions", "target", "expected"),
    [
        ("def net(batch=1): ...", "", "net"),
        ("def net(): ...\ndef step(): ...", "", "step"),
        ("def net(): ...\ndef main(): ...", "", "main"),
        ("def net(): ...\ndef _helper(): ...", "", "net"),
        ("def net(): ...\ndef other(): ...", ":other", "other"),
        ("def net(): ...\ndef other(): ...", "", r"which function\? .*train\.py:NAME, of net, other"),
        ("x = 1", "", "which function.* of none"),
        ("def net(): ...", ":nte", "no function 'nte'; it has net"),
        ("from os.path import join\ndef net(): ...", "", "net"),
        ("import torch\n\ntorch.empty(1, device='cuda')", "", r"train\.py:3: .*make the model inside the function"),
    ],
)
def test_which_function(functions: str, target: str, expected: str, tmp_path: Path) -> None:
    if torch.cuda.is_available() and "cuda" in functions:
        pytest.skip("there is a GPU")
    path = write(tmp_path, functions)
    if expected.isidentifier():
        assert script.load(path + target).__name__ == expected
    else:
        with pytest.raises(Refused, match=expected):
            script.load(path + target)


def test_bad_requests(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path)
    for arguments, text in (
        (["--device", "nonesuch"], "nonesuch"),
        (["--device", "h100", "--seq", "4"], "has no parameter 'seq'"),
        (["--device", "h100", "--largest", "height"], "no such parameter"),
    ):
        assert command.main(["fit", path, *arguments]) == command.EXIT_BAD
        assert text in capsys.readouterr().err


@pytest.mark.parametrize(
    ("target", "arguments", "status", "text"),
    [
        ("none.py", [], 2, r"none\.py: no such file"),
        (".", [], 2, r"\.: a folder, not a file"),
        ("words.txt", [], 2, r"words\.txt: expected a script \(\.py\), or a config\.json with a model_type"),
        ("empty.json", [], 2, r"empty\.json: expected a script \(\.py\)"),
        ("ends.py", [], 2, r"ends\.py:1: SystemExit: 3"),
        ("train.py", ["--batch", "2", "--budget", "12G"], 2, "--budget: expected a size such as 8GiB, .*, got '12G'"),
        ("wrong.py", ["--batch", "2"], 2, r"wrong\.py:4: RuntimeError: .*7.* 8"),
        ("train.py", ["--batch", "2", "--budget", "1KiB"], 1, "too small: no plan needs less"),
    ],
)
def test_errors_are_one_line(
    target: str, arguments: list[str], status: int, text: str, tmp_path: Path,
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    write(tmp_path)
    (tmp_path / "words.txt").write_text("hello\n")
    (tmp_path / "empty.json").write_text("")
    (tmp_path / "ends.py").write_text("raise SystemExit(3)\n")
    (tmp_path / "wrong.py").write_text(
        "import torch\ndef step(batch=1):\n    net = torch.nn.Linear(8, 8).cuda()\n"
        "    return lambda x: net(x).sum().backward(), torch.randn(batch, 7, device='cuda')\n"
    )
    monkeypatch.chdir(tmp_path)
    assert command.main(["plan", target, "--device", "h100", *arguments]) == status
    err = capsys.readouterr().err
    assert re.fullmatch(f"layrub-torch: .*{text}.*\n", err)


@pytest.mark.parametrize("arguments", [["--batch", "0"], ["--batch", "x"], ["--size", "width"], ["--size", "=3"]])
def test_sizes_are_counts(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command.main(["fit", "train.py", "--device", "h100", *arguments])
    assert re.search("expected (a whole number from 1|NAME=N), got '", capsys.readouterr().err)


def test_pytorch_is_imported_after_the_command_is_understood() -> None:
    """It takes seconds."""
    code = (
        "import sys; from layrub import command\n"
        "try: command.main(['fit', 'none.py', '--device', 'h100'])\n"
        "finally: assert 'torch' not in sys.modules, 'imported'"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0
