# SPDX-License-Identifier: Apache-2.0
"""The link beside a step's ops, as a device; and the mixture of ops that it is measured beside."""

from __future__ import annotations

from collections import Counter

import pytest

torch = pytest.importorskip("torch")

import layrub  # noqa: E402
from layrub import load  # noqa: E402
from layrub.runtime import Memory, RuntimeFailed  # noqa: E402


def device(name: str) -> layrub.Device:
    op = layrub.Op(name="none", inputs=(0,), outputs=(0,))
    graph = layrub.Graph(name="none", tensors=(layrub.Tensor(kind=layrub.Kind.STATE, bytes=64),), ops=(op,))
    with layrub.Problem.build(graph, device=name) as problem:
        return problem.device


@pytest.mark.parametrize("name", ["h200", "k40m"])  # with curves, and without
def test_a_loaded_link(name: str) -> None:
    """Large copies take the measured rates, alone and beside ops; small ones hardly longer; ops have the contention."""
    before = device(name)
    rates = tuple(0.8 * link.bytes_per_s for link in before.link)
    alone = tuple(0.9 * link.bytes_per_s for link in before.link)
    after = load.Load(alone, rates, 1.5 * rates[0], 1.1).on(before)
    op = layrub.Op(name="none", inputs=(0,), outputs=(0,))
    graph = layrub.Graph(name="none", tensors=(layrub.Tensor(kind=layrub.Kind.STATE, bytes=64),), ops=(op,))
    with layrub.Problem.build(graph, device_data=after) as problem:  # the library takes it
        seen = problem.device
    assert seen.duplex_bytes_per_s == 1.5 * rates[0]
    assert {x for x in seen.contention if x} == {1.1}
    for old, new, rate, quiet in zip(before.link, seen.link, rates, alone, strict=True):
        assert (new.latency_us, new.bytes_per_s) == (old.latency_us, pytest.approx(quiet))
        assert len(new.points) == len(old.points)
        for p in new.points[-1:]:
            assert p.bytes / p.time_us * 1e6 == pytest.approx(quiet, rel=0.01)
        for p, q in zip(old.points[:4], new.loaded[:4], strict=False):
            assert p.bytes == q.bytes and p.time_us < q.time_us < 1.2 * p.time_us
        last = new.loaded[-1]
        assert last.bytes / last.time_us * 1e6 == pytest.approx(rate, rel=0.01)


def test_a_faster_link_than_the_documents_changes_nothing_for_the_worse() -> None:
    before = device("h200")
    after = load.Load((1e12, 1e12), (1e12, 1e12), 2e12, 1.0).on(before)
    assert [link.points for link in after.link] == [link.loaded for link in after.link]


def test_the_mixture_is_the_steps() -> None:
    seen: Counter[str] = Counter()
    shares = (("a", 10.0, 1.0), ("b", 20.0, 0.25), ("c", 5.0, 0.01))
    ops = [(lambda n=name: seen.update([n]), us, share) for name, us, share in shares]
    launches = list(load._mixture(ops, 1.6))
    for launch in launches:
        launch()
    assert seen["a"] == pytest.approx(4 * seen["b"], abs=4)
    assert 10 * seen["a"] + 20 * seen["b"] + 5 * seen["c"] == pytest.approx(1600, abs=40)


def test_copies_go_through_a_pool_in_buffers_that_do_not_overlap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the host has less, the pool is a part of it."""
    taken = []

    def memory(device: torch.device, on_host: bool, nbytes: int) -> Memory:
        taken.append(nbytes)
        if nbytes not in (4 * 4096, 2 * 4096):
            raise RuntimeFailed("no more")
        return Memory(device, on_host, nbytes)

    monkeypatch.setattr(load, "COPY_BYTES", 4096)
    monkeypatch.setattr(load, "Memory", memory)
    buffers = load._buffers(load._pool(torch.device("cpu"), 16 * 4096))
    assert taken == [16 * 4096, 8 * 4096, 4 * 4096] and len(buffers) == 4
    for k, buffer in enumerate(buffers):
        buffer.fill_(k)
    assert [int(buffer.sum()) for buffer in buffers] == [4096 * k for k in range(4)]
    with pytest.raises(RuntimeFailed):
        load._pool(torch.device("cpu"), 4096)  # less than two buffers: refused at once where it cannot be had
