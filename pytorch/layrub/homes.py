# SPDX-License-Identifier: Apache-2.0
"""homes.py - where persistent tensors are between two steps

Parameters, optimizer state, statistics and inputs live at their plan's initial places, in the arena or in the pool, each in a
storage of its own.  The tensors stay the user's: `state_dict` and direct writes reach them, and a file of them is as large as
PyTorch's.  When another plan takes over, what has another place there is moved; plans that share homes have one place for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any

import torch

from . import private
from .errors import Refused
from .living import Living, living
from .runtime import Memory, RuntimeFailed, storage_at
from .tape import Leaf, Tape

if TYPE_CHECKING:
    from .form import Form


@dataclass(eq=False)
class Resident:
    """One persistent storage, wherever it is now."""

    storage: torch.UntypedStorage
    nbytes: int
    owners: list[Owner] = field(default_factory=list)
    name: str = ""  # by which the graphs of all forms know it
    is_batch: bool = False  # written before each step that reads it

    @property
    def key(self) -> int:
        return private.storage_key(self.storage)

    def tensor(self, leaf: Leaf) -> torch.Tensor:
        return leaf.over(self.storage)

    def alias(self) -> torch.UntypedStorage:
        """Another storage over the same bytes, for tensors of ours that do not follow when the user's tensors move."""
        return storage_at(self.storage.device, self.storage.data_ptr(), self.nbytes, self.storage)


@dataclass(eq=False)
class Owner:
    """A place of Python in which the user may put another tensor: an attribute of a module, or an optimizer's state."""

    slot: Any  # identifies the place
    name: str
    get: Callable[[], torch.Tensor | None]
    leaf: Leaf
    gradient_of: torch.nn.Parameter | None = None


Places = dict[Resident, tuple[bool, int]]  # on_host, and the offset in the arena or the pool


class Homes:
    """All persistent storages of all plans, with the arena and the pool that hold them."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.arena = Memory(device, False, 0)
        self.pool = Memory(device, True, 0)
        self.forms: list[Form] = []  # all that run here, of one step or of several
        self.first: Form | None = None  # whose plan's places the others share
        self.failure: str | None = None  # of the last step, if it has ended in the middle
        self._residents: list[Resident] = []
        self._numbers = count()

    def find(self, storages: Iterable[torch.UntypedStorage], now: Living) -> list[Resident]:
        """The residents of these storages, in their order.  now: what is alive."""
        known = {r.key: r for r in self._residents}
        found = []
        for storage in storages:
            key = private.storage_key(storage)
            if key not in known:
                known[key] = Resident(storage, storage.nbytes())
                self._residents.append(known[key])
            found.append(known[key])
        _find_owners({r.key: r for r in found}, now)
        return found

    def name(self, residents: dict[int, Resident], tape: Tape) -> None:
        """Names the tape's storages as the tapes of other forms do: by names of their own that no other has, or by numbers."""
        taken = {r.name for r in self._residents}
        for s, r in residents.items():
            if not r.name:
                own = tape.storages[s].name
                r.name = own if own is not None and own not in taken else f"resident {next(self._numbers)}"
            tape.storages[s].name = None if r.is_batch else r.name

    def drop_strangers(self) -> None:
        """Forgets the residents of no form."""
        ours = {r for form in self.forms for r in form.residents.values()}
        self._residents = [r for r in self._residents if r in ours]

    def holds(self, address: int) -> bool:
        """Whether the arena or the pool has it."""
        return self.arena.holds(address) or self.pool.holds(address)

    # ---- moving ----

    def move_in(self, places: Places, arena_bytes: int, pool_bytes: int, ordinary: bool = False) -> bool:
        """Brings residents to (on_host, offset) in an arena and a pool of at least these sizes.

        The step that follows uses so many bytes from their beginnings on.  What else lies there goes to the host's memory, or to
        storages of PyTorch's own.  Returns whether the arena or the pool is new.
        """
        renew = arena_bytes > self.arena.nbytes or pool_bytes > self.pool.nbytes
        moving = [r for r in self._residents if self._has_to_move(r, places.get(r), renew, (arena_bytes, pool_bytes))]
        if not moving and not renew:
            return False
        live = living().tensors
        aside = [(r, self._copy_out(r), self._detach(r, live)) for r in moving]
        try:
            if renew:
                self._renew(arena_bytes, pool_bytes)
        except RuntimeFailed:
            places, ordinary = {}, True
            raise
        finally:
            for r, copy, tensors in aside:
                r.storage = self._target(r, places.get(r), ordinary)
                r.storage.copy_(copy)
                for t, leaf in tensors:
                    t.data = leaf.over(r.storage)
        return renew

    def _has_to_move(self, r: Resident, place: tuple[bool, int] | None, renew: bool, used: tuple[int, int]) -> bool:
        """Whether a resident is not at its place; without a place, whether it is in the way of a step that uses so many bytes."""
        address = r.storage.data_ptr()
        if r.nbytes == 0:
            return False
        if place is None and r.is_batch and not renew:
            return False
        if place is None:
            parts = zip((self.arena, self.pool), used, strict=True)
            return (renew and self.holds(address)) or any(m.address <= address < m.address + n for m, n in parts)
        return renew or address != (self.pool if place[0] else self.arena).address + place[1]

    @staticmethod
    def _copy_out(r: Resident) -> torch.UntypedStorage:
        copy = torch.UntypedStorage(r.nbytes)
        copy.copy_(r.storage)
        return copy

    @staticmethod
    def _detach(r: Resident, live: dict[int, list[torch.Tensor]]) -> list[tuple[torch.Tensor, Leaf]]:
        """Takes the storage from all its tensors, so that its memory is free.  Returns them, with their places in it."""
        tensors = [(t, Leaf.of(-1, t)) for t in live.get(r.key, [])]
        for t, leaf in tensors:
            t.data = torch.empty(0, dtype=leaf.dtype, device=t.device)
        r.storage = torch.UntypedStorage(0)
        return tensors

    def _renew(self, arena_bytes: int, pool_bytes: int) -> None:
        sizes = max(arena_bytes, self.arena.nbytes), max(pool_bytes, self.pool.nbytes)
        for form in self.forms:
            form.executor = None  # its views hold the old memory
        self.arena, self.pool = Memory(self.device, False, 0), Memory(self.device, True, 0)
        self.arena = Memory(self.device, False, sizes[0])
        self.pool = Memory(self.device, True, sizes[1])

    def _target(self, r: Resident, place: tuple[bool, int] | None, ordinary: bool) -> torch.UntypedStorage:
        if place is not None:
            return (self.pool if place[0] else self.arena).storage(place[1], r.nbytes)
        if ordinary:
            return torch.UntypedStorage(r.nbytes, device=self.device)
        return Memory(self.device, True, r.nbytes).storage(0, r.nbytes)

    def move_out(self) -> None:
        """Gives every resident an ordinary storage, forgets all forms, and frees arena and pool."""
        self.move_in({}, self.arena.nbytes, self.pool.nbytes, ordinary=True)
        self.forms, self.first, self._residents = [], None, []
        self.arena, self.pool = Memory(self.device, False, 0), Memory(self.device, True, 0)


