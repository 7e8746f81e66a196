# SPDX-License-Identifier: Apache-2.0
"""PyTorch's own counts for layers: writes tests/data/layers.json, which tests/layer_counts.c compares with ours.

    python3 tests/layer_counts.py >tests/data/layers.json

Needs torch 2.13, peft 0.21 and bitsandbytes 0.50. Each case is a network whose layer `t` is counted, and PyTorch's numbers for
the same layer on the host: parameters; FLOPs of forward and backward by torch.utils.flop_counter; bytes of the tensors that
autograd keeps of it for backward (saved_tensors_hooks), each storage once and without parameters. Inputs of `t` want a gradient
unless they are data. Of optimizers the bytes of the states of a linear layer are counted, without counts of steps and the tables
that all layers share.
"""

import json
import sys

import bitsandbytes
import peft
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode, sdpa_backward_flop, sdpa_flop

BATCH = 2
IMAGE, SIGNAL, ROWS = [6, 8, 8], [6, 24], [32, 24]
EXPERTS, TOP = 4, 2

aten = torch.ops.aten


def host_sdpa(query, key, value, *_, out_shape=None, **__):
    """FLOPs of the host's fused attention, which the counter does not know."""
    return sdpa_flop(query, key, value)


def host_sdpa_backward(gradient, query, key, value, *_, out_shape=None, **__):
    return sdpa_backward_flop(gradient, query, key, value)


HOST = {
    aten._scaled_dot_product_flash_attention_for_cpu: host_sdpa,
    aten._scaled_dot_product_flash_attention_for_cpu_backward: host_sdpa_backward,
}


def flops(call):
    with FlopCounterMode(display=False, custom_mapping=HOST) as counter:
        result = call()
    return counter.get_total_flops(), result


def measure(module, inputs):
    """Counts of one layer: parameters, FLOPs forward and backward, bytes kept for backward."""
    own = {t.untyped_storage().data_ptr() for t in [*module.parameters(), *module.buffers()]}
    kept = {}

    def pack(t):
        s = t.untyped_storage()
        if s.data_ptr() not in own:
            kept[s.data_ptr()] = s.nbytes()
            alive.append(t)
        return t

    alive = []  # no storage is freed, so no address comes twice
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda t: t):
        forward, out = flops(lambda: module(*inputs))
    backward, _ = flops(lambda: out.backward(torch.ones_like(out)))
    if any(getattr(m, "groups", 1) > 1 for m in module.modules()):
        backward = None  # the counter of 2.13 counts the filter's gradient once for each group
    return {
        "parameters": sum(p.numel() for p in module.parameters()),
        "forward_flops": forward,
        "backward_flops": backward,
        "saved_bytes": sum(kept.values()),
    }


def measure_chunked(features):
    """Counts of linear_cross_entropy in chunks: a custom operator, so its FLOPs are those of the same loss in one piece (forward
    makes the gradients, too), and its context holds what backward needs."""
    weight, bias = torch.randn(features, ROWS[-1], requires_grad=True), torch.randn(features, requires_grad=True)
    rows = torch.randn(BATCH * ROWS[0], ROWS[-1], requires_grad=True)
    labels = torch.randint(0, features, (BATCH * ROWS[0],))

    def loss(options):
        return F.linear_cross_entropy(rows, weight, labels, linear_bias=bias, options=options)

    whole, _ = flops(lambda: loss(None).backward())
    context = loss(nn.LinearCrossEntropyOptions()).grad_fn
    return {
        "parameters": weight.numel() + bias.numel(),
        "forward_flops": whole,
        "backward_flops": 0,
        "saved_bytes": sum(g.untyped_storage().nbytes() for g in (context._gi, context._gw, context._gb)),
    }


class Call(nn.Module):
    """A function, with the parameters of modules."""

    def __init__(self, function, *modules):
        super().__init__()
        self.held = nn.ModuleList(modules)
        self.function = function

    def forward(self, *inputs):
        return self.function(*inputs)


class GatedMLP(nn.Module):
    def __init__(self, features, hidden, act, bias):
        super().__init__()
        self.gate, self.up = nn.Linear(features, hidden, bias), nn.Linear(features, hidden, bias)
        self.down, self.act = nn.Linear(hidden, features, bias), act

    def forward(self, x):
        return self.down(self.act(self.gate(x)) * self.up(x))


