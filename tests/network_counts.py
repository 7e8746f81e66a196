# SPDX-License-Identifier: Apache-2.0
"""Parameters and FLOPs of the published models: writes tests/data/networks.json, which tests/layer_counts.c compares with ours.

    python3 tests/network_counts.py >tests/data/networks.json

Needs torch 2.13, transformers 5.24, diffusers 0.42, peft 0.21 and torchvision. Models are built and run without memory
(FakeTensorMode), forward and backward of one sample. FLOPs are those of torch.utils.flop_counter. It counts causal attention as
if it were not, and a grouped convolution's filter gradient once for each group, so `backward_flops` is null where there are such
convolutions.
"""

import json
import sys
from unittest import mock

import torch
from layer_counts import HOST
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils.flop_counter import FlopCounterMode


def image_model(make, size=224, **options):
    def build():
        from torchvision import models

        model = make(models) if callable(make) else getattr(models, make)(**options)
        return model, lambda: losses(model(torch.randn(2, 3, size, size)))

    return build


def losses(out):
    """The sum of all outputs stands for the losses: a loss has no FLOPs."""
    if isinstance(out, torch.Tensor):
        return out.sum()
    return sum(o.sum() for o in out if o is not None)


def language_model(make, tokens, **more):
    def build():
        import transformers

        model = make(transformers).eval()
        ids = torch.zeros(2, tokens, dtype=torch.int64)
        return model, lambda: model(input_ids=ids, use_cache=False, **{k: f(ids) for k, f in more.items()}).logits.sum()

    return build


def llama(t, hidden=4096, intermediate=14336, layers=32, tied=False):
    return t.LlamaForCausalLM(t.LlamaConfig(
        vocab_size=128256, hidden_size=hidden, intermediate_size=intermediate, num_hidden_layers=layers, num_attention_heads=32,
        num_key_value_heads=8, max_position_embeddings=8192, tie_word_embeddings=tied))


def llama_lora(t):
    import peft

    names = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
    with mock.patch.object(nn.Module, "to", lambda module, *_, **__: module):  # tensors without memory cannot be moved
        return peft.get_peft_model(llama(t), peft.LoraConfig(r=16, target_modules=names))


def mixtral(t):
    return t.MixtralForCausalLM._from_config(t.MixtralConfig(), experts_implementation="batched_mm")


def t5():
    import transformers

    config = transformers.T5Config(d_model=768, d_ff=3072, num_layers=12, num_heads=12, d_kv=64)
    model = transformers.T5ForConditionalGeneration._from_config(config, attn_implementation="eager").eval()
    ids, answer = torch.zeros(2, 512, dtype=torch.int64), torch.zeros(2, 128, dtype=torch.int64)
    return model, lambda: model(input_ids=ids, decoder_input_ids=answer, use_cache=False).logits.sum()


def sd_unet():
    import diffusers

    model = diffusers.UNet2DConditionModel(sample_size=64, cross_attention_dim=768, attention_head_dim=8)
    return model, lambda: model(torch.randn(2, 4, 64, 64), torch.zeros(2), torch.randn(2, 77, 768)).sample.sum()


class UNet(nn.Module):
    """U-Net in common use, as networks/unet.json says: batch norm, bilinear upsampling."""

    def __init__(self):
        super().__init__()
        widths = [64, 128, 256, 512, 512]
        self.down = nn.ModuleList(self.pair(a, b, b) for a, b in zip([3, *widths], widths, strict=False))
        ups = [(1024, 512, 256), (512, 256, 128), (256, 128, 64), (128, 64, 64)]
        self.up = nn.ModuleList(self.pair(*sizes) for sizes in ups)
        self.out = nn.Conv2d(64, 2, 1)

    @staticmethod
    def pair(a, b, c):
        return nn.Sequential(nn.Conv2d(a, b, 3, padding=1, bias=False), nn.BatchNorm2d(b), nn.ReLU(),
                             nn.Conv2d(b, c, 3, padding=1, bias=False), nn.BatchNorm2d(c), nn.ReLU())

    def forward(self, x):
        maps = []
        for i, stage in enumerate(self.down):
            x = stage(nn.functional.max_pool2d(x, 2) if i > 0 else x)
            maps.append(x)
        maps.pop()
        for stage in self.up:
            x = stage(torch.cat([maps.pop(), nn.functional.interpolate(x, scale_factor=2, mode="bilinear")], 1))
        return self.out(x)


def unet():
    model = UNet()
    return model, lambda: model(torch.randn(2, 3, 512, 512)).sum()


def resnet1517(vision):
    return vision.ResNet(vision.resnet.Bottleneck, [6, 32, 461, 6])


MODELS = {
    "alexnet": image_model("alexnet"),
    "bert-large": language_model(lambda t: t.BertForMaskedLM(t.BertConfig(
        hidden_size=1024, num_hidden_layers=24, num_attention_heads=16, intermediate_size=4096)), 512),
    "convnext-tiny": image_model("convnext_tiny"),
    "densenet121": image_model("densenet121"),
    "densenet201": image_model("densenet201"),
    "googlenet": image_model("googlenet", aux_logits=True, init_weights=False),
    "gpt2": language_model(lambda t: t.GPT2LMHeadModel(t.GPT2Config()), 1024),
    "gpt2-xl": language_model(lambda t: t.GPT2LMHeadModel(t.GPT2Config(n_embd=1600, n_layer=48, n_head=25)), 1024),
    "inception-v3": image_model("inception_v3", 299, init_weights=False),
    "llama-1b": language_model(lambda t: llama(t, 2048, 8192, 16, True), 2048),
    "llama-8b": language_model(llama, 2048),
    "llama-8b-lora": language_model(llama_lora, 2048),
    "mixtral-8x7b": language_model(mixtral, 2048),
    "resnet18": image_model("resnet18"),
    "resnet34": image_model("resnet34"),
    "resnet50": image_model("resnet50"),
    "resnet101": image_model("resnet101"),
    "resnet152": image_model("resnet152"),
    "resnet1517": image_model(resnet1517),
    "sd-unet": sd_unet,
    "t5-base": t5,
    "unet": unet,
    "vgg16": image_model("vgg16"),
    "vit-b16": image_model("vit_b_16"),
    "wide-resnet101-2": image_model("wide_resnet101_2"),
}


def flops(call):
    with FlopCounterMode(display=False, custom_mapping=HOST) as counter:
        out = call()
    return counter.get_total_flops() // 2, out  # of one sample: there are two, because batch norm wants more than one value


def measure(build):
    with FakeTensorMode(allow_non_fake_inputs=True):
        with mock.patch.object(nn.init, "trunc_normal_", lambda tensor, *_, **__: tensor):  # looks at values
            model, call = build()
        grouped = any(getattr(m, "groups", 1) > 1 for m in model.modules())
        forward, out = flops(call)
        backward, _ = flops(out.backward)
        return {
            "parameters": sum(p.numel() for p in model.parameters()),
            "trained": sum(p.numel() for p in model.parameters() if p.requires_grad),
            "forward_flops": forward,
            "backward_flops": None if grouped else backward,
        }


def main():
    names = sys.argv[1:] or MODELS
    lines = []
    for name in names:
        lines.append(f"  {json.dumps(name)}: {json.dumps(measure(MODELS[name]))}")
        print(lines[-1], file=sys.stderr)
    sys.stdout.write(f'{{"made_by": "tests/network_counts.py", "with": {{"torch": "{torch.__version__}"}},\n "networks": {{\n'
                     + ",\n".join(lines) + "}}\n")


if __name__ == "__main__":
    main()
