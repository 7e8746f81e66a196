# SPDX-License-Identifier: Apache-2.0
"""The recorder: a tape holds all that a step does, and the same without memory."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402
from torch.utils.checkpoint import checkpoint  # noqa: E402

from layrub import graph, private, resident  # noqa: E402
from layrub.compiled import call, launches  # noqa: E402
from layrub.errors import Refused  # noqa: E402
from layrub.ghost import Unknown, adopt, ghosts  # noqa: E402
from layrub.recorder import Recorder, known_storages, record  # noqa: E402
from layrub.unmapped import Unmapped  # noqa: E402
from layrub.where import Where  # noqa: E402


class Tied(nn.Module):
    """Two linear layers that share one weight, and a layer that is frozen."""

    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Linear(8, 8)
        self.frozen = nn.Linear(8, 8)
        self.b = nn.Linear(8, 8)
        self.b.weight = self.a.weight
        for p in self.frozen.parameters():
            p.requires_grad_(False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.b(torch.relu(self.frozen(torch.tanh(self.a(x)))))


class Cube(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(x)
        return x * x * x

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> torch.Tensor:
        (x,) = ctx.saved_tensors
        return 3 * x * x * grad


def conv_net() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(inplace=True), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8 * 7 * 7, 5)
    )


def plain(model: nn.Module, optimizer: torch.optim.Optimizer, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    loss = nn.functional.cross_entropy(model(x), y)
    loss.backward()
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return loss


def accumulate(model: nn.Module, optimizer: torch.optim.Optimizer, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    optimizer.zero_grad(set_to_none=True)
    total = x.new_zeros(())
    for part, target in zip(x.chunk(2), y.chunk(2), strict=False):
        loss = nn.functional.cross_entropy(model(part), target) / 2
        loss.backward()
        total = total + loss.detach()
    nn.utils.clip_grad_norm_(model.parameters(), 0.1)
    optimizer.step()
    return total


def checkpointed(model: nn.Module, optimizer: torch.optim.Optimizer, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    loss = nn.functional.cross_entropy(checkpoint(model, x, use_reentrant=False), y)
    loss.backward()
    optimizer.step()
    optimizer.zero_grad(set_to_none=False)
    return loss


def compiled(model: nn.Module, optimizer: torch.optim.Optimizer, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """The network is compiled, the loss and the update are not."""
    return plain(torch.compile(model), optimizer, x, y)


def two_losses(
    model: nn.Module, optimizer: torch.optim.Optimizer, x: torch.Tensor, y: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    out = model(x)
    a, b = nn.functional.cross_entropy(out, y), Cube.apply(out).mean()
    (a + 0.1 * b).backward()
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return a, b


OPTIMIZERS: dict[str, Callable[[Any], torch.optim.Optimizer]] = {
    "sgd": lambda p: torch.optim.SGD(p, 0.1, momentum=0.9, foreach=True),
    "adamw": lambda p: torch.optim.AdamW(p, 0.01, foreach=True),
    "fused": lambda p: torch.optim.AdamW(p, 0.01, fused=True),
}
CASES = [
    (plain, "tied", "sgd"),
    (plain, "conv", "adamw"),
    (plain, "tied", "fused"),
    (accumulate, "tied", "adamw"),
    (checkpointed, "tied", "sgd"),
    (two_losses, "tied", "adamw"),
    (compiled, "conv", "sgd"),
]


def make(kind: str) -> tuple[nn.Module, torch.Tensor, torch.Tensor]:
    if kind == "conv":
        return conv_net(), torch.randn(4, 3, 16, 16), torch.randint(0, 5, (4,))
    return Tied(), torch.randn(4, 8), torch.randint(0, 8, (4,))


@pytest.mark.parametrize(("step", "kind", "optimizer"), CASES)
def test_tape_is_the_step(step: Any, kind: str, optimizer: str) -> None:
    """The tape, run on storages of its own, leaves the same bits as the step: losses, parameters, optimizer state, statistics."""
    torch.manual_seed(1)
    model, x, y = make(kind)
    opt = OPTIMIZERS[optimizer](model.parameters())
    with launches(call):
        for _ in range(2):
            step(model, opt, x, y)
    persistent = [x, y, *model.parameters(), *model.buffers(), *(p.grad for p in model.parameters() if p.grad is not None)]
    persistent += [t for t in private.tree_flatten(list(opt.state.values()))[0] if isinstance(t, torch.Tensor)]
    before = [(t, t.untyped_storage().clone()) for t in persistent]
    # Step counters are tensors of the host; on a GPU's step they are not on the tape.
    counters = lambda f, a, k: f(*a, **k)  # noqa: E731
    with Where() as where:
        recorder = Recorder("cpu", known_storages((x, y), "cpu"), where, counters)
        with launches(recorder.launch), recorder:
            kept = step(model, opt, x, y)
    tape = recorder.finish(set())
    assert any(e.name.startswith("cpp_fused") for e in tape.entries) == (step is compiled)
    start = {
        recorder._ids[private.storage_key(t.untyped_storage())]: copy
        for t, copy in before
        if private.storage_key(t.untyped_storage()) in recorder._ids
    }
    start |= {s: storage.clone() for s, storage in tape.constants.items() if s not in start}
    resident.run(tape, start)
    for t in persistent + private.tree_flatten(kept)[0]:
        s = recorder._ids.get(private.storage_key(t.untyped_storage()))
        if s is not None:
            mine = torch.empty(0, dtype=t.dtype).set_(start[s], t.storage_offset(), t.size(), t.stride())
            assert torch.equal(mine, t), f"storage {s} of {tape.storages[s].kind}"


@pytest.mark.parametrize(
    ("step", "kind", "optimizer"),
    [c for c in CASES if c[2] != "adamw" and c[0] is not compiled] + [(accumulate, "conv", "fused"), (two_losses, "tied", "sgd")],
)
def test_without_memory(step: Any, kind: str, optimizer: str) -> None:
    """The step without memory has the same ops over the same bytes."""
    torch.manual_seed(1)
    model, x, y = make(kind)
    real = (
        record(lambda x, y: step(model, opt, x, y), (x, y), "cpu") if (opt := OPTIMIZERS[optimizer](model.parameters())) else None
    )
    with ghosts() as world:
        model, x, y = adopt(make(kind))
        opt = OPTIMIZERS[optimizer](model.parameters())
        ghost = record(lambda x, y: step(model, opt, x, y), (x, y), "meta", read=world.known.read)
    a, b = graph.document(real), graph.document(ghost)
    kernels = [[o["name"].replace("cudnn_", "native_") for o in doc["ops"]] for doc in (a, b)]
    assert Counter(kernels[0]) == Counter(kernels[1])
    if "cudnn_batch_norm" in {o["name"] for o in b["ops"]}:
        return  # it has an output more
    assert a["tensors"] == b["tensors"]
    assert [(o["inputs"], o["outputs"]) for o in a["ops"]] == [(o["inputs"], o["outputs"]) for o in b["ops"]]


def test_kinds_and_names() -> None:
    torch.manual_seed(1)
    with ghosts():
        model, x, y = adopt(make("tied"))
        opt = torch.optim.SGD(model.parameters(), 0.1, momentum=0.9)
        tape = record(lambda x, y: plain(model, opt, x, y), (x, y), "meta")
    doc = graph.document(tape)
    kinds = Counter(t["kind"] for t in doc["tensors"])
    assert kinds["parameter"] == 5  # two weights, of which one is tied, and three biases
    assert kinds["optimizer"] == 3  # momentum of what is trained
    assert kinds["input"] == 2
    assert kinds["result"] == 1  # the loss
    layers = {o["layer"] for o in doc["ops"] if o["name"] == "addmm"}
    assert layers == {"a", "frozen", "b"}
    assert {o.get("layer") for o in doc["ops"] if o["phase"] == "backward" and o["name"] == "mm"} == {"a", "frozen", "b"}
    assert all(o["source"].startswith("test_recorder.py:") for o in doc["ops"] if o["phase"] == "forward")
    assert {o["phase"] for o in doc["ops"]} == {"forward", "backward", "update"}


def test_gradients_that_are_dropped_are_no_results() -> None:
    def step(x: torch.Tensor) -> None:
        opt.zero_grad(set_to_none=True)
        model(x).sum().backward()
        opt.step()

    with ghosts():
        model = adopt(nn.Linear(4, 4))
        opt = torch.optim.SGD(model.parameters(), 0.1)
        tape = record(step, (torch.ones(2, 4, device="cuda"),), "meta")
    assert Counter(t["kind"] for t in graph.document(tape)["tensors"])["result"] == 0


def test_refusals() -> None:
    def decides(x: torch.Tensor) -> None:
        if model(x).sum() > 0:
            raise AssertionError

    def decides_by_item(x: torch.Tensor) -> None:
        if model(x).sum().item() > 0:
            raise AssertionError

    def logs(x: torch.Tensor) -> float:
        return 2 * model(x).sum().item() + 1

    with ghosts() as world:
        model = adopt(nn.Linear(4, 4))
        x = torch.ones(2, 4, device="cuda")
        with pytest.raises(Refused, match=r"test_recorder\.py:\d+"):
            record(decides, (x,), "meta")
        with pytest.raises(Refused, match="decides what the step does"):
            record(decides_by_item, (x,), "meta")
        assert len(record(logs, (x,), "meta", read=world.known.read).entries) > 0
        assert isinstance(logs(x), Unknown)


def test_known_values_decide() -> None:
    with ghosts() as world:
        positions = torch.arange(8, device="cuda")
        assert bool((positions[1:] - positions[:-1] == 1).all())
        assert positions[3].item() == 3
        every = positions.expand(1 << 15, 8)  # a large batch: transformers look at the positions of all sequences
        assert not bool((every[:, 1:] - every[:, :-1] != 1).any())
        positions.add_(torch.randint(0, 2, (8,), device="cuda"))
        assert isinstance(positions[3].item(), Unknown)
        assert world.known.read(torch.ops.aten._local_scalar_dense.default, (positions[0],), {}) is None


def test_looks_like_a_gpu() -> None:
    with ghosts():
        x = torch.randn(4, device="cuda")
        assert x.is_cuda and x.device == torch.device("cuda", 0) and torch.cuda.is_available()
        assert nn.Linear(4, 4).cuda().weight.device.type == "cuda"
        assert torch.zeros_like(x, device=x.device).is_cuda
        assert not torch.ones(3).is_cuda
        with torch.autocast("cuda", dtype=torch.bfloat16):
            y = nn.Linear(4, 4, device="cuda")(x)
            assert y.dtype == torch.bfloat16
            assert nn.functional.softmax(y, -1).dtype == torch.float32
            with torch.autocast("cuda", enabled=False):
                assert nn.functional.softmax(y, -1).dtype == torch.bfloat16
    assert not torch.cuda.is_available() or torch.cuda.device_count() > 0


@pytest.mark.parametrize(
    ("step", "kind", "optimizer"),
    [(plain, "tied", "fused"), (accumulate, "tied", "fused"), (checkpointed, "tied", "sgd"), (compiled, "conv", "sgd")],
)
def test_nothing_runs(step: Any, kind: str, optimizer: str) -> None:
    """On a device that is there, a recording that runs nothing has the same graph as one that runs everything."""

    def made(world: Unmapped | None) -> dict[str, Any]:
        torch.manual_seed(1)
        with world.building() if world is not None else contextlib.nullcontext():
            model, x, y = make(kind)
        opt = OPTIMIZERS[optimizer](model.parameters())
        return graph.document(record(lambda x, y: step(model, opt, x, y), (x, y), "cpu", kernels_run=world is None))

    real = made(None)
    world = Unmapped("cpu", contextlib.nullcontext)
    with world:
        nothing = made(world)
    assert nothing["ops"] == real["ops"] and nothing["tensors"] == real["tensors"]


def test_code_compiled_before_the_recording_is_refused() -> None:
    """Its kernels were made where nobody listened."""
    f = torch.compile(lambda x: (x @ x).tanh().sum())
    x = torch.randn(8, 8)
    f(x)
    with pytest.raises(Refused, match="compiled before the recording"):
        record(lambda x: f(x) * 2, (x,), "cpu")


def test_an_evaluation_step_shares_the_parameters_of_training() -> None:
    model, twins = nn.Sequential(nn.Linear(8, 8), nn.BatchNorm1d(8)), [nn.Linear(2, 2), nn.Linear(2, 2)]
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)

    def train(x: torch.Tensor) -> torch.Tensor:
        optimizer.zero_grad()
        loss = model(x).square().sum()
        loss.backward()
        optimizer.step()
        return loss

    def evaluate(x: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            return twins[1](twins[0](model.eval()(x)[:, :2]))

    first, second = record(train, (torch.rand(4, 8),), "cpu"), record(evaluate, (torch.rand(6, 8),), "cpu")
    names = [{t.get("name") for t in graph.document(tape)["tensors"]} - {None} for tape in (first, second)]
    shared = {"Sequential.0.weight", "Sequential.0.bias", "Sequential.1.weight", "Sequential.1.bias"}
    assert shared <= names[0] & names[1] and "Sequential.0.weight.momentum_buffer" in names[0] - names[1]
    assert not any(name.startswith("Linear") for name in names[1])  # two models have it
    with graph.problem(first, device="h100") as one, graph.problem(second, device="h100") as other:
        home = one.plan()
        other.plan(homes=home).check_homes(home)
