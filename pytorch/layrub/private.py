# SPDX-License-Identifier: Apache-2.0
"""The private names of PyTorch that the package uses, all of them.

Tested with PyTorch 2.11 and 2.13; another version is warned about once.
"""

from __future__ import annotations

import contextlib
import ctypes
import threading
import types
import warnings
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any
from unittest import mock

import torch
import torch._dynamo  # optimizers import it late, and it reads torch.cuda then
import torch._prims_common
from torch._subclasses.fake_tensor import (
    DataDependentOutputException,
    DynamicOutputShapeException,
    FakeTensor,
    FakeTensorMode,
)
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map, tree_unflatten

__all__ = [
    "BACKWARD_CODE",
    "MODULE_CODE",
    "StorageWeakRef",
    "TorchDispatchMode",
    "attention_priority",
    "autograd_node",
    "body",
    "checkpoints_do_not_compare_devices",
    "compiled_graph_calls",
    "compiled_without_reuse",
    "contiguous",
    "data",
    "fake",
    "generated_code_folder",
    "gpu_waits",
    "host_kernels",
    "in_backward",
    "initial_values_are_left_out",
    "is_compiled",
    "is_fake",
    "know_compile_rules",
    "lists_of_tensors_are_supported",
    "memory_format",
    "optimizers_take",
    "results_are_not_filled",
    "run_on_fakes",
    "scalers_do_not_skip",
    "sequence_number",
    "span",
    "storage_key",
    "tensors",
    "tree_flatten",
    "tree_map",
    "tree_unflatten",
    "triton_call",
    "triton_launches",
    "without_torch_function",
]

TESTED = ("2.11", "2.13")

without_torch_function = torch._C.DisableTorchFunction

# Of frames: a module that is called (`self`), and the pass backward.
MODULE_CODE = torch.nn.Module._call_impl.__code__
BACKWARD_CODE = torch.autograd.graph._engine_run_backward.__code__

# ---- fake tensors: on a device, without memory ----

_fakes = FakeTensorMode(allow_non_fake_inputs=True)


def fake(t: torch.Tensor, device: torch.device) -> torch.Tensor:
    """The tensor of the device "meta", as one of this device."""
    return FakeTensor(_fakes, t, device)


def is_fake(t: Any) -> bool:
    return isinstance(t, FakeTensor)


