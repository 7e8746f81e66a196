# SPDX-License-Identifier: Apache-2.0
"""Training inside a plan beside PyTorch's own, for the tests: models, two copies of a training, comparison to the last bit."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from layrub import Queue

DEVICE = os.environ.get("LAYRUB_TEST_DEVICE", "cpu")  # "cuda": the same trainings on the GPU that is there

if DEVICE == "cuda":
    from layrub import measure

    os.environ["CUBLAS_WORKSPACE_CONFIG"] = ":4096:8"  # products are deterministic
    measure.WARM_S, measure.ROUNDS, measure.MOST = 0.0, 1, 3  # the times of ops decide nothing here


@contextmanager
def one_thread() -> Iterator[None]:
    """The order of sums does not depend on the machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True, warn_only=DEVICE == "cuda")
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(False)


def same_bits(a: torch.Tensor, b: torch.Tensor) -> bool:
    def bits(t: torch.Tensor) -> torch.Tensor:
        return t.detach().contiguous().flatten().view(torch.uint8)

    return a.dtype == b.dtype and a.shape == b.shape and torch.equal(bits(a), bits(b))


class Training:
    """A model, its optimizer and a step."""

    def __init__(self, model: nn.Module, optimizer: Callable[[Any], torch.optim.Optimizer], step: Callable[..., Any]) -> None:
        self.model = model
        self.optimizer = optimizer([p for p in model.parameters() if p.requires_grad])
        self._step = step
        self._start = copy.deepcopy(model.state_dict()), copy.deepcopy(self.optimizer.state_dict())

    def step(self, *args: Any) -> Any:
        return self._step(self.model, self.optimizer, *args)

    def save(self) -> None:
        """Makes the present state the one that restart() goes back to."""
        self._start = copy.deepcopy(self.model.state_dict()), copy.deepcopy(self.optimizer.state_dict())

    def restart(self) -> None:
        self.model.load_state_dict(self._start[0])
        self.optimizer.load_state_dict(copy.deepcopy(self._start[1]))

    def state(self) -> dict[str, torch.Tensor]:
        """Everything that training changes, by name."""
        found = dict(self.model.state_dict())
        for k, state in self.optimizer.state_dict()["state"].items():
            found |= {f"{k}.{name}": t for name, t in state.items() if isinstance(t, torch.Tensor)}
        return {name: t.detach().clone() for name, t in found.items()}


def twins(
    make: Callable[[], nn.Module], optimizer: Callable[[Any], torch.optim.Optimizer], step: Callable[..., Any]
) -> tuple[Training, Training]:
    """Two equal trainings: one to be planned, one for PyTorch."""
    torch.manual_seed(3)
    model = make().to(DEVICE)
    return Training(copy.deepcopy(model), optimizer, step), Training(model, optimizer, step)


def train(step: Callable[..., Any], batches: list[tuple[Any, ...]], seed: int = 11) -> list[torch.Tensor]:
    """The losses of a step for each batch.  Random numbers begin at seed."""
    torch.manual_seed(seed)
    return [step(*batch).detach().clone() for batch in batches]


def assert_same(ours: Training, theirs: Training) -> None:
    a, b = ours.state(), theirs.state()
    assert a.keys() == b.keys()
    assert [name for name in a if not same_bits(a[name], b[name])] == []


def assert_same_losses(ours: list[torch.Tensor], theirs: list[torch.Tensor]) -> None:
    assert len(ours) == len(theirs)
    assert [k for k, (a, b) in enumerate(zip(ours, theirs, strict=True)) if not same_bits(a, b)] == []


def deeds(step: Any) -> set[str]:
    """What the plan does beside the ops of the graph: "offload", "rerun", "state" where optimizer state moves."""
    program, graph = step.plan.program, step.plan.graph
    found = set()
    runs = [i.op for i in program.instructions if i.queue is Queue.COMPUTE]
    if len(runs) > len(set(runs)):
        found.add("rerun")
    for i in program.instructions:
        if i.queue is not Queue.COMPUTE:
            tensor = program.buffers[i.buffer].tensor
            if i.queue is Queue.OUT:
                found.add("offload")
            if graph.tensors[tensor].kind.name == "OPTIMIZER":
                found.add("state")
    return found


# ---- models of our own ----


def conv_net() -> nn.Module:
    """Convolutions and batch norm, whose statistics change in each step."""
    return nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(inplace=True), nn.Conv2d(8, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(),
        nn.Conv2d(8, 16, 3, padding=1), nn.BatchNorm2d(16), nn.GELU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(16 * 25, 5),
    )  # fmt: skip


def dropout_net() -> nn.Module:
    layers: list[nn.Module] = []
    for _ in range(4):
        layers += [nn.Linear(32, 32), nn.Dropout(0.3), nn.Tanh()]
    return nn.Sequential(*layers, nn.Linear(32, 5))


class Tied(nn.Module):
    """The output layer has the embedding's weight."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(19, 16)
        self.layers = nn.Sequential(*[nn.Sequential(nn.Linear(16, 16), nn.LayerNorm(16), nn.GELU()) for _ in range(4)])
        self.output = nn.Linear(16, 19, bias=False)
        self.output.weight = self.embedding.weight

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return self.output(self.layers(self.embedding(ids))).transpose(1, 2)


class LoRA(nn.Module):
    """Hu et al., 2021: a frozen layer, and a trained product of two thin matrices beside it."""

    def __init__(self, width: int, rank: int) -> None:
        super().__init__()
        self.frozen = nn.Linear(width, width)
        for p in self.frozen.parameters():
            p.requires_grad_(False)
        self.down = nn.Linear(width, rank, bias=False)
        self.up = nn.Linear(rank, width, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.frozen(x) + self.up(self.down(x))


def lora_net() -> nn.Module:
    layers: list[nn.Module] = []
    for _ in range(4):
        layers += [LoRA(32, 8), nn.GELU()]
    return nn.Sequential(*layers, nn.Linear(32, 5))


def on_device(batches: Iterable[tuple[torch.Tensor, torch.Tensor]]) -> list[tuple[torch.Tensor, torch.Tensor]]:
    return [(x.to(DEVICE), y.to(DEVICE)) for x, y in batches]


def images(count: int, size: int = 12) -> list[tuple[torch.Tensor, torch.Tensor]]:
    return on_device((torch.randn(4, 3, size, size), torch.randint(0, 5, (4,))) for _ in range(count))


def rows(count: int, batch: int = 16) -> list[tuple[torch.Tensor, torch.Tensor]]:
    return on_device((torch.randn(batch, 32), torch.randint(0, 5, (batch,))) for _ in range(count))


def words(count: int) -> list[tuple[torch.Tensor, torch.Tensor]]:
    return on_device((torch.randint(0, 19, (3, 7)), torch.randint(0, 19, (3, 7))) for _ in range(count))


def classify(model: nn.Module, optimizer: torch.optim.Optimizer, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    loss = nn.functional.cross_entropy(model(x), y)
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    return loss


def adamw(parameters: Any) -> torch.optim.Optimizer:
    return torch.optim.AdamW(parameters, lr=0.01, capturable=DEVICE == "cuda")


def sgd(parameters: Any) -> torch.optim.Optimizer:
    return torch.optim.SGD(parameters, lr=0.1, momentum=0.9)
