# SPDX-License-Identifier: Apache-2.0
"""choices.py - the words of the command line that PyTorch gives a meaning, without PyTorch"""

from typing import Any

# A class of torch.optim and its keywords.
OPTIMIZERS: dict[str, tuple[str, dict[str, Any]]] = {
    "adamw": ("AdamW", {}),
    "adam": ("Adam", {}),
    "sgd": ("SGD", {}),
    "momentum": ("SGD", {"momentum": 0.9}),
}
DTYPES = ("float32", "bfloat16", "float16")  # attributes of torch
KERNELS = ("cudnn", "flash", "efficient", "math")  # of scaled_dot_product_attention()
