"""From JSON to records, with the coercions of the real service's binding: unknown keys vanish without a word."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from functools import cache
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

from .cs_records import Command, Secret, SecretEnd, json_key

_ENDS = {"source": "system-property", "destination": "environment-variable"}
# Old names that the creation of a command understands and its update does not.
_OLD_NAMES = {"ipcMode": "ipc-mode", "as-a-child-of-wrapper-input": "as-a-child-of"}


class BindError(Exception):
    """The document has not the types of a command: the request is refused before anything is validated."""


def bind_command(document: object, *, creating: bool) -> Command:
    """A command from its document; ids in it are not read. Raises BindError."""
    bound = _record(Command, document, "command", creating)
    assert isinstance(bound, Command)
    return bound


@cache
def _fields(kind: type) -> tuple[tuple[str, Any, bool], ...]:
    """Name, type and whether it has to be given, of every field but `id`."""
    hints = get_type_hints(kind)
    return tuple(
        (f.name, hints[f.name], f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING)
        for f in dataclasses.fields(kind)
        if f.name != "id"
    )


def _record(kind: type, document: object, where: str, creating: bool) -> object:
    if not isinstance(document, dict):
        raise BindError(f"{where}: needs an object")
    if kind is Secret:
        return _secret(document, where)
    given: dict[str, object] = {}
    if creating:
        given.update({_OLD_NAMES[k]: v for k, v in document.items() if k in _OLD_NAMES})
    given.update({k: v for k, v in document.items() if k not in _OLD_NAMES and (v is not None or k not in given)})
    values: dict[str, object] = {}
    for name, hint, needed in _fields(kind):
        value = given.get(json_key(name))
        if value is None:
            if needed:
                raise BindError(f"{where}: {json_key(name)} is missing")
            continue
        bound = _value(hint, value, f"{where}.{json_key(name)}", creating)
        if bound is not None:
            values[name] = bound
    return kind(**values)


def _value(hint: Any, value: object, where: str, creating: bool) -> object:
    if hint is object:
        return value
    if isinstance(hint, UnionType):
        hint = next(part for part in get_args(hint) if part is not type(None))
    origin = get_origin(hint)
    if origin is list:
        return _list(get_args(hint)[0], value, where, creating)
    if origin is dict:
        return _texts(value, where)
    if hint is str:
        return _text(value, where)
    if hint is bool:
        return _flag(value, where)
    if hint in (int, float):
        return _number(hint, value, where)
    return _record(hint, value, where, creating)


def _list(item: Any, value: object, where: str, creating: bool) -> list[object]:
    if not isinstance(value, list):
        raise BindError(f"{where}: needs a list")
    nullable = isinstance(item, UnionType)
    if not nullable and any(one is None for one in value):
        raise BindError(f"{where}: null in a list")
    return [
        None if one is None else _value(item, one, f"{where}[{n}]", creating) for n, one in enumerate(value)
    ]  # fmt: skip


def _texts(value: object, where: str) -> dict[str, str]:
    if not isinstance(value, dict) or any(one is None for one in value.values()):
        raise BindError(f"{where}: needs an object of strings")
    return {key: _text(one, f"{where}.{key}") for key, one in value.items()}


def _text(value: object, where: str) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    raise BindError(f"{where}: needs a string")


def _flag(value: object, where: str) -> bool | None:
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value != 0
    words = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False, "": None}
    if isinstance(value, str) and value.strip() in words:
        return words[value.strip()]
    raise BindError(f"{where}: needs true or false")


def _number(kind: type[int] | type[float], value: object, where: str) -> int | float | None:
    if isinstance(value, str) and not value.strip():
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise BindError(f"{where}: needs a number")
    try:
        return kind(value)
    except ValueError:
        raise BindError(f"{where}: needs a number") from None


def _secret(document: Mapping[str, object], where: str) -> Secret:
    ends: dict[str, SecretEnd] = {}
    for side, wanted in _ENDS.items():
        end = document.get(side)
        if end is None:
            continue
        if not isinstance(end, dict) or end.get("type") != wanted:
            raise BindError(f"{where}.{side}: the only known type is {wanted}")
        identifier = end.get("identifier")
        ends[side] = SecretEnd(wanted, None if identifier is None else _text(identifier, f"{where}.{side}"))
    return Secret(ends.get("source"), ends.get("destination"))
