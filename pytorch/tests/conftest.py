# SPDX-License-Identifier: Apache-2.0
"""conftest.py - the shared library and the documents for all tests; results as TAP for tests/python.sh"""
from __future__ import annotations

import gc
import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
os.environ.setdefault("LAYRUB_DATA", str(ROOT / "networks"))


@pytest.fixture(scope="session", autouse=True)
def _library() -> None:
    import layrub

    try:
        layrub.version()
    except ImportError as e:
        pytest.skip(str(e))


@pytest.fixture(autouse=True)
def _young_objects_only() -> None:
    """A recording looks at every object that the collector knows: what is older than the test is hidden, and costs no time."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _compiles_anew():
    """What torch.compile has seen in one test, other sizes of the same module, changes nothing in the next."""
    yield
    if "torch._dynamo" in sys.modules:
        sys.modules["torch._dynamo"].reset()


@pytest.fixture(autouse=True)
def _plans_once(monkeypatch: pytest.MonkeyPatch):
    """Any plan is good enough for a test, so is one order of the ops, and copies are welcome."""
    if "layrub.run" in sys.modules:
        monkeypatch.setattr(sys.modules["layrub.run"], "EFFORT", 0.3)
        monkeypatch.setattr(sys.modules["layrub.run"], "WORTH_COPIES", 0.0)
        monkeypatch.setattr(sys.modules["layrub.run"], "ORDER", "none")


@pytest.fixture
def problem():
    import layrub

    with layrub.Problem.open("graphs/resnet50", device="h100") as opened:
        yield opened


def _tap() -> str | None:
    """The file for results.  Of several processes, the first one is told all of them."""
    return None if "PYTEST_XDIST_WORKER" in os.environ else os.environ.get("LAYRUB_TAP")


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Appends a test's result to the file LAYRUB_TAP."""
    path = _tap()
    if path is None or (report.when != "call" and report.outcome == "passed") or (report.when == "teardown" and report.skipped):
        return
    name = report.nodeid.replace("#", "")
    with open(path, "a") as out:
        if report.skipped:
            reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
            print(f"ok - {name} # SKIP {' '.join(reason.split())}", file=out)
        elif report.passed:
            print(f"ok - {name}", file=out)
        else:
            print(f"not ok - {name}", file=out)
            print("\n".join(f"# {line}" for line in report.longreprtext.split("\n")), file=out)


def pytest_collectreport(report: pytest.CollectReport) -> None:
    """Appends a file that cannot be imported."""
    path = _tap()
    if path is not None and report.failed:
        with open(path, "a") as out:
            print(f"not ok - {report.nodeid}", file=out)
            print("\n".join(f"# {line}" for line in report.longreprtext.split("\n")), file=out)
