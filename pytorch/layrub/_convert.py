# SPDX-License-Identifier: Apache-2.0
"""_convert.py - structs of C to records, and records to structs

Texts are UTF-8.  NULL and LAYRUB_NONE are None, an array of C is a tuple, an integer that holds a value of an enum is of that
enum.  A member that an older library does not know is None.
"""
from __future__ import annotations

import ctypes
import keyword
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from layrub._binding import LAYRUB_NONE, Structure


def has(struct: Structure, name: str) -> bool:
    """Returns whether the side that made a struct knows a member: LAYRUB_HAS of the header."""
    if "size" not in _types(type(struct)):
        return True
    place = getattr(type(struct), name)
    return place.offset + place.size <= struct.size


@cache
def _member(name: str) -> str:
    """Returns the name in C of a record's member."""
    return name[:-1] if keyword.iskeyword(name[:-1]) else name


@cache
def _types(cls: type[Structure]) -> dict[str, Any]:
    return {name: ctype for name, ctype, *_ in cls._fields_}


def _plain(value: Any) -> Any:
    """Returns a number or text of C."""
    return value.decode(errors="replace") if isinstance(value, bytes) else value


@cache
def _reader(cls: type[Structure], name: str) -> Callable[[Structure], Any]:
    ctype, length, as_enum, inner = _types(cls)[name], cls.lengths.get(name), cls.enums.get(name), cls.inner.get(name)

    def array(struct: Structure) -> tuple[Any, ...]:
        value = getattr(struct, name)
        count = getattr(struct, length) if length else len(value)
        if not value or count == 0:
            return ()
        if inner:
            return tuple(tuple(value[i][:getattr(struct, inner)]) for i in range(count))
        if issubclass(ctype._type_, Structure):
            return tuple(record(value[i]) for i in range(count))
        return tuple(_plain(v) for v in value[:count])

    def enumerated(struct: Structure) -> Any:
        value = getattr(struct, name)
        try:
            return as_enum(value)
        except ValueError:  # of a newer library
            return value

    def one(struct: Structure) -> Any:
        value = getattr(struct, name)
        return record(value.contents) if value else None

    def number(struct: Structure) -> Any:
        value = getattr(struct, name)
        return None if value == LAYRUB_NONE else value

    if as_enum:
        return enumerated
    if length or (isinstance(ctype, type) and issubclass(ctype, ctypes.Array) and ctype._type_ is not ctypes.c_char):
        return array
    if isinstance(ctype, type) and issubclass(ctype, ctypes._Pointer):
        return one
    if isinstance(ctype, type) and issubclass(ctype, Structure):
        return lambda struct: record(getattr(struct, name))
    if ctype is ctypes.c_uint32:
        return number
    return lambda struct: _plain(getattr(struct, name))


def record(struct: Structure) -> Any:
    """Returns the record of a struct: a copy, which shares no memory with it."""
    cls = type(struct)
    values = {}
    for name in cls.record.__dataclass_fields__:
        member = _member(name)
        values[name] = _reader(cls, member)(struct) if has(struct, member) else None
    return cls.record(**values)


def _fill_array(ctype: Any, values: Sequence[Any], keep: list[Any]) -> Any:
    element = ctype._type_
    if issubclass(element, Structure):
        filled = (element * len(values))()
        for place, value in zip(filled, values, strict=True):
            _fill(place, value, keep)
    else:
        none = None if element is ctypes.c_char_p else LAYRUB_NONE
        filled = (element * len(values))(*[v.encode() if isinstance(v, str) else none if v is None else v for v in values])
    keep.append(filled)
    return filled


def _fill(struct: Structure, source: Any, keep: list[Any]) -> None:
    values = source if isinstance(source, Mapping) else {_member(n): getattr(source, n) for n in source.__dataclass_fields__}
    counts: dict[str, int] = {}
    for name, value in values.items():
        ctype, length = _types(type(struct))[name], type(struct).lengths.get(name)
        if length:
            if not value:
                continue
            if name in type(struct).inner:
                raise NotImplementedError(f"{name}: an array of arrays is not passed to C")
            if counts.setdefault(length, len(value)) != len(value):
                raise ValueError(f"{name} has {len(value)} elements, and others that {length} counts have {counts[length]}")
            if issubclass(ctype, ctypes.Array):
                getattr(struct, name)[:len(value)] = value
                continue
            value = ctypes.cast(_fill_array(ctype, value, keep), ctype)
        elif isinstance(ctype, type) and issubclass(ctype, ctypes.Array) and ctype._type_ is not ctypes.c_char:
            if issubclass(ctype._type_, Structure):
                for place, one in zip(getattr(struct, name), value, strict=False):
                    _fill(place, one, keep)
                continue
            value = ctype(*value)
        elif isinstance(value, str):
            value = value.encode()
        elif value is None:
            if ctype is not ctypes.c_uint32:
                continue
            value = LAYRUB_NONE
        elif hasattr(value, "__dataclass_fields__"):
            pointed = issubclass(ctype, ctypes._Pointer)
            inner = struct_of(ctype._type_ if pointed else ctype, value)
            keep.append(inner)
            value = ctypes.pointer(inner) if pointed else inner
        setattr(struct, name, value)
    for length, count in counts.items():
        setattr(struct, length, count)


def struct_of(cls: type[Structure], source: Any) -> Any:
    """Returns the struct of a record, or of a mapping from names to values.

    The arrays and texts that it points to live as long as the struct: it has them in its attribute `kept`.
    """
    struct = cls()
    struct.kept = []
    _fill(struct, source, struct.kept)
    return struct


def structs_of(cls: type[Structure], sources: Sequence[Any]) -> Any:
    """Returns an array of structs, for as many records or mappings."""
    kept: list[Any] = []
    made = (cls * len(sources))()
    for place, source in zip(made, sources, strict=True):
        _fill(place, source, kept)
    made.kept = kept
    return made
