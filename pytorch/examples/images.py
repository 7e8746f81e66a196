# SPDX-License-Identifier: Apache-2.0
"""Trains a small image classifier inside a memory budget.

    python images.py [--budget 1.75MiB] [--steps 40]

The images are made up: noise, and one bright square whose corner of the picture is the class.  The last batch of each epoch is
smaller, so it gets a plan of its own; the learning rate follows a schedule; evaluation runs in the same memory.
"""

from __future__ import annotations

import argparse

import torch
from torch import nn

import layrub


class Block(nn.Module):
    """The basic residual block of He et al., 2016."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.a = nn.Sequential(nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels), nn.ReLU())
        self.b = nn.Sequential(nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(x + self.b(self.a(x)))


def pictures(count: int, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    x = torch.randn(count, 3, 16, 16, generator=generator)
    y = torch.randint(0, 4, (count,), generator=generator)
    for k in range(count):
        row, column = 8 * int(y[k] // 2), 8 * int(y[k] % 2)
        x[k, :, row + 2 : row + 6, column + 2 : column + 6] += 2
    return x, y


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--budget", default="1.75MiB")
    parser.add_argument("--steps", type=int, default=40)
    args = parser.parse_args()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cpu":
        torch.set_num_threads(1)  # the tensors are small
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1), *[Block(16) for _ in range(3)], nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(256, 4)
    ).to(device)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, args.steps)

    def train_step(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        return loss

    generator = torch.Generator().manual_seed(1)
    data = torch.utils.data.TensorDataset(*pictures(36, generator))
    loader = torch.utils.data.DataLoader(data, batch_size=16, shuffle=True, generator=generator)
    tests = [tuple(t.to(device) for t in pictures(16, generator)) for _ in range(4)]

    def rightness(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            return (model(x).argmax(1) == y).float().mean()

    x, y = (t.to(device) for t in next(iter(loader)))
    step = layrub.compile(train_step, example=(x, y), budget=args.budget)
    model.eval()
    score = layrub.compile(rightness, example=tests[0], beside=step)
    model.train()
    resident, planned = step.needs.peak_bytes, step.plan.figures.arena_bytes
    print(f"everything resident: {resident / 1024:.0f} KiB; this plan: {planned / 1024:.0f} KiB")
    print(f"an evaluation takes {score.plan.figures.arena_bytes / 1024:.0f} KiB")

    done = 0
    while done < args.steps:
        for x, y in loader:
            loss = step(x.to(device), y.to(device))
            schedule.step()
            done += 1
            if done % 10 == 0:
                model.eval()
                right = torch.stack([score(*test) for test in tests]).mean()
                model.train()
                print(f"step {done}: loss {loss.item():.4f}, {100 * right.item():.0f} % of the test pictures right")
    print(f"plans: {step.forms}")


if __name__ == "__main__":
    main()
