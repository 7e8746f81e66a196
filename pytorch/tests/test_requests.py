# SPDX-License-Identifier: Apache-2.0
"""PyTorch's allocator, on the host: requests are noted, laid out, and answered with a plan's addresses."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Iterator
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from layrub import allocator, requests, runtime  # noqa: E402
from layrub.errors import Refused  # noqa: E402
from layrub.requests import Answers, Asked, lay_out  # noqa: E402


@pytest.fixture
def lib() -> Iterator[Any]:
    """The allocator with the host's memory behind it."""
    lib = runtime.runtime()
    error = ctypes.create_string_buffer(1536)
    assert lib.layrub_torch_allocator_use(runtime._Device(b"host", 0), error) == 0
    yield lib
    lib.layrub_torch_allocator_use(runtime._Device(b"cuda", 0), error)


def test_nothing_is_installed_without_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.cuda, "is_built", lambda: False)
    allocator.install()
    assert not allocator.installed()


def test_cuda_has_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.cuda, "is_built", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    with pytest.raises(Refused, match="cannot be replaced afterwards: move `import layrub` to the top"):
        allocator.install()
    assert not allocator.installed()


def test_an_unknown_back_end(lib: Any) -> None:
    error = ctypes.create_string_buffer(1536)
    assert lib.layrub_torch_allocator_use(runtime._Device(b"abacus", 0), error) < 0
    assert error.value == b"no back end 'abacus'"
    assert lib.layrub_torch_allocator_use(runtime._Device(b"host", 0), error) == 0


def test_requests_are_noted(lib: Any) -> None:
    requests.note()
    a = lib.layrub_torch_alloc(1000, 0, None)
    b = lib.layrub_torch_alloc(24, 0, None)
    lib.layrub_torch_free(a, 1000, 0, None)
    assert requests.noted() == [(a, 1000), (b, 24), (a, -1)]
    assert lib.layrub_torch_alloc(0, 0, None) is None
    lib.layrub_torch_free(b, 24, 0, None)
    requests.note()
    assert requests.noted() == []


def test_sources(lib: Any) -> None:
    """Kept blocks come again; addresses without memory never do."""
    used = lib.layrub_torch_used_bytes()
    with allocator.answering_from(allocator.KEPT):
        a = lib.layrub_torch_alloc(1000, 0, None)
        assert lib.layrub_torch_used_bytes() == used + 1024
        lib.layrub_torch_free(a, 1000, 0, None)
        assert lib.layrub_torch_alloc(513, 0, None) == a and lib.layrub_torch_alloc(1000, 0, None) != a
        lib.layrub_torch_free(a, 513, 0, None)
    lib.layrub_torch_trim()
    with allocator.without_memory():
        found = [lib.layrub_torch_alloc(n, 0, None) for n in (1, 600, 1 << 39, 1 << 39)]
        lib.layrub_torch_free(found[1], 600, 0, None)
        found.append(lib.layrub_torch_alloc(600, 0, None))
    assert found[1] - found[0] == 512 and found[2] - found[1] == 1024 and len(set(found)) == 5
    assert lib.layrub_torch_used_bytes() == used + 1024


def test_layout() -> None:
    """Results are what stays; scratch lies at the lowest free offset, beside scratch that lives on; the rest is a library's."""
    log = [(1, 4000), (2, 600), (3, 100), (2, -1), (4, 500), (5, 2000), (1, -1), (6, 8000), (2, 64), (9, 4096)]
    log += [(address, -1) for address in (2, 4, 5)]
    asked, workspace = lay_out(log, [6, 3])
    assert asked == [
        Asked(4000, None, 0),
        Asked(600, None, 4096),
        Asked(100, 1),
        Asked(500, None, 4096),
        Asked(2000, None, 4608),
        Asked(8000, 0),
        Asked(64, None, 0),
    ]
    assert workspace == 4608 + 2048
    # An address that is given back within the op and then asked for again is scratch first, and the result then.
    assert lay_out([(7, 512), (7, -1), (7, 256)], [7])[0] == [Asked(512, None, 0), Asked(256, 0)]


def test_answers(lib: Any) -> None:
    arena = runtime.Memory(torch.device("cpu"), False, 1 << 16)
    asked = [Asked(4000, None, 512), Asked(300, 0), Asked(32, 1)]
    results = [arena.address + 0x8000, arena.address + 0x9000]
    answers = Answers(arena.address, arena.nbytes, asked, results, arena.address + 0x1000)
    for _ in range(2):
        with answers.given():
            got = [lib.layrub_torch_alloc(n, 0, None) for n in (4000, 8, 300, 32, 16)]
            elsewhere: list[int] = []
            thread = threading.Thread(target=lambda found=elsewhere: found.append(lib.layrub_torch_alloc(300, 0, None)))
            thread.start()
            thread.join()
            for address in [*got, *elsewhere]:  # of what is planned, and of what is aside, nothing is given back
                lib.layrub_torch_free(address, 1, 0, None)
        assert [got[0], got[2], got[3]] == [arena.address + 0x1200, *results]
        assert not any(arena.holds(address) for address in [got[1], got[4], *elsewhere])
        assert got[4] - got[1] == 256


