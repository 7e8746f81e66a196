# SPDX-License-Identifier: Apache-2.0
"""What cannot run under a plan is refused with its line, before anything has changed; failures leave no wrong numbers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

torch = pytest.importorskip("torch")

import running  # noqa: E402
from running import adamw, assert_same, assert_same_losses, classify, dropout_net, rows, sgd, train, twins  # noqa: E402
from torch import nn  # noqa: E402

import layrub  # noqa: E402
from layrub import homes, run, runtime  # noqa: E402

HERE = r"test_run_refusals\.py:\d+"


@pytest.fixture(autouse=True)
def _one_thread(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(run, "ORDER", "updates")  # in which less stays as it was recorded
    with running.one_thread():
        yield


def step_with(middle: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
    """A training step whose loss goes through `middle`."""

    def step(model: nn.Module, optimizer: torch.optim.Optimizer, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        loss = middle(nn.functional.cross_entropy(model(x), y), x)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        return loss

    return step


class Count:
    def __init__(self) -> None:
        self.n = 0

    def __call__(self) -> int:
        self.n += 1
        return self.n


def refuses(step: Callable[..., Any], match: str, optimizer: Any = adamw) -> None:
    ours, theirs = twins(dropout_net, optimizer, step)
    state = torch.get_rng_state()
    with pytest.raises(layrub.Refused, match=match):
        layrub.compile(ours.step, example=rows(1)[0])
    torch.set_rng_state(state)
    assert all(running.same_bits(a, b) for a, b in zip(ours.model.parameters(), theirs.model.parameters(), strict=True))


def test_a_number_that_changes() -> None:
    count = Count()
    refuses(step_with(lambda loss, x: loss * (1 / count())), rf"{HERE}: mul gets 0\.5\d*, then 0\.33")


def test_another_way_each_time() -> None:
    count = Count()
    refuses(step_with(lambda loss, x: loss.exp() if count() % 2 else loss.sin()), rf"{HERE}: \w+ in one step, {HERE}: \w+ in")
    refuses(step_with(lambda loss, x: loss.sin() if count() % 2 else loss), rf"{HERE}")


def test_data_of_the_host_that_changes() -> None:
    count = Count()
    refuses(step_with(lambda loss, x: loss * torch.tensor(float(count()))), f"{HERE}: mul reads data of the host that changes")


def test_a_value_that_decides() -> None:
    refuses(step_with(lambda loss, x: loss if loss > 0 else -loss), rf"{HERE}: a value of the GPU, .*, decides")
    refuses(step_with(lambda loss, x: loss * loss.item()), rf"{HERE}: a value of the GPU, .*, decides")
    # A mask of the argument alone, until something else is written into it.
    mixed = step_with(lambda loss, x: loss if x.gt(0).logical_and_(loss > 0).any() else -loss)
    refuses(mixed, rf"{HERE}: a value of the GPU, .*, decides")


def test_an_argument_that_is_written() -> None:
    def step(model: Any, optimizer: Any, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return classify(model, optimizer, x.mul_(0.5), y)

    refuses(step, rf"{HERE}: mul_ writes into an argument")


def test_a_schedule_inside_the_step() -> None:
    schedules: list[Any] = []

    def step(model: Any, optimizer: Any, x: Any, y: Any) -> Any:
        if not schedules:
            schedules.append(torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.5))
        loss = classify(model, optimizer, x, y)
        schedules[0].step()
        return loss

    refuses(step, r"changes 'lr' of its optimizer from 0\.\d+ to 0\.\d+: move the scheduler's step\(\) out of the step")


def test_state_that_begins_with_data() -> None:
    def damped(p: Any) -> torch.optim.Optimizer:
        return torch.optim.SGD(p, 0.1, momentum=0.9, dampening=0.5)

    ours, theirs = twins(dropout_net, damped, classify)
    batches = rows(4)
    with pytest.raises(layrub.Refused, match="SGD: its state 'momentum_buffer' begins with .* run one step with PyTorch"):
        layrub.compile(ours.step, example=batches[0])
    for training in twins(dropout_net, damped, classify):
        train(training.step, batches[:1])
        theirs, ours = ours, training
    assert_same_losses(train(layrub.compile(ours.step, example=batches[0]), batches), train(theirs.step, batches))
    assert_same(ours, theirs)


def test_a_replaced_tensor_of_another_shape() -> None:
    ours, _ = twins(dropout_net, sgd, classify)
    step = layrub.compile(ours.step, example=rows(1)[0])
    ours.model[0].weight.data = torch.zeros(3)
    with pytest.raises(layrub.Refused, match=r"Linear\.weight has been replaced by a tensor of \[3\]"):
        step(*rows(1)[0])


def test_too_small_a_budget() -> None:
    ours, theirs = twins(dropout_net, adamw, classify)
    with pytest.raises(layrub.DoesNotFit) as refused:
        layrub.compile(ours.step, example=rows(1)[0], budget="4KiB")
    text = str(refused.value)
    where = r"the largest op is \S+ of \d+ \(running\.py:\d+\)"
    found = re.search(where + r": no plan needs less than (\d+) bytes; (\d+) bytes are missing", text)
    assert found and int(found[1]) - 4096 == int(found[2]), text
    step = layrub.compile(ours.step, example=rows(1)[0], policy="keep")
    with pytest.raises(layrub.DoesNotFit):
        step.replan("4KiB")
    batches = rows(2)
    assert_same_losses(train(step, batches), train(theirs.step, batches))


def test_too_little_memory() -> None:
    with pytest.raises(runtime.RuntimeFailed, match=r"not enough host memory: the arena needs .* are missing"):
        runtime.Memory(torch.device("cpu"), False, 1 << 60)


def test_too_little_memory_leaves_the_model_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = twins(dropout_net, adamw, classify)
    real = runtime.Memory

    def full(device: Any, on_host: bool, nbytes: int) -> Any:
        return real(device, on_host, 1 << 60 if nbytes else 0)

    monkeypatch.setattr(homes, "Memory", full)
    with pytest.raises(runtime.RuntimeFailed, match="not enough host memory"):
        layrub.compile(ours.step, example=rows(1)[0], policy="layrub")
    batches = rows(2)
    assert_same_losses(train(ours.step, batches), train(theirs.step, batches))
    assert_same(ours, theirs)


def test_without_the_runtime(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAYRUB_TORCH_LIBRARY", "/no/such/library")
    runtime.runtime.cache_clear()
    try:
        with pytest.raises(ImportError, match="liblayrub-torch.so is not found"):
            runtime.runtime()
    finally:
        runtime.runtime.cache_clear()


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_step_that_ends_in_the_middle(error: type[BaseException]) -> None:
    """The next one is refused until all state is loaded; then training goes on as PyTorch's does."""
    ours, theirs = twins(running.Tied, adamw, classify)
    batches = running.words(4)
    step = layrub.compile(ours.step, example=batches[0], policy="keep")
    figures = step.plan.figures
    step.replan((figures.bound_bytes + figures.peak_bytes) // 2)
    train(step, batches[:2]), train(theirs.step, batches[:2])
    for training in (ours, theirs):
        training.save()
    calls = step._forms[-1].executor._calls
    at = sorted(calls)[len(calls) * 2 // 3]
    function = calls[at].function

    def fails(*_: Any, **__: Any) -> None:
        raise error("in the middle")

    calls[at].function = fails
    with pytest.raises(error) as raised:
        step(*batches[2])
    assert error is not ValueError or any("of the plan" in note for note in raised.value.__notes__)
    calls[at].function = function
    for _ in range(2):
        with pytest.raises(layrub.Refused, match=f"ended in the middle \\({error.__name__}: in the middle\\)"):
            step(*batches[2])
    ours.model.load_state_dict(ours._start[0])
    with pytest.raises(layrub.Refused, match="ended in the middle"):
        step(*batches[2])
    ours.restart()
    assert_same_losses(train(step, batches[2:]), train(theirs.step, batches[2:]))
    assert_same(ours, theirs)


class Masked(nn.Module):
    """A large constant, which no state_dict has, is read at the beginning and at the end of forward."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mask", torch.rand(96, 96), persistent=False)
        self.layers = nn.ModuleList(nn.Linear(96, 96) for _ in range(4))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x @ self.mask
        for layer in self.layers:
            x = torch.tanh(layer(x))
        return x @ self.mask


def test_constants_survive_a_step_that_ends_in_the_middle() -> None:
    ours, theirs = twins(Masked, sgd, classify)
    batch = torch.randn(64, 96), torch.randint(0, 96, (64,))
    step = layrub.compile(ours.step, example=batch, policy="keep")
    figures = step.plan.figures
    step.replan(figures.bound_bytes + (figures.peak_bytes - figures.bound_bytes) // 5)
    with torch.no_grad():
        ours.model.mask.mul_(2), theirs.model.mask.mul_(2)
    train(step, [batch]), train(theirs.step, [batch])
    for training in (ours, theirs):
        training.save()
    form = step._forms[-1]
    assert [r.nbytes for r, _ in form._constants] == [96 * 96 * 4]
    mask = ours.model.mask.clone()
    program = step.plan.program
    fetches = [
        k for k, i in enumerate(program.instructions)
        if i.queue is layrub.Queue.IN and step.plan.graph.tensors[program.buffers[i.buffer].tensor].kind is layrub.Kind.STATE
    ]  # fmt: skip
    last = max(k for k in form.executor._calls if k < fetches[-1])
    function, form.executor._calls[last].function = form.executor._calls[last].function, None
    with pytest.raises(TypeError):
        step(*batch)
    assert running.same_bits(ours.model.mask, mask)
    form.executor._calls[last].function = function
    ours.restart()
    assert_same_losses(train(step, [batch]), train(theirs.step, [batch]))


def test_without_the_example_nothing_is_known() -> None:
    with pytest.raises(layrub.Refused, match="tensors of one device"):
        layrub.compile(lambda: None, example=())
