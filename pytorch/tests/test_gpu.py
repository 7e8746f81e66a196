# SPDX-License-Identifier: Apache-2.0
"""Recordings on a GPU.  Skipped where there is none."""

from __future__ import annotations

import ctypes
from typing import Any

import pytest

torch = pytest.importorskip("torch")
if not torch.cuda.is_available():
    pytest.skip("needs a GPU", allow_module_level=True)

from torch import nn  # noqa: E402

import layrub  # noqa: E402
from layrub import measure, runtime  # noqa: E402
from layrub.capture import capture  # noqa: E402
from layrub.errors import Refused  # noqa: E402
from layrub.launches import Launches  # noqa: E402
from layrub.recorder import record  # noqa: E402


def network() -> nn.Module:
    return nn.Sequential(nn.Linear(64, 256), nn.LayerNorm(256), nn.GELU(), nn.Linear(256, 8)).cuda()


def step_of(model: nn.Module, extra: Any = lambda y: y) -> Any:
    optimizer = torch.optim.AdamW(model.parameters(), fused=True)

    def step(x: torch.Tensor) -> torch.Tensor:
        loss = extra(model(x)).square().mean()
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        return loss

    return step


@pytest.mark.parametrize("compiled", [False, True])
def test_every_launch_is_an_ops(compiled: bool) -> None:
    model = torch.compile(network()) if compiled else network()
    tape = record(step_of(model), (torch.randn(32, 64, device="cuda"),))
    names = [e.name for e in tape.entries]
    assert any(n.startswith("triton") for n in names) == compiled, names
    measured = measure.measure(tape)
    assert measured.uncaptured == 0
    assert (link := measured.load) is not None
    assert all(1e9 < rate < 1e12 for rate in (*link.alone, *link.rates, link.duplex))
    assert [(e.name, e.time_us) for e in tape.entries if not 0 <= e.time_us < 1000] == []


def test_a_kernel_that_no_op_launches_is_refused() -> None:
    triton = pytest.importorskip("triton")
    import triton.language as tl

    @triton.jit
    def raw_twice(p, n: tl.constexpr):
        i = tl.arange(0, n)
        tl.store(p + i, tl.load(p + i) * 2)

    buffer = torch.ones(64, device="cuda")

    def extra(y: torch.Tensor) -> torch.Tensor:
        raw_twice[(1,)](buffer, 64)
        return y

    with pytest.raises(Refused, match="raw_twice.* ran on the GPU after addmm"):
        record(step_of(network(), extra), (torch.randn(32, 64, device="cuda"),))


def test_launches_are_counted() -> None:
    with Launches() as watch:
        with watch.call():
            a = torch.ones(8, device="cuda")
        b = a + 1
    assert [n for _, n in watch.unexplained()] == [1] and b.sum() == 16


@pytest.mark.parametrize("count", [1, 7, 300, 70000])
@pytest.mark.parametrize("bits", [8, 16, 32])
def test_fills_of_a_captured_graph_become_kernels(count: int, bits: int) -> None:
    driver = ctypes.CDLL("libcuda.so.1")
    dtype = {8: torch.uint8, 16: torch.int16, 32: torch.int32}[bits]
    filled, beside = torch.ones(count + 8, device="cuda", dtype=dtype), torch.ones(count + 8, device="cuda", dtype=dtype)

    def run() -> None:
        filled.add_(1)
        stream = ctypes.c_void_p(torch.cuda.current_stream().cuda_stream)
        call = getattr(driver, f"cuMemsetD{bits}Async")
        assert call(ctypes.c_uint64(filled.data_ptr()), 7, ctypes.c_size_t(count), stream) == 0
        beside.copy_(filled)
        filled.add_(3)

    plain = torch.cuda.CUDAGraph(keep_graph=True)
    with torch.cuda.graph(plain):
        run()
    assert runtime.tune(filled.device, plain.raw_cuda_graph()) == (count * bits % 32 == 0)
    plain.instantiate()
    for graph in (plain, capture(run)):
        filled.fill_(5)
        beside.fill_(5)
        graph.replay()
        torch.cuda.synchronize()
        assert filled.tolist() == [10] * count + [9] * 8 and beside.tolist() == [7] * count + [6] * 8



def test_queues_of_a_captured_step_wait_by_signals() -> None:
    """Three chains: with events in their place, CUDA spreads the step over more hardware queues, which slow copies down."""
    model = nn.Sequential(*(nn.Linear(512, 512) for _ in range(12))).cuda()
    step = layrub.compile(step_of(model), example=(torch.randn(4096, 512, device="cuda"),), budget=1 << 30, policy="vdnn-all")
    x = torch.randn(4096, 512, device="cuda")
    for _ in range(3):
        step(x)
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA], acc_events=True) as profile:
        step(x)
        torch.cuda.synchronize()
    works = [e for e in profile.events() if e.device_type == torch.autograd.DeviceType.CUDA]
    names = {e.name for e in works}
    assert step.plan.figures.offload_bytes > 0 and step.uncaptured is None
    assert {"layrub_raise", "layrub_await"} <= names
    copies = {e.device_resource_id for e in works if "Pinned" in e.name}
    kernels = {e.device_resource_id for e in works if e.name.startswith("layrub_")}
    assert len(copies) == 2 and len(kernels) == 1 and not copies & kernels
