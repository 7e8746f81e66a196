# SPDX-License-Identifier: Apache-2.0
"""Fine-tunes a frozen network by LoRA (Hu et al., 2021) inside a memory budget.

    python lora.py [--budget 768KiB] [--steps 60]

Every linear layer keeps its weight, and a product of two thin matrices beside it is trained.  Frozen weights need not stay in
device memory: the plan keeps some of them at home on the host.
"""

from __future__ import annotations

import argparse

import torch
from torch import nn

import layrub


class LoRA(nn.Module):
    """A frozen linear layer with a trained low-rank change."""

    def __init__(self, layer: nn.Linear, rank: int) -> None:
        super().__init__()
        self.layer = layer.requires_grad_(False)
        self.down = nn.Linear(layer.in_features, rank, bias=False)
        self.up = nn.Linear(rank, layer.out_features, bias=False)
        nn.init.zeros_(self.up.weight)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(x) + self.up(self.down(x))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--budget", default="768KiB")
    parser.add_argument("--steps", type=int, default=60)
    args = parser.parse_args()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cpu":
        torch.set_num_threads(1)  # the tensors are small
    torch.manual_seed(0)
    layers: list[nn.Module] = []
    for _ in range(6):
        layers += [LoRA(nn.Linear(256, 256), 8), nn.GELU()]
    model = nn.Sequential(*layers, nn.Linear(256, 1)).to(device)
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=2e-3, fused=True)

    def train_step(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        loss = nn.functional.mse_loss(model(x).squeeze(-1), y)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        return loss

    x = torch.randn(32, 256, device=device)
    step = layrub.compile(train_step, example=(x, x.mean(1)), budget=args.budget)
    resident, planned, program, graph = step.needs.peak_bytes, step.plan.figures.arena_bytes, step.plan.program, step.plan.graph
    away = sum(graph.tensors[place.tensor].bytes for place in program.initial_places if place.on_host)
    print(f"everything resident: {resident / 1024:.0f} KiB; this plan: {planned / 1024:.0f} KiB,")
    print(f"with {away / 1024:.0f} KiB of parameters and state at home on the host")
    for k in range(1, args.steps + 1):
        x = torch.randn(32, 256, device=device)
        loss = step(x, x[:, :8].sum(1).tanh())
        if k % 10 == 0:
            print(f"step {k}: loss {loss.item():.4f}")


if __name__ == "__main__":
    main()