def test_memory_where_an_arena_was(lib: Any) -> None:
    """The addresses of an arena that has been freed are any others': what the device gives there, it gets back."""
    used, block = lib.layrub_torch_used_bytes(), 1 << 20
    arena = runtime.Memory(torch.device("cpu"), False, 64 * block)
    begin, end = arena.address, arena.address + arena.nbytes
    with Answers(begin, arena.nbytes, [], [], begin).given():
        pass
    del arena
    with allocator.answering_from(allocator.KEPT):
        found = [lib.layrub_torch_alloc(block, 0, None) for _ in range(200)]
        if not any(begin <= address < end for address in found):
            pytest.skip("the host has not used the addresses again")
        for address in found:
            lib.layrub_torch_free(address, block, 0, None)
    lib.layrub_torch_trim()
    assert lib.layrub_torch_used_bytes() == used


@pytest.mark.parametrize("sizes", [(301,), (300, 128)])
def test_a_request_that_was_not_recorded(lib: Any, sizes: tuple[int, ...]) -> None:
    """It gets memory of its own, never the wrong place, and is an error."""
    arena = runtime.Memory(torch.device("cpu"), False, 4096)
    answers = Answers(arena.address, arena.nbytes, [Asked(300, 0)], [arena.address + 1024], arena.address)
    with pytest.raises(RuntimeError, match="1 times that it did not ask for"), answers.given():
        for address in [lib.layrub_torch_alloc(n, 0, None) for n in sizes][-1:]:
            assert not arena.holds(address)
            lib.layrub_torch_free(address, 1, 0, None)


def test_a_failure_raises(lib: Any) -> None:
    """In a process of its own: C++ ends it where nobody catches."""
    import subprocess
    import sys

    code = (
        "import ctypes, torch; from layrub import runtime; lib = runtime.runtime(); e = ctypes.create_string_buffer(1536); "
        "lib.layrub_torch_allocator_use(runtime._Device(b'host', 0), e); print('asked', flush=True); "
        "print(lib.layrub_torch_alloc(1 << 62, 0, None))"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ended.stdout == "asked\n" and ended.returncode != 0
    assert "bad_alloc" in ended.stderr


def test_scratch_of_an_op_is_its_workspace(lib: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """An op that asks for scratch while it is recorded: the plan has room for it, and answers with its address."""
    import layrub
    from layrub.recorder import Recorder

    after = Recorder._mutated

    def asks(self: Any, func: Any, *rest: Any) -> Any:
        if func is torch.ops.aten.addmm.default:
            lib.layrub_torch_free(lib.layrub_torch_alloc(1000, 0, None), 1000, 0, None)
        return after(self, func, *rest)

    monkeypatch.setattr(Recorder, "_mutated", asks)
    monkeypatch.setattr(allocator, "_installed", True)
    model = torch.nn.Linear(8, 8)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)

    def step(x: torch.Tensor) -> torch.Tensor:
        loss = model(x).square().sum()
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        return loss

    x = torch.randn(4, 8)
    planned = layrub.compile(step, example=x, policy="keep")
    op = next(k for k, entry in enumerate(planned.recording.tape.entries) if entry.name == "addmm")
    assert planned.plan.graph.ops[op].workspace_bytes == 1024
    assert planned.recording.tape.entries[op].requests == [Asked(1000, None, 0)]
    (call,) = planned._forms[-1].executor._of_op[op]
    program = planned.plan.program
    workspace = next(program.buffers[i.workspace].offset_bytes for i in program.instructions if i.op == op)
    arena = planned._homes.arena
    with call.answers.given():
        assert lib.layrub_torch_alloc(1000, 0, None) == arena.address + workspace
    before = model.weight.detach().clone()
    planned(x)
    assert not torch.equal(before, model.weight)


def test_the_allocator_is_installed_when_pytorch_comes() -> None:
    """In a process of its own: `import layrub` before `import torch`, and after it."""
    import subprocess
    import sys

    code = (
        "import sys, layrub, layrub._before_cuda as b\n"
        "b._install = lambda: print('torch' in sys.modules, hasattr(sys.modules['torch'], 'add'))\n"
        "import torch\n"
        "b.begin()\n"
        "print(any(isinstance(f, b._AfterTorch) for f in sys.meta_path))"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ended.stdout == "True True\nTrue True\nFalse\n", ended.stderr
