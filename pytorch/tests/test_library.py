# SPDX-License-Identifier: Apache-2.0
"""test_library.py - problems, plans and errors from Python"""
from __future__ import annotations

import ctypes
import gc
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

import layrub
from conftest import ROOT
from layrub import _binding as c
from layrub import _load
from layrub._convert import record, struct_of

TOY = """{"format": "layrub-graph", "version": 1, "name": "toy", "tensors": [{"id": 0, "bytes": 4096, "kind": "parameter"},
{"id": 1, "bytes": 1048576, "kind": "activation"}], "ops": [
{"name": "a", "phase": "forward", "inputs": [0], "outputs": [1], "workspace_bytes": 0, "time_us": 9},
{"name": "b", "phase": "update", "inputs": [1, 0], "outputs": [0], "workspace_bytes": 64, "time_us": 9}]}"""


def test_names_and_rows():
    assert "h100" in layrub.names(layrub.Shelf.DEVICES)
    policies = layrub.rows(layrub.Table.POLICIES)
    assert next(iter(policies)) == "hybrid" and all(policies.values())


def test_a_problem_has_a_graph_and_needs():
    with layrub.Problem.parse(TOY, device="h100") as problem:
        graph, needs = problem.graph, problem.needs
    assert (graph.name, [op.name for op in graph.ops]) == ("toy", ["a", "b"])
    assert graph.ops[1].inputs == (1, 0) and graph.ops[1].phase is layrub.Phase.UPDATE and graph.ops[1].workspace_bytes == 64
    assert graph.tensors == (layrub.Tensor(4096, layrub.Kind.PARAMETER), layrub.Tensor(1048576, layrub.Kind.ACTIVATION))
    assert needs.peak_bytes >= 4096 + 1048576 and needs.ideal_time_us == 18


CHAIN = layrub.Graph(name="chain",
                     tensors=[layrub.Tensor(4096, layrub.Kind.PARAMETER), layrub.Tensor(1 << 20, layrub.Kind.ACTIVATION)],
                     ops=[layrub.Op("a", inputs=[0], outputs=[1], time_us=9),
                          layrub.Op("b", phase=layrub.Phase.UPDATE, inputs=[1, 0], outputs=[0], workspace_bytes=64, time_us=9)])


def test_a_problem_from_lists_is_that_of_the_document():
    with layrub.Problem.build(CHAIN, device="h100") as built, layrub.Problem.parse(TOY, device="h100") as read:
        assert built.needs == read.needs
        assert [(op.inputs, op.outputs, op.time_us) for op in built.graph.ops] == [((0,), (1,), 9), ((1, 0), (0,), 9)]
        built.plan().check(built)


def test_a_device_goes_out_and_in():
    with layrub.Problem.build(CHAIN, device="h100") as problem:
        device = problem.device
    assert device.name == "h100" and device.memory_bytes > 1 << 36 and len(device.link) == 2
    with layrub.Problem.build(CHAIN, device_data=device) as again:
        assert again.device == device


@pytest.mark.parametrize("op, path", [
    (layrub.Op("a", inputs=[7], outputs=[1], time_us=1), "ops[0].inputs[0]"),
    (layrub.Op("a", inputs=[0], outputs=[1], time_us=-7), "ops[0].time_us"),
])
def test_lists_that_are_wrong(op, path):
    with pytest.raises(layrub.LayrubError) as caught:
        layrub.Problem.build(layrub.Graph(name="bad", tensors=CHAIN.tensors, ops=[op]), device="h100")
    assert (caught.value.code, caught.value.path) == (layrub.Code.BAD_INPUT, path)


def test_a_step_that_fits():
    with layrub.Problem.open("resnet18", device="k40m", batch=8) as problem:
        result = problem.fit(this_batch_only=1, policy="keep")
    assert result.fits and result.resident and result.own.batch == 8 and result.own.arena_bytes > 0


def test_the_largest_image_of_a_network_by_name_or_text():
    text = (ROOT / "networks" / "unet.json").read_text()
    where = {"device": "k40m", "set": ["optimizer=sgd"], "batch": 4}
    with layrub.Problem.open("unet", **where) as named, layrub.Problem.parse(text, **where) as parsed:
        result = named.fit(largest="image")
        assert parsed.fit(largest="image") == result
        # The size holds the options' changes: no more of it fits, and no less is resident.
        assert result.fits and result.is_largest and result.planned_size > result.resident_size >= 512
        assert result.fastest.batch == 4 and result.fastest.resident and result.fastest.step_time_us == result.own.step_time_us
        with pytest.raises(layrub.LayrubError) as caught:
            named.fit(largest="seq")
        assert caught.value.path == "--largest"
    with layrub.Problem.open("unet", image=result.resident_size, **where) as resident:
        assert resident.plan(policy="keep").figures.arena_bytes == result.largest_resident.arena_bytes