class MoE(nn.Module):
    """Rows sorted by expert, equal numbers for each, and one batched product for all: the bound at balance."""

    def __init__(self, features, hidden):
        super().__init__()
        self.router = nn.Linear(features, EXPERTS, bias=False)
        self.gate = nn.Parameter(torch.randn(EXPERTS, features, hidden))
        self.up = nn.Parameter(torch.randn(EXPERTS, features, hidden))
        self.down = nn.Parameter(torch.randn(EXPERTS, hidden, features))

    def forward(self, x):
        flat = x.view(-1, x.shape[-1])
        weights, choice = F.softmax(self.router(flat), -1).topk(TOP, -1)
        weights = weights / weights.sum(-1, keepdim=True)
        order = choice.flatten().argsort()
        tokens = order // TOP
        rows = flat[tokens].view(EXPERTS, -1, x.shape[-1])
        hidden = F.silu(rows @ self.gate) * (rows @ self.up)
        out = (hidden @ self.down).view(-1, x.shape[-1]) * weights.flatten()[order].unsqueeze(-1)
        return torch.zeros_like(flat).index_add(0, tokens, out).view(x.shape)


class RelativeBias(nn.Module):
    def __init__(self, heads, buckets):
        super().__init__()
        self.table, self.buckets = nn.Embedding(buckets, heads), buckets

    def forward(self, x):
        places = torch.arange(x.shape[1])
        return self.table((places[:, None] - places[None, :]).abs() % self.buckets).permute(2, 0, 1)


def lora():
    model = peft.get_peft_model(nn.Sequential(nn.Linear(24, 16)), peft.LoraConfig(r=4, target_modules=["0"], lora_alpha=8))
    return model.base_model.model


def heads(x, count):
    return x.view(x.shape[0], x.shape[1], count, -1).transpose(1, 2)


def attention(count, groups, bias=False, fused=True):
    """Queries of `count` heads, keys and values of `groups`: fused on the host, or op by op."""

    def call(q, k, v, scores_bias=None):
        q, k, v = heads(q, count), heads(k, groups), heads(v, groups)
        if fused:
            out = F.scaled_dot_product_attention(q, k, v, scale=1, enable_gqa=groups < count)
        else:
            scores = q @ k.transpose(-1, -2)
            if bias:
                scores = scores + scores_bias
            out = F.softmax(scores, -1) @ v
        return out.transpose(1, 2).flatten(2)

    return Call(call)


def drop_path(x):
    keep = x.new_empty(x.shape[0], 1, 1, 1).bernoulli_(0.5)
    return x * keep


