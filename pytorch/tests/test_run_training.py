# SPDX-License-Identifier: Apache-2.0
"""What a training loop does around and inside a planned step: PyTorch's own loop gives the same bits."""

from __future__ import annotations

import copy
import io
from collections.abc import Iterator
from typing import Any

import pytest

torch = pytest.importorskip("torch")

import running  # noqa: E402
from running import (  # noqa: E402
    Training,
    adamw,
    assert_same,
    assert_same_losses,
    classify,
    conv_net,
    deeds,
    dropout_net,
    images,
    lora_net,
    rows,
    same_bits,
    sgd,
    train,
    twins,
)
from torch import nn  # noqa: E402

import layrub  # noqa: E402
from layrub import run, verify  # noqa: E402
from layrub.homes import Homes  # noqa: E402


@pytest.fixture(autouse=True)
def _one_thread(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(run, "ORDER", "updates")  # in which less stays as it was recorded
    with running.one_thread():
        yield


def tight(training: Training, batch: tuple[Any, ...], share: float = 0.2, **options: Any) -> Any:
    """The step, planned between its bound and its peak; all deeds of plans are in it."""
    step = layrub.compile(training.step, example=batch, policy="keep", **options)
    figures = step.plan.figures
    step.replan(int(figures.bound_bytes + share * (figures.peak_bytes - figures.bound_bytes)))
    step.prepare(*batch)
    assert "state" in deeds(step)
    return step


# ---- what a step contains ----


def accumulate(model: nn.Module, optimizer: torch.optim.Optimizer, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    total = x.new_zeros(())
    for part, target in zip(x.chunk(2), y.chunk(2), strict=True):
        loss = nn.functional.cross_entropy(model(part), target) / 2
        loss.backward()
        total += loss.detach()
    nn.utils.clip_grad_norm_(model.parameters(), 0.05)
    optimizer.step()
    optimizer.zero_grad()
    return total


def test_accumulation_and_clipping() -> None:
    ours, theirs = twins(dropout_net, adamw, accumulate)
    batches = rows(4)
    step = tight(ours, batches[0])
    assert_same_losses(train(step, batches), train(theirs.step, batches))
    assert_same(ours, theirs)


@pytest.mark.parametrize("scale", [1024.0, 2.0**126])
def test_scaled_gradients(scale: float) -> None:
    """A GradScaler that begins with the step, of an optimizer that skips by itself; at first the larger scale overflows."""

    def with_scaler(training: Training) -> Any:
        scaler = torch.amp.GradScaler(running.DEVICE, init_scale=scale, growth_interval=2)

        def step(model: nn.Module, optimizer: torch.optim.Optimizer, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
            loss = nn.functional.cross_entropy(model(x), y)
            scaler.scale(loss * 100).backward()
            scaler.step(optimizer)
            scaler.update()
            optimizer.zero_grad()
            return loss

        training._step = step
        return scaler

    ours, theirs = twins(dropout_net, lambda p: torch.optim.AdamW(p, lr=0.01, fused=True), classify)
    scalers = [with_scaler(training) for training in (ours, theirs)]
    batches = rows(6)
    step = layrub.compile(ours.step, example=batches[0], policy="layrub")
    assert scalers[0].get_scale() == scale
    assert_same_losses(train(step, batches), train(theirs.step, batches))
    assert_same(ours, theirs)
    assert scalers[0].state_dict() == scalers[1].state_dict()
    assert (scalers[0].get_scale() < scale) == (scale > 1e30)


def test_scaled_gradients_need_a_fused_optimizer() -> None:
    scaler = torch.amp.GradScaler(running.DEVICE)

    def step(model: nn.Module, optimizer: torch.optim.Optimizer, x: torch.Tensor, y: torch.Tensor) -> None:
        scaler.scale(nn.functional.cross_entropy(model(x), y)).backward()
        scaler.step(optimizer)
        scaler.update()

    ours, _ = twins(dropout_net, adamw, step)
    with pytest.raises(layrub.Refused, match=r"test_run_training\.py:\d+: GradScaler decides .*fused=True"):
        layrub.compile(ours.step, example=rows(1)[0])


def accumulate_over_calls(model: nn.Module, optimizer: torch.optim.Optimizer, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    loss = nn.functional.cross_entropy(model(x), y)
    loss.backward()
    return loss


def test_gradients_that_stay_from_call_to_call() -> None:
    """The step only adds to gradients; the optimizer is the loop's."""
    ours, theirs = twins(dropout_net, adamw, accumulate_over_calls)
    batches = rows(6)
    step = layrub.compile(ours.step, example=batches[0])
    for training, one in ((ours, step), (theirs, theirs.step)):
        torch.manual_seed(1)
        for k, batch in enumerate(batches):
            one(*batch)
            if k % 2:
                training.optimizer.step()
                training.optimizer.zero_grad(set_to_none=k == 3)
    assert_same(ours, theirs)


def test_dropout_runs_once_and_moves_the_generator_as_pytorch_does() -> None:
    ours, theirs = twins(dropout_net, adamw, classify)
    batches = rows(3)
    step = layrub.compile(ours.step, example=batches[0], policy="checkpoint-sqrt")
    losses = train(step, batches)
    state = torch.get_rng_state()
    assert_same_losses(losses, train(theirs.step, batches))
    assert torch.equal(state, torch.get_rng_state())
    program = step.plan.program
    runs = [i.op for i in program.instructions if i.queue is layrub.Queue.COMPUTE]
    random = [k for k, entry in enumerate(step.recording.tape.entries) if entry.random]
    assert len(runs) > len(set(runs)) and random and all(runs.count(k) == 1 for k in random)


def test_batch_norm_updates_its_statistics_once() -> None:
    ours, theirs = twins(conv_net, sgd, classify)
    batches = images(4)
    step = layrub.compile(ours.step, example=batches[0], policy="checkpoint-sqrt")
    runs = [i.op for i in step.plan.program.instructions if i.queue is layrub.Queue.COMPUTE]
    norms = [k for k, entry in enumerate(step.recording.tape.entries) if entry.name == "native_batch_norm"]
    assert any(runs.count(k) > 1 for k in norms)
    assert_same_losses(train(step, batches), train(theirs.step, batches))
    assert_same(ours, theirs)
    assert int(ours.model[1].num_batches_tracked) == 4


def test_momentum_begins_as_the_first_gradient() -> None:
    """Also where it is -0.0."""
    for nesterov in (False, True):
        x = torch.tensor([0.0, -0.0, 1.0])

        def sgd_of(p: Any, nesterov: bool = nesterov) -> torch.optim.Optimizer:
            return torch.optim.SGD(p, 0.1, momentum=0.9, nesterov=nesterov)

        def step(model: Any, optimizer: Any, x: torch.Tensor) -> torch.Tensor:
            loss = (model.p * x).sum()
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            return loss

        def make() -> nn.Module:
            model = nn.Module()
            model.p = nn.Parameter(torch.zeros(3))
            return model

        ours, theirs = twins(make, sgd_of, step)
        planned = layrub.compile(ours.step, example=(x,))
        for _ in range(2):
            planned(x), theirs.step(x)
            assert_same(ours, theirs)


# ---- the loop around it ----


@pytest.mark.parametrize("optimizer", [adamw, sgd, lambda p: torch.optim.AdamW(p, 0.01, fused=True)])
def test_learning_rate_schedule(optimizer: Any) -> None:
    ours, theirs = twins(dropout_net, optimizer, classify)
    schedules = [torch.optim.lr_scheduler.CosineAnnealingLR(t.optimizer, 7) for t in (ours, theirs)]
    batches = rows(5)
    step = tight(ours, batches[0])
    rates = []

    def scheduled(one: Any, schedule: Any) -> Any:
        def call(*batch: Any) -> torch.Tensor:
            loss = one(*batch)
            schedule.step()
            rates.append(schedule.get_last_lr()[0])
            return loss

        return call

    losses = [train(scheduled(one, s), batches) for one, s in zip((step, theirs.step), schedules, strict=True)]
    assert_same_losses(*losses)
    assert_same(ours, theirs)
    assert len(set(rates)) > 3 and step.forms == 1


OPTIMIZERS: dict[str, Any] = {
    "NAdam": {}, "RMSprop": {"momentum": 0.9, "centered": True}, "Adagrad": {}, "Adadelta": {}, "RAdam": {}, "Adamax": {},
    "Rprop": {}, "Adam": {"amsgrad": True}, "AdamW": {"foreach": True}, "SGD": {"momentum": 0.9, "fused": True, "nesterov": True},
}  # fmt: skip


@pytest.mark.parametrize("name", [*OPTIMIZERS, "a rate that is a tensor"])
def test_optimizers_under_a_schedule(name: str) -> None:
    """From the first step on, in which they make their state.  RAdam takes another way from its sixth step on."""

    def make(parameters: Any) -> torch.optim.Optimizer:
        if name in OPTIMIZERS:
            return getattr(torch.optim, name)(parameters, lr=0.01, **OPTIMIZERS[name])
        return torch.optim.Adam(parameters, lr=torch.tensor(0.01))

    ours, theirs = twins(lambda: nn.Sequential(nn.Linear(32, 8), nn.Tanh(), nn.Linear(8, 5)), make, classify)
    batches = rows(7)
    step = layrub.compile(ours.step, example=batches[0], policy="layrub")
    losses = []
    for training, one in ((ours, step), (theirs, theirs.step)):
        schedule = torch.optim.lr_scheduler.ExponentialLR(training.optimizer, 0.7)
        losses.append([])
        for batch in batches:
            losses[-1] += train(one, [batch])
            schedule.step()
    assert_same_losses(*losses)
    assert_same(ours, theirs)


@pytest.mark.parametrize(("name", "why"), [("Adafactor", "decides by values of the GPU"), ("ASGD", "reads data of the host")])
def test_optimizers_that_are_refused(name: str, why: str) -> None:
    ours, _ = twins(dropout_net, getattr(torch.optim, name), classify)
    with pytest.raises(layrub.Refused, match=why):
        layrub.compile(ours.step, example=rows(1)[0])


def test_options_of_groups_may_change() -> None:
    """Other numbers are taken over; weight decay that is new needs other ops, so the step is recorded anew."""

    def groups(parameters: Any) -> torch.optim.Optimizer:
        parameters = list(parameters)
        return torch.optim.SGD([{"params": parameters[:2], "lr": 0.1}, {"params": parameters[2:], "lr": 0.01}], momentum=0.9)

    ours, theirs = twins(dropout_net, groups, classify)
    batches = rows(2)
    step = tight(ours, batches[0])
    for change in ({}, {"momentum": 0.5}, {"weight_decay": 0.1}, {"weight_decay": 0.2, "lr": 0.05}):
        for training in (ours, theirs):
            training.optimizer.param_groups[1].update(change)
        assert_same_losses(train(step, batches), train(theirs.step, batches))
        assert_same(ours, theirs)


def test_evaluation_between_steps() -> None:
    ours, theirs = twins(conv_net, sgd, classify)
    batches = images(6)
    step = tight(ours, batches[0])
    for k in range(0, 6, 2):
        assert_same_losses(train(step, batches[k : k + 2]), train(theirs.step, batches[k : k + 2]))
        scores = []
        for training in (ours, theirs):
            training.model.eval()
            with torch.no_grad():
                scores.append(training.model(batches[0][0]))
            training.model.train()
        assert same_bits(*scores)
    assert step.forms == 1
    assert_same(ours, theirs)


def test_a_planned_evaluation_beside_the_training() -> None:
    """Two planned steps over the same parameters: each finds what the other has left."""

    def evaluate(model: nn.Module, x: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            return model(x).argmax(1)

    ours, theirs = twins(conv_net, sgd, classify)
    batches = images(4)
    step = tight(ours, batches[0])
    ours.model.eval()
    score = layrub.compile(lambda x: evaluate(ours.model, x), example=batches[0][0], policy="layrub")
    ours.model.train()
    for batch in batches:
        assert_same_losses(train(step, [batch]), train(theirs.step, [batch]))
        for training in (ours, theirs):
            training.model.eval()
        assert torch.equal(score(batch[0]), evaluate(theirs.model, batch[0]))
        for training in (ours, theirs):
            training.model.train()
    assert step.forms == 1 and score.forms == 1
    assert_same(ours, theirs)


def test_an_evaluation_beside_the_training_moves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def evaluate(model: nn.Module, x: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            return model(x)

    ours, theirs = twins(dropout_net, adamw, classify)
    batches = rows(4)
    moved: list[Any] = []
    copied_out = Homes._copy_out
    monkeypatch.setattr(Homes, "_copy_out", staticmethod(lambda r: moved.append(r) or copied_out(r)))
    step = tight(ours, batches[0])
    ours.model.eval()
    score = layrub.compile(lambda x: evaluate(ours.model, x), example=batches[0][0], beside=step)
    ours.model.train()

    def both(batch: Any) -> None:
        assert_same_losses(train(step, [batch]), train(theirs.step, [batch]))
        for training in (ours, theirs):
            training.model.eval()
        assert same_bits(score(batch[0]), evaluate(theirs.model, batch[0]))
        for training in (ours, theirs):
            training.model.train()

    both(batches[0])
    moved.clear()
    for batch in batches[1:]:
        both(batch)
    assert moved == []
    assert_same(ours, theirs)
    step.replan(step.needs.peak_bytes)  # other homes: parameters follow
    for batch in batches:
        both(batch)
    step.close()
    for batch in batches:
        both(batch)
    assert_same(ours, theirs)


def test_modes_and_frozen_layers_are_compared_before_each_step() -> None:
    ours, theirs = twins(dropout_net, sgd, classify)
    batches = rows(2)
    step = tight(ours, batches[0])
    for prepare in (
        lambda m: m.eval(),
        lambda m: m.train(),
        lambda m: m[0].weight.requires_grad_(False),
        lambda m: m[0].weight.requires_grad_(True),
    ):
        for training in (ours, theirs):
            prepare(training.model)
        assert_same_losses(train(step, batches), train(theirs.step, batches))
        assert_same(ours, theirs)
    assert step.forms == 3


def test_a_step_that_sets_modes_leaves_them_set() -> None:
    def trains(model: nn.Module, optimizer: Any, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        model.train()
        return classify(model, optimizer, x, y)

    ours, theirs = twins(conv_net, sgd, trains)
    batches = images(2)
    ours.model.eval(), theirs.model.eval()
    step = layrub.compile(ours.step, example=batches[0], policy="layrub")
    assert not ours.model[1].training
    assert_same_losses(train(step, batches), train(theirs.step, batches))
    assert ours.model[1].training and theirs.model[1].training
    assert_same(ours, theirs)


def test_other_shapes_have_plans_of_their_own() -> None:
    """The last, smaller batch, and a larger one that needs a larger arena; parameters follow."""
    ours, theirs = twins(conv_net, sgd, classify)
    x, y = images(1)[0]
    larger = (torch.cat([x, x + 1]), torch.cat([y, y]))
    step = tight(ours, (x, y))
    step._budget = None
    owned = len([r for r in step._forms[-1].residents.values() if r.owners])
    for batch in [(x, y), (x[:2], y[:2]), (x, y), larger, (x[:2], y[:2]), (x, y), larger]:
        for training in (ours, theirs):
            training.model[3].weight.data = training.model[3].weight.data * 0.9
        assert_same_losses(train(step, [batch]), train(theirs.step, [batch]))
        assert_same(ours, theirs)
    assert step.forms == 3
    assert len({r for form in step._forms for r in form.residents.values() if r.owners}) == owned


@pytest.mark.parametrize("on_host", [False, True])
def test_plans_share_the_homes_of_the_first(monkeypatch: pytest.MonkeyPatch, on_host: bool) -> None:
    """A smaller batch finds parameters and optimizer state where the first plan has them."""
    ours, theirs = twins(running.Tied, adamw, classify)
    whole = running.words(1)[0]
    moved: list[Any] = []
    copied_out = Homes._copy_out
    monkeypatch.setattr(Homes, "_copy_out", staticmethod(lambda r: moved.append(r) or copied_out(r)))
    step = layrub.compile(ours.step, example=whole)
    if on_host:
        step.replan(int(step.needs.resident_bound_bytes * 0.97))
    assert any(on_host for form in step._forms for on_host, _ in form.places.values()) == on_host
    shapes = [whole, tuple(t[:2] for t in whole)]
    assert_same_losses(train(step, shapes), train(theirs.step, shapes))
    moved.clear()
    assert_same_losses(train(step, shapes * 2), train(theirs.step, shapes * 2))
    assert step.forms == 2 and moved == []
    step.replan(int(step.needs.peak_bytes))
    assert_same_losses(train(step, shapes), train(theirs.step, shapes))
    moved.clear()
    assert_same_losses(train(step, shapes), train(theirs.step, shapes))
    assert moved == []
    assert_same(ours, theirs)


def test_a_shape_that_does_not_fit_leaves_nothing_behind() -> None:
    ours, theirs = twins(conv_net, sgd, classify)
    x, y = images(1)[0]
    step = tight(ours, (x, y))
    residents = len(step._homes._residents)
    with pytest.raises(layrub.DoesNotFit):
        step(torch.cat([x] * 8), torch.cat([y] * 8))
    assert step.forms == 1 and len(step._homes._residents) == residents
    assert_same_losses(train(step, [(x, y)]), train(theirs.step, [(x, y)]))
    assert_same(ours, theirs)


def test_compiling_changes_nothing() -> None:
    ours, theirs = twins(lambda: nn.Sequential(*conv_net(), nn.Dropout(0.5)), adamw, classify)
    batch = images(1)[0]
    for training in (ours, theirs):  # state and gradients from before
        torch.manual_seed(4)
        classify(training.model, training.optimizer, *batch)
        nn.functional.cross_entropy(training.model(batch[0]), batch[1]).backward()
    gradient = ours.model[0].weight.grad
    torch.manual_seed(5)
    state = torch.get_rng_state()
    layrub.compile(ours.step, example=batch, policy="layrub").close()
    assert torch.equal(state, torch.get_rng_state())
    assert ours.model[0].weight.grad is gradient
    for a, b in zip(ours.model.parameters(), theirs.model.parameters(), strict=True):
        assert same_bits(a.grad, b.grad)
    assert_same(ours, theirs)
    assert ours.model[0].weight.untyped_storage().resizable()


# ---- the model's tensors stay the model's ----


def homes_on_host(step: Any) -> set[str]:
    graph, program = step.plan.graph, step.plan.program
    return {graph.tensors[p.tensor].kind.name for p in program.initial_places if p.on_host}


def test_state_goes_out_and_in() -> None:
    ours, theirs = twins(lora_net, adamw, classify)
    batches = rows(4)
    step = tight(ours, batches[0], share=0.15)
    assert {"PARAMETER", "OPTIMIZER"} <= homes_on_host(step)
    saved = []
    for training, one in ((ours, step), (theirs, theirs.step)):
        train(one, batches[:2])
        file = io.BytesIO()
        torch.save({"model": training.model.state_dict(), "optimizer": training.optimizer.state_dict()}, file)
        saved.append(file)
        train(one, batches[2:])
    assert saved[0].getbuffer().nbytes == saved[1].getbuffer().nbytes
    for training, file in zip((theirs, ours), saved, strict=True):  # each the other's
        state = torch.load(io.BytesIO(file.getbuffer()), weights_only=True)
        training.model.load_state_dict(state["model"])
        training.optimizer.load_state_dict(state["optimizer"])
    assert_same(ours, theirs)
    assert_same_losses(train(step, batches[2:]), train(theirs.step, batches[2:]))
    assert_same(ours, theirs)


def test_tied_weights_are_saved_once() -> None:
    ours, theirs = twins(running.Tied, adamw, classify)
    layrub.compile(ours.step, example=running.words(1)[0], policy="layrub")
    sizes = []
    for training in (ours, theirs):
        file = io.BytesIO()
        torch.save(training.model.state_dict(), file)
        sizes.append(file.getbuffer().nbytes)
    assert sizes[0] == sizes[1]
    assert ours.model.output.weight.data_ptr() == ours.model.embedding.weight.data_ptr()


def test_writes_between_steps() -> None:
    """In place, through .data, and by tensors put in the place of old ones."""

    def write(training: Training) -> None:
        model, optimizer = training.model, training.optimizer
        with torch.no_grad():
            model[0].frozen.weight.mul_(0.5)
            model[0].up.weight.add_(0.01)
        model[2].down.weight.data = model[2].down.weight.data * 2
        model[4].frozen.bias.data[3] = 1.0
        for state in optimizer.state.values():
            state["exp_avg"] = state["exp_avg"] * 0.5
            state["exp_avg_sq"].mul_(0.25)
            state["step"].fill_(1)

    ours, theirs = twins(lora_net, adamw, classify)
    batches = rows(4)
    step = tight(ours, batches[0], share=0.15)
    assert {"PARAMETER", "OPTIMIZER"} <= homes_on_host(step)
    for training, one in ((ours, step), (theirs, theirs.step)):
        train(one, batches[:2])
        write(training)
    assert_same(ours, theirs)
    assert_same_losses(train(step, batches[2:]), train(theirs.step, batches[2:]))
    assert_same(ours, theirs)


def test_a_plan_copies_only_where_that_is_worth_it(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = twins(conv_net, sgd, classify)
    batches = images(3)
    step = layrub.compile(ours.step, example=batches[0], policy="keep")
    figures = step.plan.figures
    budget = int(figures.bound_bytes + 0.6 * (figures.peak_bytes - figures.bound_bytes))
    found: list[tuple[int, float]] = []
    plan = run.Step._plan_within

    def noted(self: Any, *arguments: Any) -> Any:
        made = plan(self, *arguments)
        found.append((made[0].figures.host_bytes, made[0].figures.step_time_us))
        return made

    monkeypatch.setattr(run.Step, "_plan_within", noted)
    step.close()
    step = layrub.compile(ours.step, example=batches[0], budget=budget)
    (copied, with_copies), (none, without) = found
    assert copied > 0 == none and without >= with_copies
    assert step.plan.figures.host_bytes == copied
    monkeypatch.setattr(run, "WORTH_COPIES", 1.001 * without / with_copies)
    step.replan(budget)
    assert step.plan.figures.host_bytes == 0
    assert_same_losses(train(step, batches), train(theirs.step, batches))


def test_memory_of_tensors_that_have_moved_is_freed() -> None:
    from layrub import private

    ours, _ = twins(running.Tied, adamw, classify)
    batches = running.words(2)
    train(ours.step, batches[:1])
    tensors = [*ours.model.parameters(), *(t for s in ours.optimizer.state.values() for t in s.values())]
    before = [private.StorageWeakRef(t.untyped_storage()) for t in tensors]
    del tensors
    step = layrub.compile(ours.step, example=batches[0])
    assert len(before) > 10 and all(storage.expired() for storage in before)
    train(step, batches)


def test_close_gives_all_back() -> None:
    ours, theirs = twins(dropout_net, adamw, classify)
    batches = rows(3)
    step = tight(ours, batches[0])
    train(step, batches[:2]), train(theirs.step, batches[:2])
    alias = ours.model[0].weight.detach()
    step.close()
    assert_same_losses(train(ours.step, batches[2:]), train(theirs.step, batches[2:]))
    assert_same(ours, theirs)
    assert torch.equal(alias, ours.model[0].weight)


# ---- results ----


def test_results_outlive_the_step() -> None:
    def scores(model: nn.Module, optimizer: Any, x: torch.Tensor, y: torch.Tensor) -> dict[str, Any]:
        out = model(x)
        loss = nn.functional.cross_entropy(out, y)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        parts = torch.empty(2)
        parts[0], parts[1] = loss.detach(), out.detach().sum()
        right = (out.argmax(1) == y).sum()
        return {"loss": loss, "right": right, "out": out[:2], "parts": parts, "n": len(y), "weight": model[0].weight}

    ours, theirs = twins(dropout_net, adamw, scores)
    batches = rows(3)
    step = tight(ours, batches[0])
    kept = []
    for one in (step, theirs.step):
        torch.manual_seed(2)
        kept.append([one(*batch) for batch in batches])
    for a, b in zip(*kept, strict=True):
        assert a["n"] == b["n"] == 16
        assert all(same_bits(a[name], b[name]) for name in ("loss", "right", "out", "parts"))
    assert len({float(a["loss"]) for a in kept[0]}) == 3
    assert same_bits(kept[0][0]["weight"], ours.model[0].weight)


def test_tensors_that_the_step_leaves_in_objects_are_kept_up_to_date() -> None:
    seen: dict[str, torch.Tensor] = {}

    def notes(model: nn.Module, optimizer: Any, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        hidden = model[0](x)
        seen[str(id(model))] = hidden.detach()
        loss = nn.functional.cross_entropy(model[1:](hidden), y)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        return loss

    ours, theirs = twins(dropout_net, adamw, notes)
    batches = rows(2)
    step = tight(ours, batches[0])
    for batch in batches:
        train(step, [batch]), train(theirs.step, [batch])
        assert same_bits(seen[str(id(ours.model))], seen[str(id(theirs.model))])


def begins_with_zero_grad(model: nn.Module, optimizer: Any, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    optimizer.zero_grad()
    loss = nn.functional.cross_entropy(model(x), y)
    loss.backward()
    optimizer.step()
    return loss


def test_gradients_are_none_unless_asked_for() -> None:
    ours, theirs = twins(dropout_net, adamw, begins_with_zero_grad)
    batches = rows(2)
    step = tight(ours, batches[0])
    train(step, batches), train(theirs.step, batches)
    assert all(p.grad is None for p in ours.model.parameters())
    ours, theirs = twins(dropout_net, adamw, begins_with_zero_grad)
    step = tight(ours, batches[0], gradients=True)
    train(step, batches), train(theirs.step, batches)
    for a, b in zip(ours.model.parameters(), theirs.model.parameters(), strict=True):
        assert same_bits(a.grad, b.grad)
    assert_same(ours, theirs)


# ---- verification ----


def test_verify_compares_every_input() -> None:
    ours, theirs = twins(conv_net, sgd, classify)
    batches = images(2)
    step = tight(ours, batches[0], verify=True)
    assert_same_losses(train(step, batches), train(theirs.step, batches))
    # A bit of what an op reads, in the middle of the step.
    calls = step._forms[-1].executor._calls
    wrong = [i for i, call in calls.items() if step.recording.tape.entries[call.op].name == "native_batch_norm_backward"][-1]
    function = calls[wrong].function

    def flips(*args: Any) -> Any:
        out = function(*args)
        out[0].view(torch.int32).flatten()[5] ^= 1
        return out

    calls[wrong].function = flips
    with pytest.raises(verify.Differs, match=r"op \d+, convolution_backward of 0 .*argument 0"):
        step(*batches[0])


def test_copies_of_planned_models_are_ordinary() -> None:
    ours, _ = twins(dropout_net, adamw, classify)
    step = tight(ours, rows(1)[0])
    other = copy.deepcopy(ours.model)
    before = copy.deepcopy(other.state_dict())
    train(step, rows(2))
    assert all(same_bits(a, before[name]) for name, a in other.state_dict().items())