def run_on_fakes(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The call on fake tensors, or one that makes some.

    NotImplementedError: PyTorch has no rule for the shapes, or they depend on data.
    """
    try:
        with _fakes:
            return function(*args, **kwargs)
    except (DynamicOutputShapeException, DataDependentOutputException) as e:
        raise NotImplementedError from e


def gpu_waits(us: float) -> None:
    """Keeps the current stream busy for about so long."""
    torch.cuda._sleep(int(us * 1e-6 * 2e9))  # cycles of a clock of 2 GHz


def span(name: str) -> Any:
    """A context that the profiler shows as a span."""
    return torch._C._profiler._RecordFunctionFast(name)


def in_backward() -> bool:
    """Whether the calling thread runs a backward pass."""
    return torch._C._current_graph_task_id() != -1


def autograd_node() -> Any | None:
    """The node of the backward graph that the calling thread runs; None outside a backward pass."""
    return torch._C._current_autograd_node()


_QUESTIONS = ("has_torch_function", "has_torch_function_unary", "has_torch_function_variadic")
_WITH_BODIES = ("torch.nn.functional", "torch.functional", "torch.autograd")


def tensors(value: Any) -> list[torch.Tensor]:
    """All tensors in tuples, lists and dictionaries.  tree_flatten() takes ten times as long."""
    if isinstance(value, torch.Tensor):
        return [value]
    if isinstance(value, (tuple, list)):
        return [t for v in value for t in tensors(v)]
    return tensors(list(value.values())) if isinstance(value, dict) else []


@cache
def body(function: types.FunctionType) -> Callable[..., Any]:
    """A function of PyTorch written in Python, without its question whether a mode takes the call.

    PyTorch turns a mode off while it handles a call.  The body then runs without the mode, and so does all that it calls:
    attention in multi_head_attention_forward(), hooks and checkpointed blocks in backward() and grad().
    """
    asked = {name: _no for name in _QUESTIONS if name in function.__code__.co_names}
    if not asked or (function.__module__ not in _WITH_BODIES and function is not torch.Tensor.backward):
        return function
    of_its_own = {**function.__globals__, **asked}
    copy = types.FunctionType(function.__code__, of_its_own, function.__name__, function.__defaults__, function.__closure__)
    copy.__kwdefaults__ = function.__kwdefaults__
    return copy


def _no(*_args: Any) -> bool:
    return False


_PRIORITIES = {0: "math", 1: "flash", 2: "efficient", 3: "cudnn"}  # torch.nn.attention.SDPBackend


def attention_priority() -> list[str] | None:
    """The kernels of attention in the order that sdpa_kernel(..., set_priority=True) has set; None: PyTorch's own order."""
    order = torch._C._get_sdp_priority_order()
    return None if order == _OWN_ORDER else [_PRIORITIES[k] for k in order if k in _PRIORITIES]


_OWN_ORDER = torch._C._get_sdp_priority_order()


def sequence_number(node: Any | None = None) -> int:
    """The number that joins a node of the backward graph and the forward op that made it.

    Without a node: that of the op that runs now, in forward.  Autograd counts before it calls the op.
    """
    if node is None:
        return torch.autograd._get_sequence_nr() - 1
    return node._sequence_nr()


# ---- torch.compile ----


@contextlib.contextmanager
def triton_launches(launch: Callable[[Any, tuple[Any, ...], dict[str, Any]], Any]) -> Iterator[None]:
    """Within it a launch of a Triton kernel is launch(tuner, args, kwargs); runs that only measure are left alone."""
    from torch._inductor.runtime.triton_heuristics import CachingAutotuner

    run = CachingAutotuner.run

    def launched(self: Any, *args: Any, stream: Any, benchmark_run: bool = False, **kwargs: Any) -> Any:
        if benchmark_run or getattr(_inside, "launch", False):
            return run(self, *args, stream=stream, benchmark_run=benchmark_run, **kwargs)
        return launch(self, args, kwargs)

    with mock.patch.object(CachingAutotuner, "run", launched):
        yield


_inside = threading.local()  # launch: whether triton_call() runs the kernel


def triton_call(tuner: Any) -> Callable[..., Any]:
    """The kernel as a function of its arguments, on the current stream.  Its first call tunes it."""

    def call(*args: Any, **kwargs: Any) -> Any:
        _inside.launch = True
        try:
            return tuner.run(*args, stream=torch.cuda.current_stream().cuda_stream, **kwargs)
        finally:
            _inside.launch = False

    return call


@contextlib.contextmanager
def host_kernels(wrap: Callable[[str, Callable[..., Any]], Callable[..., Any]]) -> Iterator[None]:
    """Within it a kernel that is compiled for the host is wrap(source, kernel)."""
    from torch._inductor.async_compile import AsyncCompile
    from torch._inductor.codecache import LambdaFuture

    make = AsyncCompile.cpp_pybinding

    def wrapped(self: Any, argtypes: list[str], source: str) -> Any:
        made = make(self, argtypes, source)
        if callable(made):
            return wrap(source, made)
        return LambdaFuture(lambda: wrap(source, made.result()))

    with mock.patch.object(AsyncCompile, "cpp_pybinding", wrapped):
        yield


@contextlib.contextmanager
def compiled_without_reuse() -> Iterator[None]:
    """Within it Inductor gives every tensor a buffer of its own, and captures no CUDA graphs."""
    import torch._inductor.config as config

    with config.patch({"allow_buffer_reuse": False, "triton.cudagraphs": False}):
        yield


def know_compile_rules() -> None:
    """Lets Dynamo list the functions of PyTorch, which it does once after each reset, before some of them are replaced."""
    import torch._dynamo.trace_rules

    torch._dynamo.trace_rules.get_torch_obj_rule_map()


def is_compiled(modules: list[torch.nn.Module], functions: list[types.FunctionType]) -> bool:
    """Whether one of these modules, or one of these functions that is the user's, is to be compiled."""
    if any(isinstance(m, torch._dynamo.OptimizedModule) or m._compiled_call_impl is not None for m in modules):
        return True
    wrapped = (vars(f) for f in functions)  # by torch.compile() or torch.compiler.disable()
    compiled = (f.get("_torchdynamo_orig_callable") for f in wrapped if not f.get("_torchdynamo_disable"))
    return any(f is not None and not str(getattr(f, "__module__", "")).startswith(("torch.", "transformers.")) for f in compiled)


@contextlib.contextmanager
def compiled_graph_calls(run: Callable[[Callable[[], Any]], Any]) -> Iterator[None]:
    """Within it a call of a graph that Inductor has compiled is run(call)."""
    from torch._inductor.output_code import CompiledFxGraph

    graph_call = CompiledFxGraph.__call__
    with mock.patch.object(CompiledFxGraph, "__call__", lambda self, inputs: run(lambda: graph_call(self, inputs))):
        yield


def generated_code_folder() -> str:
    """Where the code that torch.compile generates lies."""
    from torch._inductor.runtime.cache_dir_utils import cache_dir

    return cache_dir()


# ---- storages ----


def data(t: torch.Tensor) -> bytes:
    """The bytes of a contiguous tensor of the host.  PyTorch's own way needs NumPy."""
    return ctypes.string_at(t.data_ptr(), t.nbytes) if t.nbytes else b""


def storage_key(storage: torch.UntypedStorage) -> int:
    """The identity of a storage; unique while a StorageWeakRef of it exists."""
    return storage._cdata


def contiguous(t: torch.Tensor) -> torch.Tensor:
    """The tensor without gaps, channels last if it is nearest to that."""
    return t.contiguous(memory_format=memory_format(t))


def memory_format(t: torch.Tensor) -> torch.memory_format:
    """The order of the dimensions in memory that the tensor has, or is nearest to."""
    return torch._prims_common.suggest_memory_format(t)


def lists_of_tensors_are_supported() -> Any:
    """A context in which gradients are clipped by calls over lists, as on a GPU.  The grouping by device happens below Python."""
    return mock.patch.object(torch.nn.utils.clip_grad, "_has_foreach_support", lambda tensors, device: True)


@contextlib.contextmanager
def results_are_not_filled() -> Iterator[None]:
    """Within it deterministic algorithms leave new memory as it is: a result may lie where an input does."""
    before = torch.utils.deterministic.fill_uninitialized_memory
    torch.utils.deterministic.fill_uninitialized_memory = False
    try:
        yield
    finally:
        torch.utils.deterministic.fill_uninitialized_memory = before


@contextlib.contextmanager
def optimizers_take(device_type: str) -> Iterator[None]:
    """Within it optimizers treat tensors of the device "meta" as those of this device."""
    from torch.optim import optimizer
    from torch.utils import _foreach_utils as foreach

    capturable, lists = optimizer._get_capturable_supported_devices, foreach._get_foreach_kernels_supported_devices
    with contextlib.ExitStack() as stack:
        # Every optimizer has names of its own for these functions, so their code is changed.
        if device_type in capturable():
            stack.enter_context(_with_code(capturable, (lambda supports_xla: ["meta"]).__code__))
        if device_type in lists():
            stack.enter_context(_with_code(lists, (lambda: ["meta"]).__code__))
        yield


@contextlib.contextmanager
def _with_code(function: Any, code: types.CodeType) -> Iterator[None]:
    before = function.__code__
    function.__code__ = code
    try:
        yield
    finally:
        function.__code__ = before


def scalers_do_not_skip(unknown: set[str]) -> Any:
    """A context in which a GradScaler takes every optimizer step; unknown gets a line that says so."""

    def step(_self: Any, optimizer: Any, _state: Any, *args: Any, **kwargs: Any) -> Any:
        unknown.add(
            "GradScaler decides by a value of the GPU whether it skips the optimizer; the recorded step does not skip "
            "(fused=True decides on the GPU)"
        )
        return optimizer.step(*args, **kwargs)

    return mock.patch.object(torch.amp.GradScaler, "_maybe_opt_step", step)


def initial_values_are_left_out() -> Any:
    """A context in which truncated normal values are not drawn: PyTorch draws again until all values are in range."""
    return mock.patch.object(torch.nn.init, "_no_grad_trunc_normal_", lambda tensor, *_args, **_kwargs: tensor)


def checkpoints_do_not_compare_devices() -> Any:
    """A context in which a checkpointed block does not compare the devices of what it saved and of what it makes again."""
    import torch.utils.checkpoint as checkpoint

    def shape_and_type(t: torch.Tensor) -> dict[str, Any]:
        return {"shape": t.shape, "dtype": t.dtype}

    return mock.patch.dict(checkpoint._allowed_determinism_checks_to_fns, {"default": shape_and_type})


if ".".join(torch.__version__.split(".")[:2]) not in TESTED:  # once, at the first import
    warnings.warn(f"layrub is tested with PyTorch {' and '.join(TESTED)}, this is {torch.__version__}", stacklevel=2)
