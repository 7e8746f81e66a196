# SPDX-License-Identifier: Apache-2.0
"""snapshot.py - the allocations of a memory snapshot of PyTorch, placed anew

torch.cuda.memory._dump_snapshot() writes a pickle of plain dicts and lists: for each GPU a trace of events in their order, and
at the end of the trace the segments that are reserved, with their blocks (docstring of torch.cuda.memory._snapshot).  A buffer is
alive from its "alloc" to its "free_completed".  A buffer whose "alloc" is not in the trace is alive from the beginning, one that
is not freed to the end.  Sizes are those that were asked for.
"""

from __future__ import annotations

import csv
import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import layrub
from layrub.errors import Refused

ALIGNMENT = 512  # bytes, of PyTorch's allocator
RESERVING = {"segment_alloc": 1, "segment_map": 1, "segment_free": -1, "segment_unmap": -1}


@dataclass(frozen=True)
class History:
    """What one GPU's allocator did: buffers by their events, and the bytes that it had reserved at most."""

    gpu: int
    events: int
    buffers: list[layrub.Item]
    reserved_bytes: int

    def live_bytes(self) -> int:
        """Returns the largest sum of the buffers alive at one event, each rounded up to ALIGNMENT."""
        change = [0] * (self.events + 2)
        for b in self.buffers:
            change[b.lower] += -(-b.bytes // ALIGNMENT) * ALIGNMENT
            change[b.upper] -= -(-b.bytes // ALIGNMENT) * ALIGNMENT
        live = most = 0
        for c in change:
            live += c
            most = max(most, live)
        return most

    def write(self, path: str) -> None:
        """Writes the buffers as a list for `layrub place`."""
        with open(path, "w", newline="") as out:
            rows = csv.writer(out, lineterminator="\n")
            rows.writerow(("id", "lower", "upper", "size", "alignment"))
            rows.writerows((i, b.lower, b.upper, b.bytes, ALIGNMENT) for i, b in enumerate(self.buffers))


class _Plain(pickle.Unpickler):
    """Refuses every object of a class: a snapshot has none, and classes of a pickle can run any code."""

    def find_class(self, module: str, name: str) -> Any:
        raise Refused(f"expected a memory snapshot, got a pickle of {module}.{name}")


def read(path: str, gpu: int | None = None) -> History:
    """Returns the history of a GPU (default: most events).  Refused: the file is no snapshot, or has no events."""
    try:
        with Path(path).open("rb") as file:
            snapshot = _Plain(file).load()
        traces, segments = snapshot["device_traces"], snapshot["segments"]
        if gpu is None:
            gpu = max(range(len(traces)), key=lambda k: len(traces[k]), default=0)
        if gpu >= len(traces) or not traces[gpu]:
            raise Refused(f"{path}: no events of GPU {gpu}: call torch.cuda.memory._record_memory_history() before the step")
        return _history(gpu, traces[gpu], [s for s in segments if s.get("device", 0) == gpu])
    except OSError as e:
        raise Refused(f"{path}: {e.strerror}") from None
    except Refused:
        raise
    except (pickle.UnpicklingError, EOFError, ValueError, TypeError, KeyError, IndexError, AttributeError) as e:
        raise Refused(f"{path}: expected a memory snapshot of PyTorch, got something else ({type(e).__name__}: {e})") from None


def _history(gpu: int, trace: list[dict[str, Any]], segments: list[dict[str, Any]]) -> History:
    buffers: list[layrub.Item] = []
    alive: dict[int, tuple[int, int]] = {}  # by address: the event that began it, and its bytes

    def end(begin: int, size: int, event: int) -> None:
        if size > 0:
            buffers.append(layrub.Item(bytes=size, lower=begin, upper=max(event, begin + 1), alignment=ALIGNMENT))

    for k, e in enumerate(trace, start=1):
        if e["action"] == "alloc":
            alive[e["addr"]] = k, e["size"]
        elif e["action"] == "free_completed":
            begin, size = alive.pop(e["addr"], (0, e["size"]))
            end(begin, size, k)
    last = len(trace) + 1
    for address, size in _blocks(segments):
        begin, size = alive.pop(address, (0, size))
        end(begin, size, last)
    for begin, size in alive.values():
        end(begin, size, last)
    return History(gpu, len(trace), buffers, _most_reserved(trace, sum(s["total_size"] for s in segments)))


def _blocks(segments: list[dict[str, Any]]) -> list[tuple[int, int]]:
    """Returns address and bytes of the blocks in use at the end of the trace.  Old snapshots have no addresses of blocks."""
    found = []
    for segment in segments:
        address = segment["address"]
        for b in segment["blocks"]:
            if b["state"] != "inactive":
                found.append((b.get("address", address), b.get("requested_size") or b["size"]))
            address += b["size"]
    return found


def _most_reserved(trace: list[dict[str, Any]], reserved: int) -> int:
    """Returns the most bytes reserved at any event, back from those at the end."""
    most = reserved
    for e in reversed(trace):
        reserved -= RESERVING.get(e["action"], 0) * e.get("size", 0)
        most = max(most, reserved)
    return most
