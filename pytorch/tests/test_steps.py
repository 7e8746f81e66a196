# SPDX-License-Identifier: Apache-2.0
"""Steps of all kinds: without memory the tape has the ops that the step has on real tensors, or CUDA's own in their place."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

torch = pytest.importorskip("torch")

import torch.nn.functional as F  # noqa: E402
from torch import nn  # noqa: E402
from torch.utils.checkpoint import checkpoint  # noqa: E402

from layrub import graph  # noqa: E402
from layrub.ghost import adopt, ghosts  # noqa: E402
from layrub.recorder import record  # noqa: E402
from layrub.tape import Tape  # noqa: E402

Step = Callable[..., Any]


def sgd(parameters: Any) -> torch.optim.Optimizer:
    return torch.optim.SGD(parameters, 0.1, foreach=True)


def trained(loss: Callable[..., torch.Tensor], optimizer: Any = sgd, before_update: Any = lambda m: None) -> Any:
    def build(model: nn.Module) -> Step:
        opt = optimizer([p for p in model.parameters() if p.requires_grad])

        def step(*inputs: Any) -> torch.Tensor:
            out = loss(model, *inputs)
            out.backward()
            before_update(model)
            opt.step()
            opt.zero_grad(set_to_none=True)
            return out

        return step

    return build


def entropy(model: nn.Module, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return F.cross_entropy(model(x), y)


def several_losses(model: nn.Module, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    out, target = model(x), x[:, :4]
    return (
        F.mse_loss(out, target) + F.l1_loss(out, target) + F.smooth_l1_loss(out, target)
        + F.cross_entropy(out, y, label_smoothing=0.1)
        + F.binary_cross_entropy_with_logits(out, target.sigmoid()) + F.kl_div(F.log_softmax(out, -1), F.softmax(target, -1))
    )  # fmt: skip


# ---- steps that call autograd themselves ----


def gradient_penalty(model: nn.Module) -> Step:
    opt = torch.optim.Adam(model.parameters(), 1e-3, fused=True)

    def step(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        x = x.detach().requires_grad_()
        out = checkpoint(model, x, use_reentrant=False)
        (slope,) = torch.autograd.grad(out.sum(), x, create_graph=True)
        loss = F.cross_entropy(out, y) + slope.pow(2).sum()
        loss.backward()
        opt.step()
        opt.zero_grad()
        return loss

    return step


def functional(model: nn.Module) -> Step:
    weights = {k: p.detach() for k, p in model.named_parameters()}

    def loss(weights: Any, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return F.cross_entropy(torch.func.functional_call(model, weights, (x[None],)), y[None])

    def step(x: torch.Tensor, y: torch.Tensor) -> None:
        grads = torch.func.vmap(torch.func.grad(loss), in_dims=(None, 0, 0))(weights, x, y)
        for k, w in weights.items():
            w.add_(grads[k].mean(0), alpha=-0.1)

    return step


def hooked(model: nn.Module) -> Step:
    for p in model.parameters():
        p.register_hook(lambda g: F.softshrink(g, 0.01))
        p.register_post_accumulate_grad_hook(lambda p: (p.grad.mul_(0.5), None)[1])
    model.register_full_backward_hook(lambda m, grad_in, grad_out: None)
    return trained(entropy)(model)


def checkpointed(use_reentrant: bool) -> Any:
    def loss(model: nn.Module, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return F.cross_entropy(checkpoint(model, x.detach().requires_grad_(), use_reentrant=use_reentrant), y)

    return trained(loss)


def scaled(model: nn.Module) -> Step:
    kind = "cuda" if next(model.parameters()).is_cuda else "cpu"
    opt, scaler = sgd(model.parameters()), torch.amp.GradScaler(kind)

    def step(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        with torch.autocast(kind, dtype=torch.bfloat16):
            loss = F.cross_entropy(model(x), y)
        scaler.scale(loss).backward()
        scaler.unscale_(opt)
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        scaler.step(opt)
        scaler.update()
        opt.zero_grad()
        return loss

    return step


def averaged(model: nn.Module) -> Step:
    average, plain = copy.deepcopy(model), trained(entropy)(model)

    def step(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        loss = plain(x, y)
        with torch.no_grad():
            torch._foreach_lerp_(list(average.parameters()), list(model.parameters()), 0.1)
        return loss

    return step


# ---- models ----


class Adapted(nn.Module):
    """A frozen layer beside a product of two small matrices (Hu et al., LoRA, 2021)."""

    def __init__(self, base: nn.Linear) -> None:
        super().__init__()
        self.base = base.requires_grad_(False)
        self.a = nn.Parameter(torch.randn(2, base.in_features))
        self.b = nn.Parameter(torch.zeros(base.out_features, 2))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.base(x) + (x @ self.a.T) @ self.b.T


class Recurrent(nn.Module):
    def __init__(self, layer: nn.RNNBase) -> None:
        super().__init__()
        self.layer = layer
        self.head = nn.LazyLinear(4)
        self(torch.zeros(1, 2, 8))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.layer(x)[0][:, -1])


def mlp(*middle: nn.Module) -> Any:
    return lambda: nn.Sequential(nn.Linear(8, 8), *copy.deepcopy(middle), nn.Tanh(), nn.Linear(8, 4))


def images(channels: int, *layers: nn.Module) -> Any:
    return lambda: nn.Sequential(*copy.deepcopy(layers), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(4 * channels, 4))


def rows() -> Any:
    return torch.randn(4, 8), torch.randint(0, 4, (4,))


def pictures() -> Any:
    return torch.randn(2, 4, 16, 16), torch.randint(0, 4, (2,))


def pictures_channels_last() -> Any:
    return torch.randn(2, 4, 16, 16).to(memory_format=torch.channels_last), torch.randint(0, 4, (2,))


def words() -> Any:
    return torch.randn(2, 5, 8), torch.randint(0, 4, (2,))


CONV = nn.Conv2d(4, 8, 3)
Case = tuple[Any, Any, Any]
SAME: dict[str, Case] = {
    "autograd.grad twice, checkpointed": (mlp(), rows, gradient_penalty),
    "vmap of grad": (mlp(), rows, functional),
    "hooks": (mlp(), rows, hooked),
    "checkpoint": (mlp(), rows, checkpointed(False)),
    "reentrant checkpoint": (mlp(), rows, checkpointed(True)),
    "GradScaler": (mlp(), rows, scaled),
    "average of weights": (mlp(), rows, averaged),
    "adapters": (lambda: nn.Sequential(Adapted(nn.Linear(8, 8)), Adapted(nn.Linear(8, 4))), rows, trained(entropy)),
    "clipping": (mlp(), rows, trained(entropy, before_update=lambda m: nn.utils.clip_grad_norm_(m.parameters(), 1.0))),
    "losses": (mlp(), rows, trained(several_losses)),
    "dropout in place": (mlp(nn.Dropout(0.1, inplace=True), nn.AlphaDropout(0.1)), rows, trained(entropy)),
    "spectral norm": (lambda: nn.utils.parametrizations.spectral_norm(nn.Linear(8, 4)), rows, trained(entropy)),
    "weight norm": (lambda: nn.utils.parametrizations.weight_norm(nn.Linear(8, 4)), rows, trained(entropy)),
    "batch norm of rows": (mlp(nn.BatchNorm1d(8)), rows, trained(entropy)),
    "RMS norm": (mlp(nn.RMSNorm(8), nn.LayerNorm(8)), rows, trained(entropy)),
    "transposed convolution": (images(8, nn.ConvTranspose2d(4, 8, 3, 2), nn.GroupNorm(2, 8)), pictures, trained(entropy)),
    "depthwise convolution": (images(4, nn.Conv2d(4, 4, 3, groups=4)), pictures, trained(entropy)),
    "channels last": (images(8, CONV, nn.ReLU()), pictures_channels_last, trained(entropy)),
    "pooling": (images(8, CONV, nn.MaxPool2d(2), nn.AvgPool2d(2)), pictures, trained(entropy)),
    "interpolation": (images(8, CONV, nn.Upsample(scale_factor=2, mode="bilinear")), pictures, trained(entropy)),
    "pixel shuffle": (images(8, CONV, nn.PixelShuffle(2), nn.PixelUnshuffle(2)), pictures, trained(entropy)),
    "Adam, fused": (mlp(), rows, trained(entropy, lambda p: torch.optim.Adam(p, fused=True))),
    "SGD, fused": (mlp(), rows, trained(entropy, lambda p: torch.optim.SGD(p, 0.1, momentum=0.9, fused=True))),
    "SGD, one by one": (mlp(), rows, trained(entropy, lambda p: torch.optim.SGD(p, 0.1, momentum=0.9, foreach=False))),
    "Adagrad, fused": (mlp(), rows, trained(entropy, lambda p: torch.optim.Adagrad(p, fused=True))),
    "Muon": (mlp(), rows, trained(entropy, lambda p: torch.optim.Muon([q for q in p if q.dim() == 2]))),
}


def both(case: Case) -> tuple[Tape, Tape]:
    make, inputs, build = case
    torch.manual_seed(1)
    real = record(build(make()), inputs(), "cpu", warm_up=2, read=lambda f, a, k: f(*a, **k))
    with ghosts() as world:
        model, x = adopt((make(), inputs()))
        ghost = record(build(model), x, "meta", warm_up=2, read=world.known.read)
    return real, ghost


@pytest.mark.parametrize("name", SAME)
def test_same_ops_over_the_same_bytes(name: str) -> None:
    real, ghost = both(SAME[name])
    a, b = graph.document(real), graph.document(ghost)
    for p, q in zip(a["ops"], b["ops"], strict=False):
        assert [p[k] for k in ("name", "phase", "inputs", "outputs")] == [q[k] for k in ("name", "phase", "inputs", "outputs")]
        assert p.get("layer") == q.get("layer")
    assert len(a["ops"]) == len(b["ops"])
    assert a["tensors"] == b["tensors"]


# Ops of a step on the host, and those that CUDA has in their place.  Counters of steps are tensors of the host there.
CUDA: dict[str, tuple[Case, dict[str, int]]] = {
    "dropout": ((mlp(nn.Dropout(0.1)), rows, trained(entropy)), {"native_dropout": 1, "native_dropout_backward": 1}),
    "batch norm": (
        (images(8, CONV, nn.BatchNorm2d(8)), pictures, trained(entropy)),
        {"cudnn_batch_norm": 1, "cudnn_batch_norm_backward": 1},
    ),
    "instance norm": (
        (images(8, CONV, nn.InstanceNorm2d(8, affine=True, track_running_stats=True)), pictures, trained(entropy)),
        {"cudnn_batch_norm": 1, "cudnn_batch_norm_backward": 1},
    ),
    "LSTM": (
        (lambda: Recurrent(nn.LSTM(8, 16, batch_first=True)), words, trained(entropy)),
        {"_cudnn_rnn": 1, "_cudnn_rnn_backward": 1},
    ),
    "GRU": (
        (lambda: Recurrent(nn.GRU(8, 16, 2, batch_first=True, bidirectional=True)), words, trained(entropy)),
        {"_cudnn_rnn": 1, "_cudnn_rnn_backward": 1},
    ),
    "attention": (
        (lambda: nn.TransformerEncoderLayer(8, 2, 16, 0.0, batch_first=True), words, trained(lambda m, x, y: m(x).mean())),
        {"_scaled_dot_product_efficient_attention": 1, "_scaled_dot_product_efficient_attention_backward": 1},
    ),
    **{
        kind.__name__: ((mlp(), rows, trained(entropy, lambda p, kind=kind: kind(p, foreach=True))), {})
        for kind in (
            torch.optim.Adam, torch.optim.RMSprop, torch.optim.Adagrad,
            torch.optim.Adadelta, torch.optim.NAdam, torch.optim.RAdam,
        )
    },
}  # fmt: skip


@pytest.mark.parametrize("name", CUDA)
def test_what_cuda_does(name: str) -> None:
    case, expected = CUDA[name]
    real, ghost = both(case)
    theirs, ours = Counter(e.name for e in real.entries), Counter(e.name for e in ghost.entries)
    found = {k: n for k, n in ours.items() if "cudnn" in k or "dropout" in k or "attention" in k}
    assert found == expected
    if not expected:
        assert not ours - theirs and set(theirs - ours) <= {"_foreach_add_", "_foreach_mul_"}


def test_recurrent_weights_are_one_buffer() -> None:
    _, ghost = both(CUDA["LSTM"][0])
    kinds = Counter(s.kind for s in ghost.storages)
    assert kinds["parameter"] == 3  # the layer's, and weight and bias of the head
    (call,) = (e for e in ghost.entries if e.name == "_cudnn_rnn")
    (back,) = (e for e in ghost.entries if e.name == "_cudnn_rnn_backward")
    kept = next(r for r in call.results if r.dtype == torch.uint8)
    assert ghost.storages[kept.storage].bytes > 0 and kept.storage in back.reads
