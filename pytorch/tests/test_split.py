# SPDX-License-Identifier: Apache-2.0
"""Calls over lists of tensors, as calls over pieces of the lists: the same numbers, cut alike; and updates that are early."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

import running  # noqa: E402
from running import adamw, classify, images, sgd, twins  # noqa: E402

import layrub  # noqa: E402
from layrub import graph, run, split  # noqa: E402


def test_pieces() -> None:
    """Large tensors are alone, small ones together; every tensor is in one piece, in order."""
    million = 1 << 20
    sizes = [10, 20, 9 * million, 30, 3 * million, 4 * million, 2 * million, 50, 20 * million, 60 * million, 7]
    pieces = split._pieces(sizes)
    assert [k for p in pieces for k in range(len(sizes))[p]] == list(range(len(sizes)))
    assert [sizes[p] for p in pieces] == [
        [10, 20], [9 * million], [30, 3 * million, 4 * million], [2 * million, 50], [20 * million], [60 * million], [7]
    ]  # fmt: skip
    assert len(split._pieces([100] * 800)) == split.FEWEST_PIECES
    assert split._pieces([0, 0]) == [slice(0, 2)]


@pytest.mark.parametrize("weights", [(1.5, 0.5), (0.1,)])
def test_a_call_in_pieces_gives_the_same(weights: tuple[float, ...]) -> None:
    torch.manual_seed(1)
    lists = [[torch.randn(n) for n in (3, 700, 5, 1, 64, 64, 9, 300, 2)] for _ in range(2)]
    add = torch.ops.aten._foreach_add.List
    whole = add(*lists, alpha=weights[0])
    parts = split.split(add, tuple(lists), {"alpha": weights[0]})
    assert parts is not None and 3 < len(parts) < 9
    pieces = split.join([add(*a, **k) for a, k in parts])
    assert len(pieces) == 9 and all(running.same_bits(a, b) for a, b in zip(pieces, whole, strict=True))


def test_entries_of_a_reordered_graph() -> None:
    """Each op of the graph is the entry with its name and tensors; each entry is there once, and some have moved."""
    ours, _ = twins(running.Tied, adamw, classify)
    step = layrub.compile(ours.step, example=running.words(1)[0], policy="keep")
    tape = step.recording.tape
    with graph.problem(tape, device="h100", reorder="updates") as problem:
        ops = problem.graph.ops
    order = graph.order(tape, ops)
    assert sorted(order) == list(range(len(tape.entries))) and order != sorted(order)
    ids = graph.tensor_ids(tape)
    for op, k in zip(ops, order, strict=True):
        entry = tape.entries[k]
        assert op.name == entry.name and set(op.inputs) == {ids[s] for s in entry.reads}
        assert set(op.outputs) == {ids[s] for s in entry.writes}
    with graph.problem(tape, device="h100") as problem:
        assert graph.order(tape, problem.graph.ops) == list(range(len(tape.entries)))


def test_early_updates_train_as_pytorch_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of both orders, the one with the faster plan is taken."""
    monkeypatch.setattr(run, "ORDER", "updates")
    ours, theirs = twins(running.conv_net, sgd, classify)
    batches = images(4)
    step = layrub.compile(ours.step, example=batches[0], policy="keep")
    bound, peak = step.plan.figures.bound_bytes, step.plan.figures.peak_bytes
    step.replan(int(bound + 0.1 * (peak - bound)))
    step.prepare(*batches[0])
    assert step._forms[-1].executor._order != list(range(len(step.recording.tape.entries)))
    running.assert_same_losses(running.train(step, batches), running.train(theirs.step, batches))
    running.assert_same(ours, theirs)
