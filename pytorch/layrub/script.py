# SPDX-License-Identifier: Apache-2.0
"""script.py - the training step that a person's script, module or Hugging Face configuration describes

A script's function returns (step, inputs): a callable that does one step, or a plain nn.Module, and what it is called with (a
tensor, a tuple, or a dictionary of keywords).  The function is called with those of the sizes (batch, seq, ...) that it has
parameters for.
"""

from __future__ import annotations

import contextlib
import importlib.util
import inspect
import os
import sys
import traceback
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch

import layrub
from layrub import choices, private, workspace
from layrub.errors import Refused
from layrub.ghost import adopt, ghosts
from layrub.gpu import Gpu
from layrub.living import alive
from layrub.measure import measure
from layrub.recorder import record
from layrub.tape import Tape
from layrub.unmapped import unmapped

_HERE = str(Path(__file__).parent) + os.sep
_TORCH = str(Path(torch.__file__).parent) + os.sep
_DTYPES = {name: getattr(torch, name) for name in choices.DTYPES}


class Training:
    """How a plain module is trained: one step forward, backward and update."""

    def __init__(self, optimizer: str = "adamw", dtype: str = "float32", autocast: str | None = None) -> None:
        self.optimizer = optimizer
        self.dtype = _DTYPES[dtype]
        self.autocast = _DTYPES[autocast] if autocast else None

    def step(self, module: torch.nn.Module) -> Callable[..., torch.Tensor]:
        """A step of this module.  Its loss is the output's `loss`, or the mean of the output."""
        module.train()
        name, keywords = choices.OPTIMIZERS[self.optimizer]
        optimizer = getattr(torch.optim, name)([p for p in module.parameters() if p.requires_grad], lr=1e-3, **keywords)

        def step(*args: Any, **kwargs: Any) -> torch.Tensor:
            with torch.autocast("cuda", dtype=self.autocast or torch.bfloat16, enabled=self.autocast is not None):
                loss = _loss(module(*args, **kwargs))
            loss.backward()
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            return loss

        return step


def _loss(output: Any) -> torch.Tensor:
    if isinstance(output, dict) and "loss" in output:
        return output["loss"]
    if getattr(output, "loss", None) is not None:
        return output.loss
    first = output if isinstance(output, torch.Tensor) else next(t for t in output if isinstance(t, torch.Tensor))
    return first.float().mean()


def load(target: str) -> Callable[..., Any]:
    """The function of "SCRIPT.py:FUNCTION"; without a name: `step`, `main`, or the only one."""
    path, _, name = target.partition(":")
    if not Path(path).is_file():
        raise Refused(f"{path}: no such file")
    functions = {k: v for k, v in vars(_run(path)).items() if inspect.isfunction(v) and v.__module__ == _module_name(path)}
    public = [k for k in functions if not k.startswith("_")]
    chosen = name or next((k for k in ("step", "main") if k in functions), public[0] if len(public) == 1 else "")
    if chosen not in functions:
        has = ", ".join(public) or "none"
        raise Refused(f"{path}: no function '{name}'; it has {has}" if name else f"{path}: which function? {path}:NAME, of {has}")
    return functions[chosen]


def _module_name(path: str) -> str:
    return Path(path).stem


def _run(path: str) -> Any:
    """The script as a module: what stands outside of functions runs, as in any import."""
    spec = importlib.util.spec_from_file_location(_module_name(path), path)
    if spec is None or spec.loader is None:
        raise Refused(f"{path}: expected a script (.py), or a config.json with a model_type")
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault(spec.name, module)
    sys.path.insert(0, str(Path(path).resolve().parent))
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as e:
        lines = [f.lineno for f in traceback.extract_tb(e.__traceback__) if Path(f.filename) == Path(path).absolute()]
        where = f"{path}:{lines[-1]}" if lines else path
        no_gpu = "CUDA" in str(e) or "NVIDIA" in str(e)
        hint = "; make the model inside the function, where the GPU need not be there" if no_gpu else ""
        raise Refused(f"{where}: {type(e).__name__}: {e}{hint}") from e
    return module


@contextlib.contextmanager
def errors_of_the_person() -> Iterator[None]:
    """Refuses what fails in a person's code, with its innermost line there.  A fault of this package stays a traceback."""
    try:
        yield
    except (Refused, layrub.LayrubError):
        raise
    except Exception as e:
        frames = traceback.extract_tb(e.__traceback__)
        own = [f for f in frames if not f.filename.startswith((_HERE, _TORCH, "<"))]
        # PyTorch's kernels raise from whoever calls them, which may be a frame of this package; they raise none of these.
        ours = frames[-1].filename.startswith(_HERE) and isinstance(e, (AssertionError, AttributeError, LookupError, NameError))
        if ours or not own:
            raise
        text = str(e).strip().partition("\n")[0]
        raise Refused(f"{os.path.relpath(own[-1].filename)}:{own[-1].lineno}: {type(e).__name__}: {text}") from e