CASES = [
    # name, shapes of the inputs of t (or what they are), its attributes, the module
    ("conv over a signal", [SIGNAL], {"type": "conv", "channels": 8, "kernel": 5, "stride": 2, "pad": 2, "groups": 2},
     lambda: nn.Conv1d(6, 8, 5, 2, 2, groups=2)),
    ("conv without a bias", [IMAGE], {"type": "conv", "channels": 8, "kernel": [3, 1], "dilation": 2, "bias": False},
     lambda: nn.Conv2d(6, 8, (3, 1), dilation=2, bias=False)),
    ("conv-transposed", [IMAGE],
     {"type": "conv-transposed", "channels": 4, "kernel": 3, "stride": 2, "pad": 1, "output_pad": 1, "groups": 2},
     lambda: nn.ConvTranspose2d(6, 4, 3, 2, 1, 1, groups=2)),
    ("conv-transposed over a signal", [SIGNAL],
     {"type": "conv-transposed", "channels": 4, "kernel": 4, "stride": 4, "bias": False},
     lambda: nn.ConvTranspose1d(6, 4, 4, 4, bias=False)),
    ("linear", [ROWS], {"type": "linear", "features": 10}, lambda: nn.Linear(24, 10)),
    ("linear with LoRA", [ROWS], {"type": "linear", "features": 16, "lora": 4}, lora),
    ("gated-mlp", [ROWS], {"type": "gated-mlp", "features": 40}, lambda: GatedMLP(24, 40, F.silu, False)),
    ("gated-mlp with gelu and biases", [ROWS], {"type": "gated-mlp", "features": 40, "activation": "gelu", "bias": True},
     lambda: GatedMLP(24, 40, F.gelu, True)),
    ("group-norm", [IMAGE], {"type": "group-norm", "groups": 3}, lambda: nn.GroupNorm(3, 6)),
    ("group-norm of a sequence, not affine", [ROWS], {"type": "group-norm", "groups": 8, "affine": False},
     lambda: nn.GroupNorm(8, 32, affine=False)),
    ("instance-norm", [IMAGE], {"type": "instance-norm"}, lambda: nn.InstanceNorm2d(6)),
    ("instance-norm with weights", [IMAGE], {"type": "instance-norm", "affine": True}, lambda: nn.InstanceNorm2d(6, affine=True)),
    ("layer-norm", [ROWS], {"type": "layer-norm"}, lambda: nn.LayerNorm(24)),
    ("relu", [IMAGE], {"type": "relu"}, nn.ReLU),
    ("silu", [IMAGE], {"type": "silu"}, nn.SiLU),
    ("gelu", [IMAGE], {"type": "gelu"}, nn.GELU),
    ("softmax", [ROWS], {"type": "softmax"}, lambda: nn.Softmax(-1)),
    ("log-softmax", [ROWS], {"type": "softmax", "log": True}, lambda: nn.LogSoftmax(-1)),
    ("rescale", [ROWS], {"type": "rescale", "factor": 0.5}, lambda: Call(lambda x: x * 0.5)),
    ("drop-path", [IMAGE], {"type": "drop-path", "p": 0.5}, lambda: Call(drop_path)),
    ("upsample, nearest", [IMAGE], {"type": "upsample"}, lambda: nn.Upsample(scale_factor=2)),
    ("upsample, nearest-exact", [IMAGE], {"type": "upsample", "mode": "nearest-exact"},
     lambda: nn.Upsample(scale_factor=2, mode="nearest-exact")),
    ("upsample, bilinear", [IMAGE], {"type": "upsample", "mode": "bilinear", "factor": 3},
     lambda: nn.Upsample(scale_factor=3, mode="bilinear")),
    ("upsample, bicubic", [IMAGE], {"type": "upsample", "mode": "bicubic"}, lambda: nn.Upsample(scale_factor=2, mode="bicubic")),
    ("pixel-shuffle", [[8, 4, 4]], {"type": "pixel-shuffle", "factor": 2}, lambda: nn.PixelShuffle(2)),
    ("pixel-unshuffle", [IMAGE], {"type": "pixel-unshuffle", "factor": 2}, lambda: nn.PixelUnshuffle(2)),
    ("attention", [ROWS, ROWS, ROWS], {"type": "attention", "heads": 4}, lambda: attention(4, 4)),
    ("attention to other tokens", [ROWS, [64, 24], [64, 24]], {"type": "attention", "heads": 4}, lambda: attention(4, 4)),
    ("grouped attention", [ROWS, [32, 12], [32, 12]], {"type": "attention", "heads": 4, "kv_heads": 2}, lambda: attention(4, 2)),
    ("multi-query attention", [ROWS, [32, 6], [32, 6]], {"type": "attention", "heads": 4, "kv_heads": 1},
     lambda: attention(4, 1)),
    ("attention with a bias, op by op", [ROWS, ROWS, ROWS, "bias"], {"type": "attention", "heads": 4, "fused": False},
     lambda: attention(4, 4, True, False)),
    ("relative-bias", [ROWS], {"type": "relative-bias", "heads": 4, "buckets": 7}, lambda: RelativeBias(4, 7)),
    ("moe", [ROWS], {"type": "moe", "experts": EXPERTS, "top": TOP, "features": 40}, lambda: MoE(24, 40)),
    ("mse-loss", [ROWS, "target"], {"type": "mse-loss"}, nn.MSELoss),
    ("mse-loss of two maps", [ROWS, ROWS], {"type": "mse-loss"}, nn.MSELoss),
    ("l1-loss", [ROWS, "target"], {"type": "l1-loss"}, nn.L1Loss),
    ("bce-loss", [ROWS, "target"], {"type": "bce-loss"}, nn.BCEWithLogitsLoss),
    ("kl-loss", [ROWS, "target"], {"type": "kl-loss"}, lambda: nn.KLDivLoss(reduction="batchmean")),
]

