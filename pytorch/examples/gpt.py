# SPDX-License-Identifier: Apache-2.0
"""Trains a small GPT on this file's own text, character by character, inside a memory budget.

    python gpt.py [--budget 4MiB] [--steps 60] [--save gpt.pt]

Gradients are accumulated over two halves of the batch and clipped by their norm; the output layer has the embedding's weight.
The file that --save writes is an ordinary one: it has no trace of the plan.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from torch import nn

import layrub

LENGTH = 64


class Block(nn.Module):
    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.p = heads, dropout
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width), nn.Dropout(dropout))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        q, k, v = (t.unflatten(-1, (self.heads, -1)).transpose(1, 2) for t in self.qkv(self.norm1(x)).chunk(3, -1))
        y = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).flatten(2)
        x = x + nn.functional.dropout(self.out(y), self.p, self.training)
        return x + self.mlp(self.norm2(x))


class GPT(nn.Module):
    def __init__(self, characters: int, width: int = 64, layers: int = 4, heads: int = 4, dropout: float = 0.1) -> None:
        super().__init__()
        self.embedding, self.position = nn.Embedding(characters, width), nn.Embedding(LENGTH, width)
        self.blocks = nn.Sequential(*[Block(width, heads, dropout) for _ in range(layers)])
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, characters, bias=False)
        self.head.weight = self.embedding.weight
        for table in (self.embedding, self.position):
            nn.init.normal_(table.weight, std=0.02)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        x = self.embedding(ids) + self.position(torch.arange(ids.shape[1], device=ids.device))
        return self.head(self.norm(self.blocks(x)))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--budget", default="4MiB")
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--save")
    args = parser.parse_args()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    text = Path(__file__).read_text(encoding="utf-8")
    characters = sorted(set(text))
    ids = torch.tensor([characters.index(c) for c in text], device=device)
    if device == "cpu":
        torch.set_num_threads(1)  # the tensors are small
    torch.manual_seed(0)
    model = GPT(len(characters)).to(device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, fused=True)

    def batch() -> tuple[torch.Tensor, torch.Tensor]:
        starts = torch.randint(0, len(ids) - LENGTH - 1, (16,)).tolist()
        return torch.stack([ids[s : s + LENGTH] for s in starts]), torch.stack([ids[s + 1 : s + LENGTH + 1] for s in starts])

    def train_step(x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        total = torch.zeros((), device=x.device)
        for part, target in zip(x.chunk(2), y.chunk(2), strict=True):
            loss = nn.functional.cross_entropy(model(part).flatten(0, 1), target.flatten()) / 2
            loss.backward()
            total += loss.detach()
        norm = nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        return total, norm

    step = layrub.compile(train_step, example=batch(), budget=args.budget)
    resident, planned = step.needs.peak_bytes, step.plan.figures.arena_bytes
    print(f"everything resident: {resident / 2**20:.1f} MiB; this plan: {planned / 2**20:.1f} MiB")
    for k in range(1, args.steps + 1):
        loss, norm = step(*batch())
        if k % 10 == 0:
            print(f"step {k}: loss {loss.item():.4f}, norm of the gradient {norm.item():.3f}")
    if args.save:
        torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict()}, args.save)
        print(f"{args.save}: {Path(args.save).stat().st_size} bytes")


if __name__ == "__main__":
    main()
