# SPDX-License-Identifier: Apache-2.0
"""runtime.py - liblayrub-torch for Python: memory, and programs that run plans

LAYRUB_TORCH_LIBRARY is the path of the library.  Without it: the one in the folder `layrub` beside
liblayrub, or beside liblayrub itself.
"""

from __future__ import annotations

import ctypes
import os
import weakref
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import torch

from layrub._load import SONAME, library

NAME = "liblayrub-torch.so"
INTERFACE = 3  # of runtime.h
_ERROR_BYTES = 1536
_Run = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_uint32)


class _Device(ctypes.Structure):
    _fields_ = [("backend", ctypes.c_char_p), ("number", ctypes.c_int32)]


class Request(ctypes.Structure):
    """A request of PyTorch's allocator, or the return of its memory."""

    _fields_ = [("address", ctypes.c_void_p), ("bytes", ctypes.c_uint64), ("freed", ctypes.c_uint32)]


_P, _D, _U64, _Text = ctypes.c_void_p, ctypes.POINTER(_Device), ctypes.c_uint64, ctypes.c_char_p
_FUNCTIONS: dict[str, tuple[Any, list[Any]]] = {
    "layrub_torch_interface": (ctypes.c_uint32, []),
    "layrub_torch_memory_take": (_P, [_D, ctypes.c_bool, _U64, _Text]),
    "layrub_torch_memory_address": (_P, [_P]),
    "layrub_torch_memory_free": (None, [_P]),
    "layrub_torch_copy": (ctypes.c_int, [_D, _P, _P, _U64, _Text]),
    "layrub_torch_program_open": (_P, [_D, _Text, ctypes.c_size_t, _P, _P, _Text]),
    "layrub_torch_program_close": (None, [_P]),
    "layrub_torch_program_stream": (_P, [_P]),
    "layrub_torch_program_step": (ctypes.c_int, [_P, _Run, _Text]),
    "layrub_torch_graph_tune": (ctypes.c_int, [_D, _P, _Text]),
    "layrub_torch_alloc": (_P, [ctypes.c_ssize_t, ctypes.c_int, _P]),
    "layrub_torch_free": (None, [_P, ctypes.c_ssize_t, ctypes.c_int, _P]),
    "layrub_torch_allocator_use": (ctypes.c_int, [_D, _Text]),
    "layrub_torch_requests_note": (None, []),
    "layrub_torch_requests_noted": (ctypes.POINTER(Request), [ctypes.POINTER(ctypes.c_uint32)]),
    "layrub_torch_requests_answer": (None, [_P, _U64, ctypes.POINTER(Request), ctypes.c_uint32]),
    "layrub_torch_requests_end": (ctypes.c_uint32, [ctypes.POINTER(ctypes.c_uint32), ctypes.POINTER(ctypes.c_uint64)]),
    "layrub_torch_answer_from": (ctypes.c_uint32, [ctypes.c_uint32]),
    "layrub_torch_trim": (None, []),
    "layrub_torch_used_bytes": (_U64, []),
}


class RuntimeFailed(RuntimeError):
    """The machine has failed: memory, a GPU, a driver."""


@cache
def runtime() -> ctypes.CDLL:
    """The loaded library.  ImportError: there is none, and the text says what to do."""
    given = os.environ.get("LAYRUB_TORCH_LIBRARY")
    beside = Path(library()._name).resolve().parent
    tried = []
    for path in [given] if given else [str(beside / "layrub" / NAME), str(beside / NAME), NAME]:
        try:
            loaded = ctypes.CDLL(path)
        except OSError as e:
            tried.append(str(e))
            continue
        for name, (result, arguments) in _FUNCTIONS.items():
            function = getattr(loaded, name)
            function.restype, function.argtypes = result, arguments
        if loaded.layrub_torch_interface() != INTERFACE:
            raise ImportError(f"{path} is of another version than this package; install both together", name="layrub")
        return loaded
    raise ImportError(
        f"{NAME} is not found ({'; '.join(tried)}). `make install` in layrub's sources puts it into a folder `layrub` beside "
        f"{SONAME}; LAYRUB_TORCH_LIBRARY may hold its path",
        name="layrub",
    )