# ---- what the user puts in their place ----


def take_over(residents: Iterable[Resident]) -> None:
    """Copies what the user has put in the place of a persistent tensor to its home, and makes the new tensor the resident's."""
    for r in residents:
        for owner in r.owners:
            t = owner.get()
            if t is None and owner.gradient_of is not None:  # zero_grad(set_to_none=True)
                with torch.no_grad():
                    owner.gradient_of.grad = r.tensor(owner.leaf).zero_()
            elif t is None:
                raise Refused(f"{owner.name} is gone; compile again")
            elif t.untyped_storage().data_ptr() != r.storage.data_ptr():
                _adopt(r, owner, t)


def _adopt(r: Resident, owner: Owner, t: torch.Tensor) -> None:
    home = r.tensor(owner.leaf)
    if t.shape != home.shape or t.dtype != home.dtype:
        raise Refused(f"{owner.name} has been replaced by a tensor of {list(t.shape)} {t.dtype}; compile again")
    with torch.no_grad():
        home.copy_(t)
        t.data = home


def _find_owners(residents: dict[int, Resident], now: Living) -> None:
    """Notes every attribute and every state that has a tensor of one of these storages."""

    def note(slot: Any, name: str, get: Callable[[], torch.Tensor | None], of: torch.nn.Parameter | None = None) -> None:
        t = get()
        r = residents.get(private.storage_key(t.untyped_storage())) if isinstance(t, torch.Tensor) else None
        if r is not None and all(o.slot != slot for o in r.owners):
            r.owners.append(Owner(slot, name, get, Leaf.of(-1, t), of))

    for module in now.modules:
        kind = type(module).__name__
        for name, parameter in module._parameters.items():
            note((id(module), name), f"{kind}.{name}", lambda m=module, n=name: m._parameters.get(n))
            if parameter is not None:
                note((id(parameter), "grad"), f"the gradient of {kind}.{name}", lambda p=parameter: p.grad, parameter)
        for name in module._buffers:
            note((id(module), name), f"{kind}.{name}", lambda m=module, n=name: m._buffers.get(n))
    for optimizer in now.optimizers:
        for parameter, state in optimizer.state.items():
            for name in state:
                note(
                    (id(optimizer), id(parameter), name),
                    f"state '{name}' of {type(optimizer).__name__}",
                    lambda o=optimizer, p=parameter, n=name: o.state[p].get(n) if p in o.state else None,
                )
