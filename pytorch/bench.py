# SPDX-License-Identifier: Apache-2.0
"""bench.py - time and memory of the recorder, without a GPU

    python3 pytorch/bench.py [STEP...]

Each step in a process of its own: seconds by the clock and of the processor, ops, and the peak of the process's memory, with that
before the recording.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE / "tests")]

from steps import LLAMA_8B  # noqa: E402


def resnet1517() -> tuple[Any, Any]:
    import models
    import torch

    return models.ResNet(models.RESNET1517).cuda(), torch.randn(16, 3, 224, 224, device="cuda")


def words(kind: str, batch: int, seq: int, **config: Any) -> Callable[[], tuple[Any, Any]]:
    def make() -> tuple[Any, Any]:
        import torch
        import transformers

        c = transformers.AutoConfig.for_model(kind, use_cache=False, **config)
        ids = torch.randint(0, c.vocab_size, (batch, seq), device="cuda")
        return transformers.AutoModelForCausalLM.from_config(c), {"input_ids": ids, "labels": ids.clone()}

    return make


# name: (the module and its inputs, optimizer, dtype, most seconds, most MiB, the package that it needs)
STEPS: dict[str, tuple[Callable[[], tuple[Any, Any]], str, str, int, int, str]] = {
    "resnet1517": (resnet1517, "momentum", "float32", 60, 2048, "torch"),
    "gpt2": (words("gpt2", 16, 1024), "momentum", "float32", 5, 2048, "transformers"),
    "llama-8b, adamw": (words("llama", 1, 4096, **LLAMA_8B), "adamw", "bfloat16", 120, 24576, "transformers"),
}


def peak_mib() -> float:
    """Peak of this process's memory."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(name: str) -> None:
    """Records one step in this process and prints its line."""
    from layrub import script

    make, optimizer, dtype, most_s, most_mib, package = STEPS[name]
    __import__(package)
    before = peak_mib()
    begin, busy = time.perf_counter(), time.process_time()
    tape = script.trace(make, {}, script.Training(optimizer, dtype), name)
    seconds, busy, mib = time.perf_counter() - begin, time.process_time() - busy, peak_mib()
    over = "  over" if seconds > most_s or mib > most_mib else ""
    print(
        f"{f'record {name}':32} {seconds:8.3f} s {busy:8.3f} s {len(tape.entries):6} ops {mib:6.0f} MiB ({before:.0f} before)"
        f"   limit {most_s:4} s {most_mib:5} MiB{over}",
        flush=True,
    )


def main() -> int:
    if len(sys.argv) == 3 and sys.argv[1] == "--one":
        measure(sys.argv[2])
        return 0
    unknown = [name for name in sys.argv[1:] if name not in STEPS]
    if unknown:
        print(f"{__doc__.strip()}\n\nSTEP: {', '.join(STEPS)}")
        return 0 if unknown[0] in ("-h", "--help") else 2
    status = 0
    for name in sys.argv[1:] or STEPS:
        package = STEPS[name][-1]
        if find_spec(package) is None:
            print(f"{f'record {name}':32} left out: no {package}", flush=True)
            continue
        status |= subprocess.run([sys.executable, "-W", "ignore", __file__, "--one", name], check=False).returncode
    return status


if __name__ == "__main__":
    sys.exit(main())
