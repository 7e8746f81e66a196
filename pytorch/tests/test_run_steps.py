# SPDX-License-Identifier: Apache-2.0
"""Steps of many kinds, each under a tight plan: the numbers are PyTorch's to the last bit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

torch = pytest.importorskip("torch")

import running  # noqa: E402
from running import (  # noqa: E402
    adamw,
    assert_same,
    assert_same_losses,
    classify,
    conv_net,
    deeds,
    dropout_net,
    images,
    rows,
    sgd,
    train,
    twins,
)
from torch import nn  # noqa: E402
from torch.utils.checkpoint import checkpoint  # noqa: E402

import layrub  # noqa: E402

Step = Callable[[Any, Any, torch.Tensor, torch.Tensor], torch.Tensor]


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    with running.one_thread():
        yield


def with_loss(loss_of: Callable[[Any, torch.Tensor, torch.Tensor], torch.Tensor]) -> Step:
    def step(model: Any, optimizer: Any, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        loss = loss_of(model, x, y)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        return loss

    return step


entropy = nn.functional.cross_entropy


def autocast(model: Any, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    with torch.autocast(running.DEVICE, torch.bfloat16):
        return entropy(model(x), y)


def checkpointed(model: Any, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Blocks that draw their dropout a second time, from the state of the first."""
    for block in (model[:6], model[6:]):
        x = checkpoint(block, x, use_reentrant=False)
    return entropy(x, y)


