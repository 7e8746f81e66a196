# SPDX-License-Identifier: Apache-2.0
"""Models of Hugging Face from a config.json: recorded without memory as for real."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from layrub import graph, huggingface  # noqa: E402
from layrub.errors import Refused  # noqa: E402
from layrub.ghost import adopt, ghosts  # noqa: E402
from layrub.recorder import record  # noqa: E402
from layrub.script import Training, build, trace  # noqa: E402

CONFIGS: dict[str, dict[str, Any]] = {
    "gpt2": {"model_type": "gpt2", "n_layer": 2, "n_embd": 32, "n_head": 2, "vocab_size": 101, "n_positions": 64},
    "llama": {
        "model_type": "llama", "num_hidden_layers": 2, "hidden_size": 32, "intermediate_size": 64, "num_attention_heads": 4,
        "num_key_value_heads": 2, "vocab_size": 101, "max_position_embeddings": 64,
    },
    "bert": {
        "model_type": "bert", "num_hidden_layers": 2, "hidden_size": 32, "intermediate_size": 64, "num_attention_heads": 2,
        "vocab_size": 101, "max_position_embeddings": 64, "hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0,
    },
    "vit": {
        "model_type": "vit", "num_hidden_layers": 2, "hidden_size": 32, "intermediate_size": 64, "num_attention_heads": 2,
        "image_size": 32, "patch_size": 8, "hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0,
    },
    "t5": {
        "model_type": "t5", "num_layers": 2, "num_decoder_layers": 2, "d_model": 32, "d_ff": 64, "d_kv": 16, "num_heads": 2,
        "vocab_size": 101, "dropout_rate": 0.0, "decoder_start_token_id": 0,
    },
}  # fmt: skip
CONFIGS["gpt2"] |= {"embd_pdrop": 0.0, "attn_pdrop": 0.0, "resid_pdrop": 0.0}


def config_file(folder: Path, name: str, **changed: Any) -> str:
    path = folder / "config.json"
    path.write_text(json.dumps({**CONFIGS[name], **changed}))
    return str(path)


def ops(tape: Any) -> list[Any]:
    doc = graph.document(tape)
    bytes_of = [t["bytes"] for t in doc["tensors"]]
    return [
        (o["name"], o["phase"], o.get("layer"), o["inputs"], o["outputs"], [bytes_of[t] for t in o["inputs"] + o["outputs"]])
        for o in doc["ops"]
    ]


@pytest.mark.parametrize("name", CONFIGS)
def test_same_as_real(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Op by op: names, phases, layers, bytes.  Attention is plain mathematics: CPUs and GPUs have other kernels for it."""
    make = huggingface.maker(config_file(tmp_path, name, attn_implementation="eager", _attn_implementation="eager"))
    training = Training("sgd")
    with ghosts() as world:
        with world.building():
            model, inputs = adopt(build(make, {"batch": 2, "seq": 16}))
        model.set_attn_implementation("eager")
        step = training.step(model)
        ghost = record(
            lambda *a: step(**dict(zip(inputs, a, strict=False))), tuple(inputs.values()), "meta", read=world.known.read
        )
    for factory in ("randn", "randint"):
        monkeypatch.setattr(torch, factory, _on_host(getattr(torch, factory)))
    model, inputs = build(make, {"batch": 2, "seq": 16})
    model.set_attn_implementation("eager")
    step = training.step(model)
    real = record(
        lambda *a: step(**dict(zip(inputs, a, strict=False))), tuple(inputs.values()), "cpu", read=lambda f, a, k: f(*a, **k)
    )
    # On the host an optimizer takes one tensor at a time; a single element is set without a tensor for its value.
    ours, theirs = (
        [(SAME.get(o[0], o[0]), *o[1:3], o[5]) for o in ops(t) if o[1] != "update" and o[0] != "scalar_tensor"]
        for t in (ghost, real)
    )
    assert ours == theirs


SAME = {"fill_": "copy_"}


def _on_host(factory: Any) -> Any:
    return lambda *args, **kwargs: factory(*args, **{k: v for k, v in kwargs.items() if k != "device"})


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("autocast", [None, "bfloat16"])
def test_records(name: str, autocast: str | None, tmp_path: Path) -> None:
    tape = trace(huggingface.maker(config_file(tmp_path, name)), {"batch": 2}, Training("adamw", autocast=autocast), name)
    doc = graph.document(tape)
    kinds = [t["kind"] for t in doc["tensors"]]
    assert "result" in kinds and kinds.count("optimizer") >= 2 * 10
    low = {leaf.dtype for e in tape.entries if e.flops > 0 for leaf in e.results[:1]}
    assert low == ({torch.bfloat16} if autocast else {torch.float32}) or (autocast and low == {torch.bfloat16, torch.float32})
    assert any("attention" in o["name"] for o in doc["ops"]) or name in ("t5",)


def test_checkpointing_runs_again(tmp_path: Path) -> None:
    plain, again = (
        trace(huggingface.maker(config_file(tmp_path, "llama"), checkpoint), {"batch": 2}, Training("sgd"), "llama")
        for checkpoint in (False, True)
    )
    assert sum(e.flops for e in again.entries) > 1.2 * sum(e.flops for e in plain.entries)


def test_model_that_is_trained(tmp_path: Path) -> None:
    kinds = {
        "gpt2": "GPT2LMHeadModel", "llama": "LlamaForCausalLM", "bert": "BertForMaskedLM", "vit": "ViTForImageClassification",
        "t5": "T5ForConditionalGeneration",
    }  # fmt: skip
    with ghosts() as world, world.building():
        for name, kind in kinds.items():
            assert type(huggingface.maker(config_file(tmp_path, name))(1, 8)[0]).__name__ == kind
        named = config_file(tmp_path, "bert", architectures=["BertForSequenceClassification"])
        assert type(huggingface.maker(named)(1, 8)[0]).__name__ == "BertForSequenceClassification"


def test_refused(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text('{"model_type": "nonesuch"}')
    with pytest.raises(Refused, match="nonesuch"):
        huggingface.maker(str(path))
