# SPDX-License-Identifier: Apache-2.0
"""What is assumed of a GPU that is not there: the kernel of attention, workspaces; and hidden writes of batch norm."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from layrub import graph, private, resident, workspace  # noqa: E402
from layrub.ghost import ghosts  # noqa: E402
from layrub.gpu import Gpu, capability, gpu  # noqa: E402
from layrub.recorder import Recorder, known_storages, record  # noqa: E402
from layrub.tape import Entry, Tape  # noqa: E402
from layrub.where import Where  # noqa: E402

MIB = 1 << 20
bf16, fp16, fp32 = torch.bfloat16, torch.float16, torch.float32


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("NVIDIA H100 80GB HBM3", (9, 0)),
        ("NVIDIA H200", (9, 0)),
        ("NVIDIA B200", (10, 0)),
        ("NVIDIA A100-SXM4-80GB", (8, 0)),
        ("NVIDIA GeForce RTX 4090", (8, 9)),
        ("NVIDIA RTX 6000 Ada Generation", (8, 9)),
        ("NVIDIA L4", (8, 9)),
        ("NVIDIA A10G", (8, 6)),
        ("NVIDIA GeForce RTX 5090", (12, 0)),
        ("Tesla V100-SXM2-16GB", (7, 0)),
        ("Tesla T4", (7, 5)),
        ("NVIDIA GeForce GTX 1080 Ti", (6, 1)),
        ("Tesla P100-PCIE-16GB", (6, 0)),
    ],
)
def test_capability(name: str, expected: tuple[int, int]) -> None:
    assert capability(name) == expected


# ---- attention ----


def attention(device: str, dtype: torch.dtype, wanted: str | None = None, width: int = 64, **call: Any) -> str:
    """The kernel of a step with grouped queries."""
    masked = call.pop("masked", False)
    with ghosts(gpu(device), wanted) as world:
        query, key = (torch.randn(2, h, 128, width, device="cuda", dtype=dtype, requires_grad=True) for h in (8, 4))
        mask = torch.ones(128, 128, dtype=torch.bool, device="cuda") if masked else None

        def step(query: torch.Tensor, key: torch.Tensor) -> None:
            nn.functional.scaled_dot_product_attention(query, key, key, mask, enable_gqa=True, **call).sum().backward()

        tape = record(step, (query, key), "meta", warm_up=0)
    (taken,) = world.attention.taken
    kernels = [e.name for e in tape.entries if e.name.startswith("_scaled_dot")]
    name = f"_scaled_dot_product_{taken}_attention"
    assert kernels == ([] if taken == "math" else [name, name + "_backward"])
    return taken


@pytest.mark.parametrize(
    ("expected", "device", "dtype", "call"),
    [
        ("cudnn", "h100", bf16, {}),
        ("cudnn", "h200", fp16, {"masked": True}),
        ("flash", "a100-80g", bf16, {"is_causal": True}),
        ("efficient", "a100-80g", bf16, {"masked": True}),
        ("efficient", "h100", fp32, {}),
        ("flash", "h100", bf16, {"width": 256}),
        ("flash", "h100", bf16, {"width": 60}),
        ("cudnn", "h100", bf16, {"dropout_p": 0.125}),
        ("cudnn", "h100", bf16, {"dropout_p": 0.1}),
        ("flash", "rtx4090", bf16, {"width": 192}),
        ("efficient", "rtx4090", bf16, {"width": 200}),  # flash has no backward of this width there
        ("efficient", "v100", fp16, {}),
        ("math", "v100", bf16, {}),
        ("math", "h100", fp32, {"width": 62}),
        ("flash", "h100", bf16, {"wanted": "flash"}),
        ("math", "h100", bf16, {"wanted": "math"}),
        ("efficient", "rtx4090", fp32, {"wanted": "cudnn"}),  # it cannot
    ],
)
def test_kernel_of_attention(expected: str, device: str, dtype: torch.dtype, call: dict[str, Any]) -> None:
    assert attention(device, dtype, **call) == expected


def test_the_script_orders_kernels() -> None:
    from torch.nn.attention import SDPBackend, sdpa_kernel

    with sdpa_kernel(SDPBackend.EFFICIENT_ATTENTION):
        assert attention("h100", bf16) == "efficient"
    with sdpa_kernel([SDPBackend.EFFICIENT_ATTENTION, SDPBackend.FLASH_ATTENTION], set_priority=True):
        assert attention("h100", bf16) == "efficient"
    assert attention("h100", bf16) == "cudnn"


# ---- workspaces ----


def estimated(step: Any, device: str = "h100", *inputs: Any) -> Tape:
    with ghosts(gpu(device)) as world:
        tape = record(step(), tuple(i() for i in inputs), "meta", warm_up=0, read=world.known.read)
    workspace.estimate(tape, gpu(device))
    return tape


def bytes_of(tape: Tape, name: str) -> list[int]:
    return [e.workspace_bytes for e in tape.entries if e.name == name]


def convolved(*args: Any, transposed: bool = False, **kwargs: Any) -> Any:
    kind = nn.ConvTranspose2d if transposed else nn.Conv2d

    def make() -> Any:
        layer = kind(*args, **kwargs, bias=False, device="cuda")
        x = torch.randn(8, args[0], 32, 32, device="cuda", requires_grad=True)
        return lambda: layer(x).sum().backward()

    return make


MAP, WEIGHT = 8 * 16 * 32 * 32 * 4, 16 * 16 * 9 * 4  # of 16 channels, a 3 x 3 kernel


@pytest.mark.parametrize(
    ("layer", "forward", "backward"),
    [
        (convolved(16, 16, 3, padding=1), 2 * MAP + WEIGHT, 2 * MAP + WEIGHT + 8 * MIB),
        (convolved(16, 16, 1), 0, 8 * 16 * 16 * 4),  # pointwise, pixels a multiple of 4: the weight for each sample
        (convolved(16, 16, 3, padding=1, groups=16), 0, 0),  # depthwise
        (convolved(16, 16, 3, padding=1, transposed=True), 2 * MAP + WEIGHT, 2 * MAP + WEIGHT + 8 * MIB),
    ],
)
def test_convolutions_follow_the_device(layer: Any, forward: int, backward: int) -> None:
    tape = estimated(layer)
    assert bytes_of(tape, "convolution") == [forward]
    assert bytes_of(tape, "convolution_backward") == [backward]


def test_filter_alone_and_data_alone() -> None:
    def filter_only() -> Any:
        layer, x = nn.Conv2d(16, 16, 3, padding=1, bias=False, device="cuda"), torch.randn(8, 16, 32, 32, device="cuda")
        return lambda: layer(x).sum().backward()

    def data_only() -> Any:
        layer = nn.Conv2d(16, 16, 3, padding=1, bias=False, device="cuda").requires_grad_(False)
        x = torch.randn(8, 16, 32, 32, device="cuda", requires_grad=True)
        return lambda: layer(x).sum().backward()

    assert bytes_of(estimated(filter_only), "convolution_backward") == [2 * MAP + WEIGHT + 8 * MIB]
    assert bytes_of(estimated(data_only), "convolution_backward") == [2 * MAP + WEIGHT]


def test_accumulators() -> None:
    def attend(dtype: torch.dtype) -> Any:
        def make() -> Any:
            q = torch.randn(2, 4, 128, 64, device="cuda", dtype=dtype, requires_grad=True)
            return lambda: nn.functional.scaled_dot_product_attention(q, q, q).sum().backward()

        return make

    whole, rows = 4 * 2 * 4 * 128 * 64, 4 * 2 * 4 * 128
    assert bytes_of(estimated(attend(bf16)), "_scaled_dot_product_cudnn_attention_backward") == [whole + rows]
    assert bytes_of(estimated(attend(bf16), "rtx4090"), "_scaled_dot_product_flash_attention_backward") == [whole + rows]
    assert bytes_of(estimated(attend(fp32)), "_scaled_dot_product_efficient_attention_backward") == [whole + 2 * rows]

    def embed(words: int) -> Any:
        def make() -> Any:
            table, x = nn.Embedding(50257, 768, device="cuda"), torch.randint(0, 50257, (words,), device="cuda")
            return lambda: table(x).sum().backward()

        return make

    assert bytes_of(estimated(embed(3072)), "embedding_dense_backward") == [0]
    (large,) = bytes_of(estimated(embed(16384)), "embedding_dense_backward")
    assert large >= (16384 + 1638) * 768 * 4
    loss = estimated(lambda: lambda x: nn.functional.mse_loss(x, x), "h100", lambda: torch.randn(256, 256, device="cuda"))
    assert bytes_of(loss, "mse_loss") == [256 * 256 * 4]
    assert any("workspaces estimated" in n for n in loss.notes)


def test_without_a_device_convolutions_have_none() -> None:
    with ghosts():
        tape = record(convolved(16, 16, 3)(), (), "meta", warm_up=0)
    workspace.estimate(tape, Gpu())
    assert bytes_of(tape, "convolution") == [0]


# ---- hidden writes ----


def normed(model: nn.Module, x: torch.Tensor) -> tuple[Tape, Recorder]:
    with Where() as where, Recorder("cpu", known_storages((x,), "cpu"), where, lambda f, a, k: f(*a, **k)) as recorder:
        model(x).sum().backward()
    return recorder.finish(set()), recorder


def run_again(entry: Entry, tape: Tape, live: dict[int, torch.UntypedStorage]) -> None:
    """The entry as a rerun, whose results must be those of its first run."""
    rerun = Entry(entry.function, entry.rerun_arguments(), entry.form, entry.results, [], [])
    again = {s: live[s] for s in {*entry.reads, *entry.hidden}}
    resident.run(Tape(entries=[rerun], storages=tape.storages), again, keep=True)
    for leaf in entry.results:
        assert bytes(again[leaf.storage].tolist()) == bytes(live[leaf.storage].tolist())


def test_statistics_are_hidden_writes_and_reruns_leave_them() -> None:
    torch.manual_seed(1)
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU())
    norm, x = model[1], torch.randn(2, 3, 8, 8)
    persistent = [x, *model.parameters(), *model.buffers()]
    copies = {private.storage_key(t.untyped_storage()): t.untyped_storage().clone() for t in persistent}
    tape, recorder = normed(model, x)
    (entry,) = (e for e in tape.entries if e.name == "native_batch_norm")
    statistics = {recorder._ids[private.storage_key(t.untyped_storage())] for t in (norm.running_mean, norm.running_var)}
    assert set(entry.hidden) == statistics == tape.stay()
    assert statistics <= set(entry.reads) and not statistics & set(entry.writes)
    (op,) = (o for o in graph.document(tape)["ops"] if o["name"] == "native_batch_norm")
    assert "recomputable" not in op  # it may run again
    start = {recorder._ids[k]: s for k, s in copies.items() if k in recorder._ids}
    live = start
    resident.run(tape, live, keep=True)
    kept = torch.empty(0).set_(live[recorder._ids[private.storage_key(norm.running_mean.untyped_storage())]], 0, (4,), (1,))
    assert torch.equal(kept, norm.running_mean)
    run_again(entry, tape, live)
    assert torch.equal(kept, norm.running_mean)


def test_statistics_that_the_step_makes_are_outputs() -> None:
    tape, _ = normed(nn.InstanceNorm2d(4, affine=True, track_running_stats=True), torch.randn(2, 4, 8, 8))
    (entry,) = (e for e in tape.entries if e.name == "native_batch_norm")
    assert not entry.hidden and not entry.rerun
    made = {leaf.storage for leaf in entry.results}
    assert len(set(entry.writes) - made) == 2 and set(entry.writes) - made <= set(entry.reads)


def test_evaluation_writes_nothing() -> None:
    tape, _ = normed(nn.BatchNorm2d(4).eval(), torch.randn(2, 4, 8, 8))
    assert not tape.stay()