def penalty(model: Any, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """The gradient's norm is part of the loss."""
    loss = entropy(model(x), y)
    gradients = torch.autograd.grad(loss, list(model.parameters()), create_graph=True)
    return loss + 0.01 * sum(g.square().sum() for g in gradients)


def noise(model: Any, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    order = torch.randperm(x.shape[0], device=x.device)
    return entropy(model((x + 0.1 * torch.randn_like(x))[order]), y[order])


def by_hand(model: Any, optimizer: Any, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """An update without an optimizer."""
    loss = entropy(model(x), y)
    loss.backward()
    with torch.no_grad():
        for p in model.parameters():
            p -= 0.1 * p.grad
            p.grad = None
    return loss


def filled_gradients(model: Any, optimizer: Any, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Gradients are zeroed and stay."""
    optimizer.zero_grad(set_to_none=False)
    loss = entropy(model(x), y)
    loss.backward()
    optimizer.step()
    return loss


def scored(model: Any, optimizer: Any, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Batch norm in training and in evaluation in one step: the second reads what the first has written."""
    loss = classify(model, optimizer, x, y)
    model.eval()
    with torch.no_grad():
        score = model(x).sum()
    model.train()
    return loss + score


class Averaged(nn.Module):
    """A teacher whose weights follow the student's."""

    def __init__(self) -> None:
        super().__init__()
        self.student, self.teacher = dropout_net(), dropout_net().requires_grad_(False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            target = self.teacher(x)
        return self.student(x) + 0.1 * target


def averaged(model: Any, optimizer: Any, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    loss = classify(model, optimizer, x, y)
    with torch.no_grad():
        for mine, theirs in zip(model.teacher.parameters(), model.student.parameters(), strict=True):
            mine.lerp_(theirs, 0.1)
    return loss


class Recurrent(nn.Module):
    """The host's kernel gives more while gradients are recorded."""

    def __init__(self) -> None:
        super().__init__()
        self.layers, self.out = nn.LSTM(32, 16, 2, batch_first=True), nn.Linear(16, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.out(self.layers(x.view(x.shape[0] // 2, 2, 32))[0].reshape(x.shape[0], 16))


def transformer() -> nn.Module:
    return nn.Sequential(nn.TransformerEncoderLayer(32, 4, 64, batch_first=True), nn.Linear(32, 5))


def attends(model: Any, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return entropy(model(x.view(2, -1, 32)).flatten(0, 1), y)


def odd_net() -> nn.Module:
    return nn.Sequential(
        nn.utils.parametrizations.weight_norm(nn.Linear(32, 32)), nn.GroupNorm(4, 32), nn.PReLU(), nn.Linear(32, 5), nn.ReLU(True)
    )


def columns(count: int) -> list[tuple[torch.Tensor, torch.Tensor]]:
    return [(x.contiguous(memory_format=torch.channels_last), y) for x, y in images(count)]


def compiled(model: nn.Module, optimizer: torch.optim.Optimizer, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """The network's kernels are torch.compile's; the loss and the update are PyTorch's."""
    return classify(torch.compile(model), optimizer, x, y)


STEPS: dict[str, tuple[Callable[[], nn.Module], Any, Step, Any]] = {
    "autocast": (conv_net, sgd, with_loss(autocast), images),
    "checkpointed": (dropout_net, adamw, with_loss(checkpointed), rows),
    "penalty": (dropout_net, adamw, with_loss(penalty), rows),
    "noise": (dropout_net, adamw, with_loss(noise), rows),
    "by hand": (dropout_net, sgd, by_hand, rows),
    "filled gradients": (dropout_net, adamw, filled_gradients, rows),
    "scored": (conv_net, sgd, scored, images),
    "averaged": (Averaged, adamw, averaged, rows),
    "recurrent": (Recurrent, adamw, classify, rows),
    "transformer": (transformer, adamw, with_loss(attends), rows),
    "odd": (odd_net, adamw, classify, rows),
    "compiled": (conv_net, sgd, compiled, images),
    "channels last": (conv_net, sgd, classify, columns),
}


@pytest.mark.parametrize("name", STEPS)
def test_step(name: str) -> None:
    make, optimizer, how, data = STEPS[name]
    ours, theirs = twins(make, optimizer, how)
    batches = data(4)
    step = layrub.compile(ours.step, example=batches[0], policy="keep", verify=name in ("checkpointed", "recurrent"))
    bound, peak = step.needs.bound_bytes, step.needs.peak_bytes
    step.replan(int(bound + 0.5 * (peak - bound)))
    assert_same_losses(train(step, batches), train(theirs.step, batches))
    assert_same(ours, theirs)
    assert "offload" in deeds(step)
    assert (name == "compiled") == any(e.name.startswith(("cpp_fused", "triton")) for e in step.recording.tape.entries)


def test_decisions_by_the_arguments() -> None:
    """Each way that a step takes by its arguments' values has a plan; a decision by what it calculates is refused."""

    def decides(model: Any, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        loss = entropy(model(x), y)
        if (y.eq(0) | (x[:, 0] > 100)).any():
            return loss * 2
        return loss.sin() if y.max().item() == 3 else loss

    ours, theirs = twins(dropout_net, adamw, with_loss(decides))
    batches = [(x, torch.full_like(y, k)) for (x, y), k in zip(rows(6), (1, 0, 3, 3, 0, 1), strict=True)]
    step = layrub.compile(ours.step, example=batches[0], policy="keep")
    assert_same_losses(train(step, batches), train(theirs.step, batches))
    assert_same(ours, theirs)
    assert step.forms == 3 and len(step.recording.guards) == 2


def test_statistics_that_another_op_reads_are_read_once() -> None:
    """Batch norm in evaluation is not run again: it would find the statistics of the training that follows."""

    def both(model: Any, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        model.eval()
        before = entropy(model(x), y)
        model.train()
        return before + entropy(model(x), y)

    ours, theirs = twins(conv_net, sgd, with_loss(both))
    batches = images(3)
    step = layrub.compile(ours.step, example=batches[0], policy="checkpoint-sqrt")
    norms = [e for e in step.recording.tape.entries if e.name == "native_batch_norm"]
    assert [e.random for e in norms] == [True] * 3 + [False] * 3
    assert_same_losses(train(step, batches), train(theirs.step, batches))
    assert_same(ours, theirs)


def test_a_step_that_seeds_the_generator() -> None:
    def seeds(model: Any, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        loss = entropy(model(x), y)
        torch.manual_seed(5)
        return loss + torch.rand(())

    ours, _ = twins(dropout_net, sgd, with_loss(seeds))
    with pytest.raises(layrub.Refused, match=r"test_run_steps\.py:\d+: the step seeds the generator"):
        layrub.compile(ours.step, example=rows(1)[0])
