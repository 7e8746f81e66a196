# SPDX-License-Identifier: Apache-2.0
# Two training steps for layrub-torch: a step of one's own, and a plain module with a sample input.
import torch
from torch import nn


def model():
    layer = nn.TransformerEncoderLayer(768, 12, 3072, batch_first=True)
    return nn.Sequential(nn.Embedding(32000, 768), nn.TransformerEncoder(layer, 6), nn.Linear(768, 32000)).cuda()


def step(batch=8, seq=1024):
    net = model()
    optimizer = torch.optim.AdamW(net.parameters())

    def train(words):
        loss = nn.functional.cross_entropy(net(words).flatten(0, 1), words.flatten())
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        return loss

    return train, torch.randint(32000, (batch, seq), device="cuda")


def plain(batch=8, seq=1024):
    return model(), torch.randint(32000, (batch, seq), device="cuda")
