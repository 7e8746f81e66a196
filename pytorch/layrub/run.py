# SPDX-License-Identifier: Apache-2.0
"""run.py - a training step that runs inside a plan

    step = layrub.compile(train_step, example=(x, y), budget="8GiB")
    for x, y in loader:
        loss = step(x, y)
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import torch

from . import _binding as c
from . import allocator, graph, measure, measured, private
from ._load import LayrubError
from .errors import Refused
from .executor import Executor, describe
from .form import Form, Made, own_copy, signature_of
from .homes import Homes
from .library import Plan, Problem, names
from .recording import Recording, record_step
from .scalars import Changed
from .tape import PERSISTENT
from .traces import size
from .verify import Verifier

NO_HOST = 1  # bytes of the host, in which no tensor has room
CPU_DEVICE = "h100"  # the device document by which a step on the host is planned
BESIDE = 1 << 29  # bytes of a GPU that a process takes after a plan is made: results, batches, workspaces of libraries
WORTH_COPIES = 1.02  # a plan that copies is predicted too fast by up to so much more than one that does not (docs/validation.md)
MOVE_US, MOVE_BYTES_PER_US = 60e3, 5e3  # of parameters to other places: the search for tensors, and copies (0.5 GB in 160 ms)
RUN = 10  # steps of one form before a step of another one: a guess
EFFORT = 1.0  # of the search for a plan (`layrub plan --effort`)
ORDER = "updates"  # of the ops, where there are updates: as recorded, or these as early as they can be, whichever is faster


class DoesNotFit(Refused):
    """No plan was found for the budget; the text says what decides."""


def compile(
    train_step: Callable[..., Any],
    example: Any,
    budget: str | int | None = None,
    device: str | None = None,
    policy: str | None = None,
    host: str | int | None = None,
    verify: bool = False,
    gradients: bool = False,
    progress: Callable[[str], None] | None = None,
    beside: Step | None = None,
) -> Step:
    """A step that does what train_step does, in at most `budget` bytes of device memory ("8GiB", or a number).

    train_step does one whole training step: forward, backward, update.  example: its arguments, a tuple, a dictionary of
    keywords, or one tensor.  budget: default: on a GPU what is free, less what the process needs beside the plan; progress is
    told.  device: a device document of layrub, by which copies are timed, and ops of CPU tensors; default: that of the GPU's
    name, and CPU_DEVICE for CPU tensors.  policy: a row of `layrub list policies`.  host: the most host memory that the plan
    pins; default: the device document's.  verify: every step is compared with one that keeps everything.  gradients: `.grad`
    holds the gradients after a step; otherwise it is None.  beside: a planned step over the same parameters, as the training
    beside an evaluation: this one runs in its memory, by default within its budget, and finds parameters where that one has them.

    train_step runs three times, and what it changes is put back.  Errors: Refused, what cannot run under a plan, with its line;
    DoesNotFit, the budget is too small.
    """
    step = Step(train_step, budget, device, policy, host, verify, gradients, progress, beside)
    if isinstance(example, dict):
        step.prepare(**example)
    else:
        step.prepare(*(example if isinstance(example, (tuple, list)) else (example,)))
    return step


class Step:
    """A planned step; call it as the one that was given.  Each shape of its arguments has a plan of its own."""

    def __init__(
        self,
        function: Callable[..., Any],
        budget: str | int | None,
        device: str | None,
        policy: str | None,
        host: str | int | None,
        verify: bool,
        gradients: bool,
        progress: Callable[[str], None] | None,
        beside: Step | None,
    ) -> None:
        self._function = function
        self._budget, self._host = _bytes(budget), _bytes(host)
        if budget is None and beside is not None:
            self._budget = beside._budget
        self._document, self._policy, self._gradients, self._progress = device, policy, gradients, progress
        self._verify = verify
        self._is_guest = beside is not None
        self._homes: Homes | None = beside._homes if beside is not None else None
        self._forms: list[Form] = []

    # ---- what a user calls ----

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Runs one step.  Results are copies that outlive the next step, without a graph for autograd."""
        self._check_failure()
        form = self.prepare(*args, **kwargs)
        form.refresh()
        try:
            changed = form.scalars.changed()
        except Changed:  # of the optimizer's options: another tape
            self._forget(form)
            form = self.prepare(*args, **kwargs)
            form.refresh()
            try:
                changed = form.scalars.changed()
            except Changed as e:
                raise Refused(f"the optimizer calls other ops than those that it has just been recorded with: {e}") from None
        return self._run(form, changed, args, kwargs)

    def prepare(self, *args: Any, **kwargs: Any) -> Form:
        """Plans the step for these arguments, if it is not planned yet, and makes it the one whose tensors are at home."""
        if self._forms and self._forms[-1] not in self._homes.forms:  # the step beside which we run is closed: no form is left
            self._forms.clear()
        flat, structure = private.tree_flatten((args, kwargs))
        signature = (structure, tuple(signature_of(a) for a in flat))
        given = [a for a in flat if isinstance(a, torch.Tensor)]
        form = next((f for f in self._forms if f.matches(signature, given)), None)
        if form is None:
            self._give_way()
            form = self._plan(signature, args, kwargs)
            self._forms.append(form)
            self._homes.forms.append(form)
            self._homes.first = self._homes.first or form
        self._settle(form)
        return form

    @property
    def plan(self) -> Plan:
        """The plan of the latest step."""
        return self._forms[-1].plan

    @property
    def needs(self) -> c.Needs:
        """What the latest step needs in bytes: its peak with everything resident, and the bounds of all plans."""
        return self._forms[-1].needs

    @property
    def recording(self) -> Recording:
        return self._forms[-1].recording

    @property
    def uncaptured(self) -> str | None:
        """Why the latest step is not captured as one CUDA graph; None: it is, from its second run with the same numbers on."""
        executor = self._forms[-1].executor
        return executor.uncaptured if executor is not None else None

    @property
    def forms(self) -> int:
        """How many plans there are: one for each shape, and each set of modes, that has been used."""
        return len(self._forms)

    def replan(self, budget: str | int | None = None, policy: str | None = None) -> None:
        """Plans all that has been recorded again.  Errors leave the step as it was."""
        self._check_failure()
        before = self._budget, self._policy
        self._budget, self._policy = _bytes(budget), policy
        assert self._homes is not None
        first = self._homes.first if self._homes.first in self._homes.forms else None
        forms = sorted(self._forms, key=lambda form: form is not first)
        shared = (first, first.plan) if first is not None and first not in forms else None
        made: list[Made] = []
        try:
            for form in forms:
                made.append(self._make_plan(form.recording, shared))
                shared = shared or (form, made[0].plan)
        except BaseException:
            self._budget, self._policy = before
            raise
        for form, plan in zip(forms, made, strict=True):
            form.use(plan)
        self._homes.first = first or forms[0]

    def report(self, path: str | None, *args: Any, **kwargs: Any) -> str:
        """Lays a measured step over the simulated one, and returns where they differ, in words.

        path: a file that `layrub report` draws (.html, .svg, .png, .pdf; .json: both timelines for Perfetto), or None.
        args, kwargs: as of the step, of which a few are run: they train.  Needs the program `layrub`.
        """
        self._check_failure()
        form = self.prepare(*args, **kwargs)
        assert form.executor is not None
        return measured.report(form.plan, form.executor, lambda: self(*args, **kwargs), path)

    def state_is_loaded(self) -> None:
        """Says, after a step that has ended in the middle, that all state has been restored."""
        if self._homes is not None:
            self._homes.failure = None

    def close(self) -> None:
        """Gives all tensors storages of PyTorch's own, and frees arena and pool.  A step beside another one leaves that to it."""
        for form in list(self._forms):
            self._forget(form)
        if self._homes is not None and not self._is_guest:
            self._homes.move_out()

    def _forget(self, form: Form) -> None:
        self._forms.remove(form)
        if self._homes is not None and form in self._homes.forms:
            self._homes.forms.remove(form)

    # ---- planning ----

    def _plan(self, signature: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Form:
        flat, structure = private.tree_flatten((args, kwargs))
        own = [own_copy(a) for a in flat]
        device = self._device(own)
        if self._homes is None:
            self._homes = Homes(device)
        if device.type == "cuda":
            _prepare_cuda()
        args, kwargs = private.tree_unflatten(own, structure)
        recording = record_step(self._function, args, kwargs, device.type, self._gradients)
        if not recording.tape.entries:
            raise Refused(f"the step does nothing on {device}, where its arguments are; move them before you call it")
        if device.type == "cuda":
            recording.load = measure.measure(recording.tape, self._progress).load
        residents = dict(zip(recording.storages, self._homes.find(recording.storages.values(), recording.after), strict=True))
        for leaf in recording.leaves:
            if leaf.storage in residents:
                residents[leaf.storage].is_batch = True
        self._homes.name(residents, recording.tape)
        first = self._homes.first
        try:
            made = self._make_plan(recording, first and (first, first.plan))
        except BaseException:
            self._homes.drop_strangers()
            raise
        return Form(signature, recording, residents, made)

    def _device(self, tensors: list[Any]) -> torch.device:
        devices = {t.device for t in tensors if isinstance(t, torch.Tensor)}
        if self._homes is not None:
            devices.add(self._homes.device)
        if len(devices) != 1:
            raise Refused(f"the example has to have tensors of one device, not of {len(devices)}")
        return devices.pop()

    def _make_plan(self, recording: Recording, first: tuple[Form, Plan] | None) -> Made:
        """A plan with the homes of the first form's, unless one with other homes is faster by more than what moving costs."""
        if first is None:
            return Made(*self._fastest(recording))
        form, homes = first
        try:
            shared = Made(*self._fastest(recording, homes), form)
        except DoesNotFit:  # its own tensors have no room, or the policy moves no homes
            return Made(*self._fastest(recording))
        moves = sum(s.bytes for s in recording.tape.storages if s.kind in PERSISTENT) / MOVE_BYTES_PER_US
        most = shared.plan.figures.step_time_us - (MOVE_US + moves) / RUN
        if shared.plan.figures.bound_time_us >= most:
            return shared
        own = Made(*self._fastest(recording))
        return own if own.plan.figures.step_time_us < most else shared

    def _fastest(self, recording: Recording, homes: Plan | None = None) -> tuple[Plan, c.Needs]:
        """The fastest plan, but one that copies only if it is faster by more than the error of its prediction."""
        budget = self._budget if self._budget is not None else self._room(recording)
        machine = self._machine(recording)
        found = self._plan_within(recording, machine, budget, self._host or 0, homes)
        if found[0].figures.host_bytes == 0:
            return found
        try:
            still = self._plan_within(recording, machine, budget, NO_HOST, homes)
        except DoesNotFit:
            return found
        return still if still[0].figures.step_time_us < WORTH_COPIES * found[0].figures.step_time_us else found

    def _plan_within(
        self, recording: Recording, machine: dict[str, Any], budget: int | None, host: int, homes: Plan | None
    ) -> tuple[Plan, c.Needs]:
        """The plan of the order that was recorded, or of updates as early as they can be, whichever step is shorter."""
        options: dict[str, Any] = {"effort": EFFORT} | ({"policy": self._policy} if self._policy else {})
        if budget is not None:
            options["budget_bytes"] = budget
        reorder = ORDER if recording.updates else "none"
        with graph.problem(recording.tape, reorder=reorder, host_bytes=host, **machine) as problem:
            try:
                plan = problem.plan(homes=homes, progress=self._progress, **options)
            except LayrubError as e:
                if e.code != c.Code.INFEASIBLE:
                    raise
                raise DoesNotFit(_why(e, problem, recording)) from None
            plan.check(problem)
            if homes is not None:
                plan.check_homes(homes)
            return plan, problem.needs

    def _machine(self, recording: Recording) -> dict[str, Any]:
        """The device of a problem: a document, with the link as it has been measured."""
        assert self._homes is not None
        document = self._document or _document_of(self._homes.device)
        if recording.load is None:
            return {"device": document}
        with graph.problem(recording.tape, device=document) as problem:
            return {"device_data": recording.load.on(problem.device)}

    def _room(self, recording: Recording) -> int | None:
        """The bytes that a plan may take on a GPU: what is free, and what the step's own tensors and the last plan hold."""
        homes = self._homes
        assert homes is not None
        if homes.device.type != "cuda":
            return None
        allocator.trim()
        own = [s.nbytes() for s in recording.storages.values() if not homes.holds(s.data_ptr())]
        room = torch.cuda.mem_get_info(homes.device)[0] + homes.arena.nbytes + sum(own) - BESIDE
        if self._progress is not None:
            self._progress(f"budget: {room} bytes, which are free on {homes.device} but {BESIDE} for what lies beside the plan")
        return room

    def _settle(self, form: Form) -> None:
        homes = self._homes
        assert homes is not None
        program = form.plan.program
        homes.move_in(form.places, program.arena_bytes, program.host_bytes)
        if form.executor is None:
            form.executor = Executor(form.recording, form.plan, form.residents, homes)
        self._forms.remove(form)
        self._forms.append(form)

    def _give_way(self) -> None:
        """Before a step is recorded: what the user has put in the place of persistent tensors is taken over."""
        for form in self._homes.forms if self._homes is not None else ():
            form.refresh()

    # ---- running ----

    def _run(self, form: Form, changed: list[int], args: Any, kwargs: Any) -> Any:
        assert form.executor is not None and self._homes is not None
        form.executor.rebind(changed)
        form.fill(args, kwargs)
        verifier = Verifier(form.recording, form.residents, form.executor) if self._verify else None
        try:
            form.executor.step()
        except BaseException as e:
            self._homes.failure = f"{type(e).__name__}: {e}"
            form.restore_constants()
            _watch_loading(self)
            raise
        finally:
            if verifier is not None:
                verifier.close()
        if verifier is not None:
            verifier.check()
        form.scalars.step_is_over()
        return form.results()

    def _check_failure(self) -> None:
        failure = self._homes.failure if self._homes is not None else None
        if failure is not None:
            raise Refused(
                f"the last step ended in the middle ({failure}), so parameters and state are not whole: load the state of "
                "the modules and optimizers, or call state_is_loaded()"
            )


def _bytes(text: str | int | None) -> int | None:
    return size(text) if isinstance(text, str) else text


def _prepare_cuda() -> None:
    """Refused: the allocator is PyTorch's own."""
    allocator.install()
    if torch.backends.cudnn.benchmark:
        torch.backends.cudnn.benchmark = False
        warnings.warn(
            "torch.backends.cudnn.benchmark is switched off: it asks the allocator how much it has cached, and a plan's kernels "
            "must not change from step to step",
            stacklevel=4,
        )


def _document_of(device: torch.device) -> str:
    """The device document that is named like the machine's GPU."""
    if device.type == "cpu":
        return CPU_DEVICE
    gpu = torch.cuda.get_device_name(device).lower()
    found = [name for name in names(c.Shelf.DEVICES) if name.partition("-")[0] in gpu]
    if not found:
        raise Refused(f"there is no device document for '{gpu}': give device=..., one of `layrub list devices` or a file")
    return found[0]


# ---- failures ----


def _why(e: LayrubError, problem: Problem, recording: Recording) -> str:
    """The error in the user's terms: the op and the line that need the most, and how much."""
    needs = problem.needs
    op = e.op if e.op is not None else needs.bound_op
    largest = describe(recording.tape.entries[op])
    missing = f"; {e.missing_bytes} bytes are missing" if e.missing_bytes else ""
    return f"{e.text}; the largest op is {largest}: no plan needs less than {needs.bound_bytes} bytes{missing}"


def _watch_loading(step: Step) -> None:
    """After a failure: the step may go on when every module tree and optimizer that it uses has loaded its state."""
    form = step._forms[-1]
    children = {id(c) for m in form.recording.modules for c in m.children()}
    waiting: set[int] = set()
    hooks: list[Any] = []

    def loaded(item: Any, *_: Any) -> None:
        waiting.discard(id(item))
        if not waiting and step._homes is not None and step._homes.failure is not None:
            step.state_is_loaded()
            for hook in hooks:
                hook.remove()

    for module in (m for m in form.recording.modules if id(m) not in children):
        waiting.add(id(module))
        hooks.append(module.register_load_state_dict_post_hook(loaded))
    for update in form.recording.updates:
        waiting.add(id(update.optimizer))
        hooks.append(update.optimizer.register_load_state_dict_post_hook(loaded))