def test_more_samples_than_fit_become_passes():
    with layrub.Problem.open("resnet18", device="k40m", batch=4096, set=["optimizer=sgd"]) as problem:
        result = problem.fit()
    way = result.accumulation
    assert not result.resident and result.resident_size == result.largest_resident.batch
    assert way.batch * way.accumulate >= 4096 and way.batch <= result.planned_size
    assert way.samples_per_s <= result.fastest.samples_per_s


def test_placing():
    items = [layrub.Item(0, 2, 100), layrub.Item(1, 3, 50), layrub.Item(2, 4, 100), layrub.Item(0, 4, 10, fixed=True)]
    offsets, result = layrub.place(items)
    assert offsets[3] == 0 and result.arena_bytes == 160 and result.status is layrub.PlaceStatus.OPTIMAL
    with pytest.raises(layrub.LayrubError) as caught:
        layrub.place([layrub.Item(3, 1, 100)])
    assert caught.value.path.startswith("items[0]")


def test_a_plan_holds_what_was_asked_for(problem):
    plan = problem.plan(budget_percent=50, policy="capuchin")
    figures = plan.figures
    assert figures.arena_bytes <= problem.needs.peak_bytes / 2
    program = plan.program
    assert program.policy == "capuchin" and program.arena_bytes == figures.arena_bytes
    assert all(b.offset_bytes + b.bytes <= program.arena_bytes for b in program.buffers)
    compute = [i for i in program.instructions if i.queue is layrub.Queue.COMPUTE]
    assert all(len(i.reads) == len(plan.graph.ops[i.op].inputs) for i in compute)
    assert sum(i.bytes for i in program.instructions if i.queue is layrub.Queue.OUT) == figures.offload_bytes
    plan.check(problem)
    plan.check()


def test_what_if(problem):
    plan = problem.plan(budget_percent=50, policy="capuchin")
    now, line = plan.simulate(), plan.timeline()
    slower = plan.simulate(h2d_bytes_per_s=1e9, d2h_bytes_per_s=1e9)
    assert slower.step_time_us > now.step_time_us
    assert len(line.spans) == len(plan.program.instructions)
    assert max(s.end_us for s in line.spans) == pytest.approx(now.step_time_us)
    assert max(line.device_bytes) == now.occupancy_bytes
    assert all(len(row) == len(line.times_us) for row in line.kind_bytes)
    assert now.busy_us[layrub.Queue.OUT] > 0


def test_files_and_texts(problem, tmp_path):
    plan = problem.plan(budget_percent=60, policy="checkpoint-dp")
    path = tmp_path / "plan.json"
    plan.write(path)
    assert path.read_text() == plan.text()
    with layrub.Plan.read(path) as again:
        assert again.program == plan.program
    assert layrub.Plan.parse(path.read_bytes()).figures == plan.figures


def test_two_batches_share_their_parameters(problem, tmp_path):
    def places(plan):
        return {p.tensor: plan.program.buffers[p.buffer].offset_bytes for p in plan.program.initial_places}

    small, large = (layrub.Problem.open("resnet18", device="h100", batch=batch) for batch in (4, 8))
    first = large.plan(budget_percent=80, policy="capuchin")
    second = small.plan(homes=first, policy="capuchin")
    second.check_homes(first)
    first.check_homes(second)
    parameters = [i for i, t in enumerate(large.graph.tensors) if t.kind is layrub.Kind.PARAMETER]
    assert parameters and all(places(first)[i] == places(second)[i] for i in parameters)
    with pytest.raises(layrub.LayrubError) as caught:
        small.plan(policy="none").check_homes(first)
    assert caught.value.code is layrub.Code.UNSOUND and caught.value.path.startswith("initial[")
    with pytest.raises(layrub.LayrubError) as caught:
        problem.plan(homes=first)
    assert caught.value.code is layrub.Code.BAD_INPUT and caught.value.path == "--homes"


def test_tensors_have_names():
    names = ["w", None]
    graph = layrub.Graph(name="named", tensors=CHAIN.tensors, ops=CHAIN.ops, tensor_names=names)
    with layrub.Problem.build(graph, device="h100") as problem:
        assert problem.graph.tensor_names == tuple(names)
        assert '"name": "w"}' in problem.plan().text()
    with layrub.Problem.build(CHAIN, device="h100") as problem:
        assert problem.graph.tensor_names == ()


# ---- errors ----

def test_infeasible_says_why(problem):
    with pytest.raises(layrub.LayrubError) as caught:
        problem.plan(budget_bytes=1 << 20)
    e, needs = caught.value, problem.needs
    assert (e.code, e.op, e.missing_bytes) == (layrub.Code.INFEASIBLE, needs.bound_op, needs.bound_bytes - (1 << 20))
    assert e.tensors and e.text in str(e)


