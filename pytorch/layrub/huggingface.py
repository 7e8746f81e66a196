# SPDX-License-Identifier: Apache-2.0
"""huggingface.py - a training step from a Hugging Face config.json: no hub, no weights"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from layrub.errors import Refused

# Heads that train a base model, by what the model is for.  Encoders can also be decoders, so that these come last.
_AUTO = (
    ("MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING", "AutoModelForSeq2SeqLM"),
    ("MODEL_FOR_MASKED_LM_MAPPING", "AutoModelForMaskedLM"),
    ("MODEL_FOR_CAUSAL_LM_MAPPING", "AutoModelForCausalLM"),
    ("MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING", "AutoModelForImageClassification"),
)


def is_config(path: str) -> bool:
    """Whether the file is a JSON object with a model_type."""
    if not path.endswith(".json") or not Path(path).is_file():
        return False
    try:
        return "model_type" in json.loads(Path(path).read_text(encoding="utf-8"))
    except (ValueError, TypeError):
        return False


def maker(path: str, checkpoint: bool = False) -> Callable[..., tuple[torch.nn.Module, dict[str, torch.Tensor]]]:
    """A function of (batch, seq) that makes the model and its inputs."""
    try:
        import transformers
    except ImportError:
        raise Refused(f"{path}: a configuration of Hugging Face needs their package: pip install transformers") from None
    transformers.logging.set_verbosity_error()  # every size that is tried makes the model anew
    raw = json.loads(Path(path).read_text(encoding="utf-8"))
    try:
        config = transformers.AutoConfig.for_model(**raw)
    except ValueError as e:
        raise Refused(f"{path}: {str(e).splitlines()[0]}") from None
    if hasattr(config, "use_cache"):
        config.use_cache = False

    def make(batch: int = 1, seq: int = 0) -> tuple[torch.nn.Module, dict[str, torch.Tensor]]:
        model = _model(transformers, config, raw, path)
        if checkpoint:
            model.gradient_checkpointing_enable()
        return model, _inputs(config, batch, seq or getattr(config, "max_position_embeddings", None) or 1024)

    make.__name__ = Path(path).stem
    longest = getattr(config, "max_position_embeddings", None)
    if longest:
        make.most = {"seq": longest}  # type: ignore[attr-defined]
    return make


def _model(transformers: Any, config: Any, raw: dict[str, Any], path: str) -> Any:
    named = [getattr(transformers, name, None) for name in raw.get("architectures") or []]
    for kind in named:
        if kind is not None and "For" in kind.__name__:
            return kind(config)
    for table, auto in _AUTO:
        if type(config) in getattr(transformers, table):
            return getattr(transformers, auto).from_config(config)
    raise Refused(f"{path}: no model of type '{raw['model_type']}' that is trained is known; write a script of ten lines instead")


def _inputs(config: Any, batch: int, seq: int) -> dict[str, torch.Tensor]:
    if hasattr(config, "image_size") and hasattr(config, "num_channels"):
        size = config.image_size if isinstance(config.image_size, int) else config.image_size[0]
        pixels = torch.randn(batch, config.num_channels, size, size, device="cuda")
        return {"pixel_values": pixels, "labels": torch.randint(0, config.num_labels, (batch,), device="cuda")}
    ids = torch.randint(0, config.vocab_size, (batch, seq), device="cuda")
    return {"input_ids": ids, "labels": ids.clone()}