def network(name, inputs, layer):
    """The document: data, a trained layer over each, `t`, and a loss behind it where `t` is none."""
    layers, names = [], []
    for i, shape in enumerate(inputs):
        if shape == "target":
            layers.append({"name": f"s{i}", "type": "input", "shape": inputs[0]})
        elif shape == "labels":
            layers.append({"name": f"s{i}", "type": "input", "shape": inputs[0][:1], "dtype": "int64"})
        elif shape == "bias":
            layers.append({"name": f"s{i}", "type": "parameter", "shape": [layer["heads"], inputs[0][0], inputs[1][0]]})
        else:
            layers.append({"name": f"x{i}", "type": "input", "shape": shape})
            layers.append({"name": f"s{i}", "type": "scale", "inputs": [f"x{i}"]})
        names.append(f"s{i}")
    layers.append({"name": "t", "inputs": names, **layer})
    if layer["type"] == "relative-bias":
        layers.append({"name": "a", "type": "attention", "inputs": ["s0", "s0", "s0", "t"], "heads": layer["heads"]})
    if not layer["type"].endswith(("-loss", "-entropy")):
        layers += [{"name": "v", "type": "flatten"}, {"name": "y", "type": "input", "shape": [1], "dtype": "int64"},
                   {"name": "l", "type": "cross-entropy", "inputs": ["v", "y"]}]
    return {"format": "layrub-network", "version": 1, "name": name, "batch": BATCH, "layers": layers}


def tensors(inputs, layer):
    made = []
    for shape in inputs:
        if shape == "bias":
            made.append(torch.randn(layer["heads"], inputs[0][0], inputs[1][0], requires_grad=True))
        elif shape == "target":
            made.append(torch.rand(BATCH, *inputs[0]))
        else:
            made.append(torch.randn(BATCH, *shape, requires_grad=True))
    return made


OPTIMIZERS = {
    "sgd": lambda p: torch.optim.SGD(p),
    "momentum": lambda p: torch.optim.SGD(p, momentum=0.9),
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "adam-8bit": bitsandbytes.optim.Adam8bit,
    "adamw-8bit": bitsandbytes.optim.AdamW8bit,
}


def optimizer_case(name):
    layer = nn.Linear(128, 40)
    optimizer = OPTIMIZERS[name](layer.parameters())
    layer(torch.randn(BATCH, 128)).sum().backward()
    if name.endswith("8bit"):  # a step needs a GPU, the states do not
        optimizer.fill_qmap()
        for i, p in enumerate(layer.parameters()):
            optimizer.init_state(optimizer.param_groups[0], p, 0, i)
    else:
        optimizer.step()
    states = [
        v
        for state in optimizer.state.values()
        for key, v in state.items()
        if isinstance(v, torch.Tensor) and key != "step" and "qmap" not in key
    ]
    document = network(name, [[128]], {"type": "linear", "features": 40})
    document["layers"] = [layer for layer in document["layers"] if layer["name"] != "s0"]
    document["layers"][1]["inputs"] = ["x0"]
    kept = sum(s.untyped_storage().nbytes() for s in states)
    return {"name": name, "state_bytes": kept, "network": {**document, "optimizer": name}}


def main():
    torch.manual_seed(0)
    out = []
    for name, inputs, layer, module in CASES:
        out.append({"name": name, **measure(module(), tensors(inputs, layer)), "network": network(name, inputs, layer)})
    layer = {"type": "linear-cross-entropy", "features": 50, "bias": True}
    name = layer["type"]
    out.append({"name": name, **measure_chunked(50), "network": network(name, [ROWS, "labels"], layer)})
    head = {"torch": torch.__version__, "peft": peft.__version__, "bitsandbytes": bitsandbytes.__version__}
    lines = ",\n  ".join(json.dumps(case) for case in out)
    optimizers = ",\n  ".join(json.dumps(optimizer_case(name)) for name in OPTIMIZERS)
    sys.stdout.write(f'{{"made_by": "tests/layer_counts.py", "with": {json.dumps(head)},\n "cases": [\n  {lines}],\n')
    sys.stdout.write(f' "optimizers": [\n  {optimizers}]}}\n')


if __name__ == "__main__":
    main()