def _device(device: torch.device) -> _Device:
    return _Device(b"host", 0) if device.type == "cpu" else _Device(device.type.encode(), device.index or 0)


def _call(name: str, *arguments: Any) -> Any:
    error = ctypes.create_string_buffer(_ERROR_BYTES)
    result = getattr(runtime(), name)(*arguments, error)
    if result is None or (isinstance(result, int) and result < 0):
        raise RuntimeFailed(error.value.decode(errors="replace"))
    return result


class Memory:
    """One stretch of device memory, or of host memory that the device reaches.  It lives as long as a storage in it."""

    def __init__(self, device: torch.device, on_host: bool, nbytes: int) -> None:
        self.device, self.nbytes = device, nbytes
        handle = _call("layrub_torch_memory_take", _device(device), on_host, nbytes)
        self.address: int = runtime().layrub_torch_memory_address(handle) or 0
        weakref.finalize(self, runtime().layrub_torch_memory_free, handle).atexit = False  # tensors may outlive us

    def holds(self, address: int) -> bool:
        return self.address <= address < self.address + self.nbytes

    def storage(self, offset: int, nbytes: int) -> torch.UntypedStorage:
        """A storage of its own over a part of the memory."""
        assert offset + nbytes <= self.nbytes
        return storage_at(self.device, self.address + offset, nbytes, self)


def storage_at(device: torch.device, address: int, nbytes: int, owner: Any) -> torch.UntypedStorage:
    """A storage over memory that lives as long as owner; it keeps owner alive."""
    if nbytes == 0:
        return torch.UntypedStorage(0, device=device)
    if device.type == "cpu":
        window = (ctypes.c_uint8 * nbytes).from_address(address)
        window.owner = owner
        return torch.frombuffer(window, dtype=torch.uint8).untyped_storage()
    return torch.as_tensor(_Window(owner, address, nbytes), device=device).untyped_storage()


class _Window:
    """A part of a GPU's memory, or of host memory that is mapped for the GPU, for torch.as_tensor()."""

    def __init__(self, owner: Any, address: int, nbytes: int) -> None:
        self.owner = owner
        self.__cuda_array_interface__ = {"shape": (nbytes,), "typestr": "|u1", "data": (address, False), "version": 2}


def tune(device: torch.device, graph: int) -> int:
    """Makes a captured graph faster before it is instantiated.  Returns how many of its nodes have changed."""
    return _call("layrub_torch_graph_tune", _device(device), graph)


class Program:
    """A plan over an arena and a pool."""

    def __init__(self, device: torch.device, text: str, arena: Memory, pool: Memory) -> None:
        data = text.encode()
        self._memory = (arena, pool)
        self._handle = _call("layrub_torch_program_open", _device(device), data, len(data), arena.address, pool.address)
        weakref.finalize(self, runtime().layrub_torch_program_close, self._handle).atexit = False

    @property
    def stream(self) -> int:
        """The stream of the ops, as a number; 0: an op is done when its call returns."""
        return runtime().layrub_torch_program_stream(self._handle) or 0

    def step(self, run: Callable[[int], None]) -> None:
        """Queues one step; run(instruction) runs an op.  What run raises ends the step and is raised."""
        failure: list[BaseException] = []

        def guarded(instruction: int) -> int:
            try:
                run(instruction)
            except BaseException as e:  # Ctrl-C, too
                failure.append(e)
                return 1
            return 0

        try:
            _call("layrub_torch_program_step", self._handle, _Run(guarded))
        except RuntimeFailed:
            if not failure:
                raise
        if failure:
            raise failure[0]
