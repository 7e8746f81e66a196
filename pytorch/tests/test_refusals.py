# SPDX-License-Identifier: Apache-2.0
"""Refusals: each names the line of the user's code that cannot be recorded, and says what to do."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from layrub.errors import Refused  # noqa: E402
from layrub.ghost import adopt, ghosts  # noqa: E402
from layrub.known import Unknown  # noqa: E402
from layrub.recorder import record  # noqa: E402
from layrub.script import Training, trace  # noqa: E402

Loss = Callable[[torch.Tensor], Any]


def lbfgs(loss: torch.Tensor, model: nn.Module) -> None:
    optimizer = torch.optim.LBFGS(model.parameters())

    def closure() -> torch.Tensor:
        loss.backward(retain_graph=True)
        return loss

    optimizer.step(closure)  # HERE


def optimize(kind: Any, loss: torch.Tensor, model: nn.Module) -> None:
    loss.backward()
    kind(model.parameters()).step()  # HERE


def clip(out: torch.Tensor, model: nn.Module) -> None:
    out.sum().backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0, error_if_nonfinite=True)  # HERE


def second_gpu(out: torch.Tensor) -> Any:
    return out.to("cuda:1")  # HERE


def branch(out: torch.Tensor) -> Any:
    if out.sum() > 0:  # HERE
        return out
    return -out


def branch_by_item(out: torch.Tensor) -> Any:
    norm = out.norm().item()
    return out / norm if norm > 1 else out  # HERE


# Steps by name: what is done with the model's output (and the model), and what the refusal says.
MASK = "depends on data.*keep the shape and mask the values"
DECIDES = r"decides what the step does; keep it on the GPU \(torch\.where"
COPY = "return it instead, and copy it after the step"
OPTIMIZER = r"the optimizer {} decides by values of the GPU .*take one that does not \(AdamW"
REFUSED: dict[str, tuple[Callable[..., Any], str]] = {
    "nonzero": (lambda out: out.nonzero(), MASK),  # HERE
    "masked_select": (lambda out: out.masked_select(out > 0), MASK),  # HERE
    "true indices": (lambda out: out[out > 0], MASK),  # HERE
    "unique": (lambda out: out.unique(), MASK),  # HERE
    "where": (lambda out: torch.where(out > 0), MASK),  # HERE
    "repeat": (lambda out: torch.repeat_interleave(out, (out[:, 0] > 0).long(), 0), MASK),  # HERE
    "if": (branch, DECIDES),
    "if of an item": (branch_by_item, DECIDES),
    "bool": (lambda out: bool(out.isnan().any()), DECIDES),  # HERE
    "int": (lambda out: int(out.argmax()), DECIDES),  # HERE
    "range": (lambda out: list(range(out.argmax())), DECIDES),  # HERE
    "max": (lambda out: max(out.sum(), out.mean()), DECIDES),  # HERE
    "a number of a list": (lambda out: max(out[0].tolist()), DECIDES),  # HERE
    "equal": (lambda out: torch.equal(out, out + 1), DECIDES),  # HERE
    "all close": (lambda out: torch.allclose(out, out + 1), DECIDES),  # HERE
    "cpu": (lambda out: out.cpu(), COPY),  # HERE
    "to cpu": (lambda out: out.to("cpu"), COPY),  # HERE
    "numpy": (lambda out: out.detach().numpy(), COPY),  # HERE
    "a second GPU": (second_gpu, "only the step of one GPU can be recorded"),
    "a tensor of a second GPU": (lambda out: torch.zeros(2, device="cuda:1"), "cuda:1 is a second GPU"),  # HERE
    "LBFGS": (lbfgs, OPTIMIZER.format("LBFGS")),
    "Adafactor": (lambda out, model: optimize(torch.optim.Adafactor, out.sum(), model), OPTIMIZER.format("Adafactor")),
    "clipping that may fail": (lambda out, model: clip(out, model), DECIDES),
}  # fmt: skip
LINES = {n for n, line in enumerate(open(__file__, encoding="utf-8"), 1) if line.rstrip().endswith("# HERE")}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    act, text = REFUSED[name]
    with ghosts() as world:
        model = adopt(nn.Linear(4, 4))
        x = torch.ones(2, 4, device="cuda")

        def step(x: torch.Tensor) -> None:
            out = model(x)
            act(*(out, model)[: act.__code__.co_argcount] if act is not lbfgs else (out.sum(), model))

        with pytest.raises(Refused, match=text) as refused:
            record(step, (x,), "meta", warm_up=0, read=world.known.read)
    place = re.match(r"test_refusals\.py:(\d+): ", str(refused.value))
    assert place is not None and int(place[1]) in LINES


def test_what_does_not_depend_on_data_is_recorded() -> None:
    """Masks of positions have a shape that is always the same; values that are only told or averaged decide nothing."""

    def step(x: torch.Tensor) -> str:
        positions = torch.arange(8, device="cuda")
        first = positions[positions < 3]
        assert first.shape == (3,) and bool((first < 3).all()) and first.tolist() == [0, 1, 2]
        picked = x[:, first].sum()
        mean = (picked.item() + 1) / 2
        assert isinstance(mean, Unknown)
        return f"loss {picked:.3f}, {mean:.3f}, {float(picked):.1e}"

    with ghosts() as world:
        x = torch.randn(2, 8, device="cuda")
        tape = record(step, (x,), "meta", read=world.known.read)
    assert not tape.unknown


def test_a_value_that_becomes_an_argument_is_noted() -> None:
    def build() -> tuple[Any, torch.Tensor]:
        model, x = nn.BatchNorm1d(4, momentum=None), torch.randn(2, 4)
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        scaler = torch.amp.GradScaler("cuda")

        def step(x: torch.Tensor) -> None:
            scale = x.sum().item() + float(x.mean())
            scaler.scale((model(x) * scale).sum()).backward()
            scaler.step(optimizer)
            scaler.update()

        return step, x.cuda()

    tape = trace(build, {}, Training(), "step")
    places = [line.partition(":")[0] for line in tape.unknown]
    assert len(places) == 3 and places[0].startswith("GradScaler decides") and set(places[1:]) == {"test_refusals.py"}
    assert "not the whole step" in "".join(tape.notes)


def test_real_tensors_are_refused_alike() -> None:
    model = nn.Linear(4, 4)
    for act, text in (REFUSED["nonzero"], REFUSED["if"], REFUSED["unique"], REFUSED["true indices"]):
        with pytest.raises(Refused, match=text.replace("what the step does; ", ".*")):
            record(lambda x, act=act: act(model(x)), (torch.ones(2, 4),), "cpu", warm_up=0)


def test_a_collective_is_refused() -> None:
    dist = pytest.importorskip("torch.distributed")
    if not dist.is_available():
        pytest.skip("PyTorch has no torch.distributed")
    dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    try:
        with pytest.raises(Refused, match="another GPU; only the step of one GPU"):
            record(lambda x: dist.all_reduce(x), (torch.ones(2),), "cpu", warm_up=0)
    finally:
        dist.destroy_process_group()
