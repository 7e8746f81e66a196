# SPDX-License-Identifier: Apache-2.0
"""executor.py - a plan made ready to run: for each run of an op, its arguments at the plan's addresses

The arguments are views of the arena, made once.  A result that an op has not written into its buffer itself is copied there.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from . import private, requests
from .capture import capture
from .generator import END, Generator
from .graph import order, tensor_ids
from .homes import Homes, Resident
from .library import Plan
from .recording import Recording
from .requests import Answers, Asked, Log, lay_out
from .resident import positions
from .runtime import Program
from .tape import Entry, Leaf

RUN = "layrub run "  # `layrub report --measured` knows spans by this name
WARN_AFTER = 5  # changes of an optimizer's numbers


@dataclass(slots=True)
class Call:
    """One run of an op."""

    op: int  # an entry of the tape; the plan's graph may have another order
    graded: bool  # ops may do more while gradients are recorded
    function: Any
    arguments: list[Any]  # flattened
    form: Any
    targets: list[tuple[torch.UntypedStorage, Leaf]]  # a buffer for each result
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] | None = None
    positions: list[int] | None = None  # of the results among what the op returns
    answers: Answers | None = None  # to the op's requests
    workspace: tuple[int, int] = (0, 0)  # address and bytes
    seeds: list[int] = field(default_factory=list)  # positions of random numbers' seeds among the arguments

    def bind(self) -> None:
        self.args, self.kwargs = private.tree_unflatten(self.arguments, self.form)

    def call(self) -> Any:
        """Runs the op.  Seeds are read on the host, but in a captured step."""
        if not self.seeds or torch.cuda.is_current_stream_capturing():
            return self.function(*self.args, **self.kwargs)
        args, kwargs = private.tree_unflatten(
            [a.cpu() if k in self.seeds else a for k, a in enumerate(self.arguments)], self.form
        )
        return self.function(*args, **kwargs)


class Executor:
    """Runs the steps of one plan.  The residents are at their places when step() is called."""

    def __init__(self, recording: Recording, plan: Plan, residents: dict[int, Resident], homes: Homes) -> None:
        self._tape, self._graded = recording.tape, recording.graded
        self._generator = Generator(recording.restores, homes.device.type)
        self._residents = residents  # by storage of the tape
        self._homes = homes
        self._ids = tensor_ids(recording.tape)
        self._program = plan.program
        self._order = order(recording.tape, plan.graph.ops)
        self._windows: dict[tuple[bool, int], torch.UntypedStorage] = {}
        self._calls: dict[int, Call] = {}
        self._of_op: dict[int, list[Call]] = {}
        for i, instruction in enumerate(self._program.instructions):
            if instruction.queue == 0:
                self._calls[i] = call = self._prepare(plan, instruction)
                self._of_op.setdefault(call.op, []).append(call)
        self._finals = {place.tensor: (place.on_host, place.buffer) for place in self._program.final_places}
        self._runtime = Program(homes.device, plan.text(), homes.arena, homes.pool)
        self.observe: Callable[[int, Call], None] | None = None  # called with each run's instruction before it runs
        self.spans = False  # the step runs op by op, and the profiler shows each run as a span: RUN and its instruction
        self.uncaptured: str | None = None if homes.device.type == "cuda" else "ops of the host"  # why there is no CUDA graph
        if recording.varying:
            self.uncaptured = "numbers of the optimizer change in each step (give it tensors: fused=True, or capturable=True)"
        if self._generator:
            self.uncaptured = "the state of random numbers is set back in the step (checkpointed dropout)"
        self._graph: Any = None  # the captured step
        self._changes = 0  # steps that had other numbers than those before
        self._is_warm = False  # libraries have taken what they take in a stream's first step
        self._is_steady = False  # the step before had the same numbers; those that change in every step are not captured

    # ---- preparing ----

    def _window(self, on_host: bool, buffer: int, nbytes: int) -> torch.UntypedStorage:
        """A storage over the beginning of a buffer, as large as the tensor in it."""
        key = (on_host, buffer)
        if key not in self._windows:
            where = (self._program.host_buffers if on_host else self._program.buffers)[buffer]
            memory = self._homes.pool if on_host else self._homes.arena
            self._windows[key] = memory.storage(where.offset_bytes, nbytes)
        return self._windows[key]

    def _prepare(self, plan: Plan, instruction: Any) -> Call:
        number = self._order[instruction.op]
        entry = self._tape.entries[number]
        op = plan.graph.ops[instruction.op]
        buffers = dict(zip([*op.inputs, *op.outputs], [*instruction.reads, *instruction.writes], strict=True))

        def storage(s: int) -> torch.UntypedStorage:
            if s in self._ids and self._ids[s] in buffers:
                return self._window(False, buffers[self._ids[s]], self._tape.storages[s].bytes)
            if s in self._residents:
                return self._residents[s].alias()
            return self._empty(s)

        given = entry.rerun_arguments() if number in self._of_op else entry.arguments
        arguments = [a.over(storage(a.storage)) if isinstance(a, Leaf) else a for a in given]
        targets = [(storage(r.storage), r) for r in entry.results]
        call = Call(number, number in self._graded, entry.function, arguments, entry.form, targets)
        call.bind()
        if self._homes.device.type == "cuda":
            storages = self._tape.storages
            call.seeds = [k for k, a in enumerate(entry.arguments) if isinstance(a, Leaf) and storages[a.storage].seed]
        asked = entry.requests
        if asked:
            if instruction.workspace is not None:
                where = self._program.buffers[instruction.workspace]
                call.workspace = self._homes.arena.address + where.offset_bytes, where.bytes
            call.answers = self._answers(call, asked)
        return call

    def _answers(self, call: Call, asked: Sequence[Asked]) -> Answers:
        arena, results = self._homes.arena, [target.data_ptr() for target, _ in call.targets]
        return Answers(arena.address, arena.nbytes, asked, results, call.workspace[0])

    def _adapt(self, call: Call, log: Log, results: Sequence[int]) -> None:
        """After the first run in the program's stream: what the op has asked for is what it will ask for.

        RuntimeError: its scratch is larger than what was recorded.
        """
        assert call.answers is not None
        if call.answers.misses:
            asked, scratch = lay_out(log, results)
            if scratch > call.workspace[1]:
                raise RuntimeError(f"an op needs {scratch} bytes of scratch, {call.workspace[1]} when it was recorded")
            call.answers = self._answers(call, asked)

    def _empty(self, s: int) -> torch.UntypedStorage:
        """Memory without a value, for a tensor that the op does not look at."""
        return torch.UntypedStorage(self._tape.storages[s].bytes, device=self._homes.device)

    def rebind(self, entries: list[int]) -> None:
        """Takes over the numbers of these entries of the tape."""
        if entries:
            self._graph = None
            self._is_steady = False
            self._changes += 1
            if self._changes == WARN_AFTER and self.uncaptured is None:
                warnings.warn(
                    "numbers of the optimizer change again and again, and the step runs op by op after each change; as a tensor "
                    "on the GPU a learning rate changes nothing (lr=torch.tensor(...), fused=True)",
                    stacklevel=4,
                )
        for op in entries:
            for call in self._of_op[op]:
                call.arguments = [
                    old if isinstance(old, torch.Tensor) or isinstance(new, Leaf) else new
                    for old, new in zip(call.arguments, self._tape.entries[op].arguments, strict=True)
                ]
                call.bind()

    # ---- running ----

    def step(self) -> None:
        """Runs the program once.  What an op raises is raised, with the op's place in its notes."""
        with torch.no_grad(), torch.autocast(self._homes.device.type, enabled=False), self._in_stream():
            if self._is_steady and self._graph is None and self.uncaptured is None and not self._is_watched:
                self._capture()
            if self.is_captured:
                self._graph.replay()
            else:
                self._generator.begin()
                self._runtime.step(self._run)
                self._generator.before(END)
                self._is_warm = self._is_steady = True

    @property
    def is_captured(self) -> bool:
        """Whether the next step is one launch, which nothing can end in the middle."""
        return self._graph is not None and not self._is_watched

    def replay(self) -> None:
        """Runs the captured step alone: without new inputs and without results."""
        with self._in_stream():
            self._graph.replay()

    @property
    def on_gpu(self) -> bool:
        return self._homes.device.type == "cuda"

    @property
    def _is_watched(self) -> bool:
        return self.spans or self.observe is not None

    @contextlib.contextmanager
    def _in_stream(self) -> Iterator[None]:
        """Ops go to the program's stream, after the caller's work and before what follows it."""
        if self._homes.device.type != "cuda":
            yield
            return
        current = torch.cuda.current_stream(self._homes.device)
        stream = self._stream()
        stream.wait_stream(current)
        try:
            with torch.cuda.stream(stream), private.results_are_not_filled():
                yield
        finally:
            current.wait_stream(stream)

    def _stream(self) -> Any:
        return torch.cuda.ExternalStream(self._runtime.stream, device=self._homes.device)

    def _capture(self) -> None:
        """Captures the step as one CUDA graph.  PyTorch does it, because its random numbers have to know of it."""
        try:
            self._graph = capture(lambda: self._runtime.step(self._run), self._stream(), errors="thread_local")
        except RuntimeError as e:
            torch.cuda.synchronize(self._homes.device)
            self.uncaptured = str(e).partition("\n")[0]
            warnings.warn(f"the step is not captured as one CUDA graph: {self.uncaptured}", stacklevel=4)

    def _run(self, instruction: int) -> None:
        with private.span(f"{RUN}{instruction}") if self.spans else contextlib.nullcontext():
            self._run_call(instruction, self._calls[instruction])

    def _run_call(self, instruction: int, call: Call) -> None:
        if self.observe is not None:
            self.observe(instruction, call)
        if self._generator:
            self._generator.before(call.op)
        torch.set_grad_enabled(call.graded)
        is_first = call.answers is not None and not self._is_warm
        if is_first:
            requests.note()
        try:
            with call.answers.given(self._is_warm) if call.answers is not None else contextlib.nullcontext():
                out = call.call()
            log = requests.noted() if is_first else []
            results = self._put(call, out) if call.targets else []
            if is_first:
                self._adapt(call, log, [storage.data_ptr() for storage in results])
        except Exception as e:
            e.add_note(f"in op {call.op} of the plan: {describe(self._tape.entries[call.op])}")
            raise
        if self._generator:
            self._generator.after(call.op)

    @staticmethod
    def _put(call: Call, out: Any) -> list[torch.UntypedStorage]:
        """Copies results to their buffers where they are not there already.  Returns the storages that the op has made."""
        flat = [out] if isinstance(out, torch.Tensor) else private.tree_flatten(out)[0]
        if call.positions is None:
            call.positions = positions([leaf for _, leaf in call.targets], call.arguments, flat)
        made = [flat[position].untyped_storage() for position in call.positions]
        for storage, position, (target, leaf) in zip(made, call.positions, call.targets, strict=True):
            if storage.nbytes() != target.nbytes():
                leaf.over(target).copy_(flat[position], non_blocking=True)
            elif storage.data_ptr() != target.data_ptr():
                target.copy_(storage, non_blocking=True)
        return made

    # ---- results ----

    def result(self, leaf: Leaf) -> torch.Tensor:
        """The value after the step: of a result a copy, of a persistent tensor itself."""
        s = leaf.storage
        if s in self._residents:
            return self._residents[s].tensor(leaf)
        place = self._finals.get(self._ids.get(s, -1))
        nbytes = self._tape.storages[s].bytes
        storage = torch.UntypedStorage(nbytes, device=self._homes.device)
        if place is not None and nbytes > 0:
            storage.copy_(self._window(*place, nbytes))
        return leaf.over(storage)


def describe(entry: Entry) -> str:
    """ "mm of layers.3.mlp (train.py:12)"."""
    layer = f" of {entry.layer}" if entry.layer else ""
    return f"{entry.name}{layer}" + (f" ({entry.source})" if entry.source else "")
