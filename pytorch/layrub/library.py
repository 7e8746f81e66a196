# SPDX-License-Identifier: Apache-2.0
"""library.py - liblayrub for Python: problems and plans

Keywords of a call are the members of the header's options, which layrub.ProblemOptions, PlanOptions, FitOptions, PlaceOptions and
Change list with their units.  Results are frozen records; they are copies and live as long as Python needs them.  A handle is
released by close(), at the end of a `with`, or with its last reference.
"""
from __future__ import annotations

import ctypes
import os
import weakref
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

from layrub import _binding as c
from layrub._convert import record, struct_of, structs_of
from layrub._load import call, library
from layrub._search import search


def version() -> str:
    """Returns the version of the library that runs."""
    return library().layrub_version().decode()


def rows(table: c.Table) -> dict[str, str]:
    """Returns the names of a table's rows and their meanings.  The first row is the default."""
    found: dict[str, str] = {}
    summary = ctypes.c_char_p()
    while (name := library().layrub_row(table, len(found), ctypes.byref(summary))) is not None:
        found[name.decode()] = (summary.value or b"").decode()
    return found


def names(shelf: c.Shelf) -> tuple[str, ...]:
    """Returns the names of the installed documents, sorted."""
    found = call("layrub_names_find", shelf)
    try:
        return record(found.contents).names
    finally:
        library().layrub_names_free(found)


# ---- handles ----

class _Handle:
    """Owner of a pointer that a function of the library frees."""

    _free: str

    def __init__(self, pointer: Any) -> None:
        self._pointer = pointer
        self._finalizer = weakref.finalize(self, getattr(library(), self._free), pointer)

    @property
    def pointer(self) -> Any:
        """The handle in C.  ValueError: it is closed."""
        if not self._finalizer.alive:
            raise ValueError(f"the {type(self).__name__.lower()} is closed")
        return self._pointer

    def close(self) -> None:
        """Frees the handle.  A second call does nothing."""
        self._finalizer()

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _text(text: str | bytes) -> tuple[bytes, int]:
    data = text.encode() if isinstance(text, str) else text
    return data, len(data)


class Problem(_Handle):
    """A training step and a device.  Any number of threads may plan from one problem at once."""

    _free = "layrub_problem_free"

    @classmethod
    def open(cls, name: str | os.PathLike[str], **options: Any) -> Problem:
        """Opens the document in a file, or the installed one of that name.  Keywords: ProblemOptions; `device` is required."""
        return cls(call("layrub_problem_open", os.fsencode(name), cls._options(options)))

    @classmethod
    def parse(cls, text: str | bytes, **options: Any) -> Problem:
        """Opens the text of a document.  Keywords: ProblemOptions; `device` or `device_text` is required."""
        return cls(call("layrub_problem_parse", *_text(text), cls._options(options)))

    @classmethod
    def build(cls, graph: c.Graph, **options: Any) -> Problem:
        """Makes the problem of a step that is in memory.  Keywords: ProblemOptions; a device is required.

        LayrubError with BAD_INPUT: a value is out of range; `path` is its place ("ops[3].inputs[0]").
        """
        return cls(call("layrub_problem_build", struct_of(c.layrub_graph, graph), cls._options(options)))

    @staticmethod
    def _options(options: dict[str, Any]) -> Any:
        return struct_of(c.layrub_problem_options, c.ProblemOptions(**options))

    @cached_property
    def graph(self) -> c.Graph:
        """The step: tensors and ops; ids are positions."""
        return record(library().layrub_problem_graph(self.pointer).contents)

    @cached_property
    def device(self) -> c.Device:
        """The device, with the changes of the options."""
        return record(library().layrub_problem_device(self.pointer).contents)

    @cached_property
    def needs(self) -> c.Needs:
        """The memory that the step needs, in bytes, and its time, in microseconds."""
        return record(library().layrub_problem_needs(self.pointer).contents)

    def plan(self, *, homes: Plan | None = None, stopped: Callable[[], bool] | None = None,
             progress: Callable[[str], None] | None = None, **options: Any) -> Plan:
        """Plans, checks and simulates.  Keywords: PlanOptions.

        homes is a sound plan of another batch or of an evaluation step: parameters begin and end the step at its places.
        stopped is asked now and then, from any thread; True ends the search with the best plan so far.  progress is given lines
        about the search.  Ctrl-C and exceptions of both end the search and are then raised.  LayrubError with INFEASIBLE: no plan
        fits.
        """
        asked = struct_of(c.layrub_plan_options, c.PlanOptions(**options))
        if homes is not None:
            asked.homes = homes.pointer
            asked.kept.append(homes)
        return search(lambda given: Plan(call("layrub_plan_make", self.pointer, given)), asked, stopped, progress)

    def fit(self, *, stopped: Callable[[], bool] | None = None, progress: Callable[[str], None] | None = None,
            **options: Any) -> c.FitResult:
        """Answers whether the step fits, and the largest batch that does.

        Keywords: FitOptions; stopped and progress as in plan().
        """
        result = c.layrub_fit_result()
        search(lambda asked: call("layrub_fit", self.pointer, asked, result),
               struct_of(c.layrub_fit_options, c.FitOptions(**options)), stopped, progress)
        return record(result)