@pytest.mark.parametrize("call, code, path, text", [
    (lambda p: layrub.Problem.open("no-such", device="h100"), "BAD_INPUT", "", "expected a file or the name"),
    (lambda p: layrub.Problem.parse("{", device="h100"), "BAD_INPUT", "line 1, column 1", ""),
    (lambda p: layrub.Problem.parse(TOY.replace("4096", "-4"), device="h100"), "BAD_INPUT", "tensors[0].bytes", "got -4"),
    (lambda p: p.plan(policy="magic"), "BAD_USAGE", "--policy", "magic"),
    (lambda p: layrub.Plan.read("no-such-plan"), "BAD_INPUT", "", ""),
    (lambda p: p.plan(policy="keep").write("/no/such/folder/plan"), "SYSTEM", "", ""),
])
def test_errors(problem, call, code, path, text):
    with pytest.raises(layrub.LayrubError) as caught:
        call(problem)
    assert (caught.value.code, caught.value.path) == (layrub.Code[code], path)
    assert text in caught.value.text


def test_a_plan_of_another_graph_is_unsound(problem):
    with layrub.Problem.parse(TOY, device="h100") as other:
        plan = other.plan()
    with pytest.raises(layrub.LayrubError) as caught:
        plan.check(problem)
    assert caught.value.code is layrub.Code.UNSOUND


def test_unknown_options_are_type_errors(problem):
    with pytest.raises(TypeError, match="budgte"):
        problem.plan(budgte=1)
    with pytest.raises(TypeError):
        problem.plan(budget_bytes=1.5)


def test_a_graph_goes_to_c_and_back(problem):
    struct = struct_of(c.layrub_graph, problem.graph)
    assert struct.size == ctypes.sizeof(struct)
    assert record(struct) == problem.graph


# ---- handles ----

def test_closed_handles():
    problem = layrub.Problem.parse(TOY, device="h100")
    problem.close()
    problem.close()
    with pytest.raises(ValueError, match="the problem is closed"):
        problem.plan()


def test_a_plan_outlives_its_problem():
    plan = layrub.Problem.parse(TOY, device="h100").plan()
    gc.collect()
    plan.check()
    assert plan.graph.name == "toy"


def test_two_plans_at_once(problem):
    with ThreadPoolExecutor(2) as pool:
        texts = list(pool.map(lambda _: problem.plan(budget_percent=60, policy="capuchin").text(), range(4)))
    assert len(set(texts)) == 1


# ---- callbacks ----

def test_progress_and_stop(problem):
    lines, began = [], time.monotonic()
    plan = problem.plan(budget_percent=25, progress=lines.append, stopped=lambda: time.monotonic() - began > 0.1)
    assert plan.program.status == "time-limit"
    assert lines and all(isinstance(line, str) for line in lines)
    plan.check(problem)


@pytest.mark.parametrize("name", ["stopped", "progress"])
def test_exceptions_leave_the_search(problem, name):
    def fails(*_):
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        problem.plan(budget_percent=25, **{name: fails})


@pytest.mark.parametrize("handler", [signal.default_int_handler, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt)])
def test_ctrl_c_ends_the_search(problem, handler):
    before = signal.signal(signal.SIGINT, handler)
    try:
        began = time.monotonic()
        lines = []

        def tell(line):
            if not lines:
                threading.Timer(0, os.kill, (os.getpid(), signal.SIGINT)).start()
            lines.append(line)

        with pytest.raises(KeyboardInterrupt):
            problem.plan(budget_percent=25, progress=tell)
            time.sleep(5)  # where the search has ended before the signal came
        assert time.monotonic() - began < 5
        assert signal.getsignal(signal.SIGINT) is handler
    finally:
        signal.signal(signal.SIGINT, before)


# ---- the library is found, or its lack is said ----

def in_process(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {k: v for k, v in os.environ.items() if k not in ("LAYRUB_LIBRARY", "LD_LIBRARY_PATH")}
    path = os.pathsep.join([str(ROOT / "pytorch"), os.environ.get("PYTHONPATH", "")])
    env = kept | {"PYTHONPATH": path} | environment
    return subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)


def test_an_import_needs_no_library():
    done = in_process("import layrub; print(layrub.Figures(peak_bytes=3).peak_bytes)", LAYRUB_LIBRARY="/no/such/library")
    assert (done.returncode, done.stdout) == (0, "3\n")


@pytest.mark.parametrize("path, reason", [("/no/such/library", "No such file"), ("libc.so.6", "not liblayrub")])
def test_a_missing_library_is_said_plainly(path, reason):
    done = in_process("import layrub; layrub.version()", LAYRUB_LIBRARY=path)
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith("ImportError: liblayrub is not found") and reason in last and "LAYRUB_LIBRARY" in last


def test_the_library_beside_the_program(tmp_path, monkeypatch):
    program = tmp_path / "bin" / "layrub"
    program.parent.mkdir()
    program.touch(0o755)
    monkeypatch.setenv("PATH", str(program.parent))
    assert str(tmp_path / "lib" / "liblayrub.so.1") in _load._candidates()


def test_a_function_that_an_older_library_lacks(monkeypatch, problem):
    monkeypatch.setattr(layrub.library.library(), "missing", frozenset({"layrub_plan_make"}))
    with pytest.raises(NotImplementedError, match=r"no layrub_plan_make\(\)"):
        problem.plan()