def build(function: Callable[..., Any], sizes: dict[str, int]) -> tuple[Any, Any]:
    """What the function returns for these sizes."""
    parameters = inspect.signature(function).parameters
    unknown = [k for k in sizes if k not in parameters]
    if unknown:
        raise Refused(f"'{function.__name__}' has no parameter '{unknown[0]}'; it has {', '.join(parameters) or 'none'}")
    made = function(**sizes)
    if not isinstance(made, tuple) or len(made) != 2 or not callable(made[0]):
        raise Refused(f"'{function.__name__}' has to return (step or module, inputs), not {type(made).__name__}")
    return made


def flat_call(step: Callable[..., Any], inputs: Any) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    """The step as a function of a tuple, and that tuple.  inputs: a tensor, a tuple, or a dictionary of keywords."""
    if isinstance(inputs, dict):
        return lambda *a: step(**dict(zip(inputs, a, strict=True))), tuple(inputs.values())
    return step, tuple(inputs) if isinstance(inputs, (tuple, list)) else (inputs,)


def trace(
    function: Callable[..., Any],
    sizes: dict[str, int],
    training: Training,
    name: str,
    device: Gpu | None = None,
    kernel: str | None = None,
) -> Tape:
    """Records the step that the function makes, without memory and without a GPU.

    device: for which kernels and workspaces are assumed.  kernel: of attention, one of choices.KERNELS.
    """
    with ghosts(device, kernel) as world:
        with world.building():
            call, flat = _built(function, sizes, training, adopt)
        tape = record(call, flat, "meta", name, read=world.known.read)
    _check(tape, name)
    tape.notes.append(f"recorded by PyTorch {torch.__version__} without a GPU")
    if private.is_compiled(alive(torch.nn.Module), alive(types.FunctionType)):
        tape.notes.append("what torch.compile compiles is recorded as it runs without it: its kernels need a GPU (--gpu)")
    attention = world.attention.note()
    tape.notes += [attention] if attention else []
    workspace.estimate(tape, world.gpu)
    tape.unknown = sorted(world.unknown)
    if tape.unknown:
        tape.notes.append(f"not the whole step: {'; '.join(tape.unknown)}")
    return tape


def trace_on_gpu(
    function: Callable[..., Any], sizes: dict[str, int], training: Training, name: str, without_memory: bool = False
) -> Tape:
    """Records the step that the function makes on the GPU of this machine, and measures its ops.

    What torch.compile compiles is recorded as its kernels.  without_memory: nothing runs but each distinct op, alone.
    """
    if not torch.cuda.is_available():
        raise Refused("--gpu: there is no GPU here that PyTorch can use")
    with unmapped() if without_memory else contextlib.nullcontext() as world:
        with world.building() if world is not None else contextlib.nullcontext():
            call, flat = _built(function, sizes, training, _on_gpu)
        read = {"read": world.known.read} if world is not None else {}
        tape = record(call, flat, "cuda", name, kernels_run=world is None, **read)
    _check(tape, name)
    measure(tape)
    how = "without memory; launches were not compared" if without_memory else "all its launches are ops"
    tape.notes.append(f"recorded by PyTorch {torch.__version__} on {torch.cuda.get_device_name()}: {how}; op times are measured")
    return tape


def _built(
    function: Callable[..., Any], sizes: dict[str, int], training: Training, move: Callable[[Any], Any]
) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    """The step that the function makes, as a function of a tuple, and that tuple.  move: of a plain module, and its inputs."""
    step, inputs = build(function, sizes)
    if isinstance(step, torch.nn.Module):
        step, inputs = move((step, inputs))
        step = training.step(step.to(training.dtype) if training.dtype != torch.float32 else step)
    return flat_call(step, inputs)


def _on_gpu(value: Any) -> Any:
    return private.tree_map(lambda v: v.cuda() if isinstance(v, (torch.nn.Module, torch.Tensor)) else v, value)


def _check(tape: Tape, name: str) -> None:
    if not tape.entries:
        raise Refused(f"{name}: the step does nothing on the GPU; move the model and its inputs there with .cuda()")