class Plan(_Handle):
    """A plan: each byte of the step at its address, and what moves when.  Any number of threads may use one at once."""

    _free = "layrub_plan_free"

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Plan:
        """Reads a plan, sound or not, from a file."""
        return cls(call("layrub_plan_read", os.fsencode(path)))

    @classmethod
    def parse(cls, text: str | bytes) -> Plan:
        """Reads a plan, sound or not, from its text."""
        return cls(call("layrub_plan_parse", *_text(text)))

    def write(self, path: str | os.PathLike[str]) -> None:
        """Writes the whole file or none."""
        call("layrub_plan_write", self.pointer, os.fsencode(path))

    def text(self) -> str:
        """Returns the text of the document."""
        size = ctypes.c_size_t()
        memory = call("layrub_plan_text", self.pointer, ctypes.byref(size))
        try:
            return ctypes.string_at(memory, size.value).decode()
        finally:
            ctypes.CDLL(None).free(memory)

    def check(self, problem: Problem | None = None) -> None:
        """Raises LayrubError, UNSOUND, unless the plan is sound for any timing and made for the graph of the problem."""
        call("layrub_plan_check", self.pointer, problem and problem.pointer)

    def check_homes(self, homes: Plan) -> None:
        """Raises LayrubError, UNSOUND, unless both plans serve one set of parameters: their steps may follow each other."""
        call("layrub_plan_check_homes", self.pointer, homes.pointer)

    @cached_property
    def graph(self) -> c.Graph:
        """The step that the plan runs."""
        return record(library().layrub_plan_graph(self.pointer).contents)

    @cached_property
    def device(self) -> c.Device:
        """The device that the plan is made for."""
        return record(library().layrub_plan_device(self.pointer).contents)

    @cached_property
    def program(self) -> c.Program:
        """Buffers, places, and the instructions of the three queues."""
        return record(library().layrub_plan_program(self.pointer).contents)

    @cached_property
    def figures(self) -> c.Figures:
        """The figures that the plan states, in bytes and microseconds."""
        figures = c.layrub_figures()
        call("layrub_plan_figures", self.pointer, figures)
        return record(figures)

    def simulate(self, **change: Any) -> c.Figures:
        """Returns the figures of one simulated step.  Keywords: Change, a changed machine."""
        figures = c.layrub_figures()
        call("layrub_plan_simulate", self.pointer, struct_of(c.layrub_change, c.Change(**change)), figures, None)
        return record(figures)

    def timeline(self, **change: Any) -> c.Timeline:
        """Returns one simulated step in time: spans of the instructions, stalls, occupancy.  Keywords: Change."""
        found = ctypes.POINTER(c.layrub_timeline)()
        call("layrub_plan_simulate", self.pointer, struct_of(c.layrub_change, c.Change(**change)), None, ctypes.byref(found))
        try:
            return record(found.contents)
        finally:
            library().layrub_timeline_free(found)


def place(items: Sequence[c.Item], *, stopped: Callable[[], bool] | None = None, progress: Callable[[str], None] | None = None,
          **options: Any) -> tuple[tuple[int, ...], c.PlaceResult]:
    """Returns an offset in bytes for each item, and the arena.  No two items that are alive at once share a byte.

    Keywords: PlaceOptions; stopped and progress as in Problem.plan().
    """
    listed = structs_of(c.layrub_item, items)
    offsets = (ctypes.c_uint64 * len(items))()
    result = c.layrub_place_result()
    search(lambda asked: call("layrub_place", listed, len(items), asked, offsets, result),
           struct_of(c.layrub_place_options, c.PlaceOptions(**options)), stopped, progress)
    return tuple(offsets), record(result)
