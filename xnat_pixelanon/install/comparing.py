"""Whether a command that a Container Service holds still is the one of the command file. Pure.

What the service gives back has numbers, defaults and nulls that the file leaves out, and lists in an order of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from xnat_pixelanon.pipeline.rules import SITE_KEY_VARIABLE

SITE_KEYS = frozenset(
    {"reserve-memory", "limit-memory", "limit-cpu", "shm-size", "network", "runtime", "ipc-mode", "ulimits",
     "generic-resources", "container-labels", "gpus"}
)  # fmt: skip
"""How the site lets a container run: an admin's to tune, kept when a command is brought up to date."""

_NOT_COMPARED = SITE_KEYS | {"id", "index", "hash", "project", "wrapper-id", "command-id"}
_DEFAULTS: Mapping[str, Any] = MappingProxyType(
    {
        "type": "docker",
        "visibility": "public",
        "override-entrypoint": False,
        "auto-remove": False,
        "writable": False,
        "sensitive": False,
        "user-settable": True,
        "load-children": True,
        "multiple": False,
        "command-line-separator": " ",
        "multiple-delimiter": "space",
    }
)
_MEANT_EMPTY = frozenset({"default-value", "true-value", "false-value"})
_FREE_KEYS = frozenset({"environment-variables", "ports"})
_INPUT_TYPE = "string"
_REQUIRED = MappingProxyType({"external-inputs": True, "derived-inputs": True, "inputs": False, "outputs": False})


def differences(wanted: Mapping[str, Any], stored: Mapping[str, Any]) -> list[str]:
    """The places, as `xnat.run.external-inputs.project.type`, where the stored command is not the wanted one.

    A secret that brings the site key is the site's, and no difference, unless the wanted command names one.
    """
    if not site_key_secrets(wanted) and site_key_secrets(stored):
        others = [one for one in stored["secrets"] if one not in site_key_secrets(stored)]
        stored = {**stored, "secrets": others}
    return list(_differences(_normal(wanted, ""), _normal(stored, ""), ""))


def updated(wanted: Mapping[str, Any], stored: Mapping[str, Any]) -> dict[str, Any]:
    """The wanted command with what the site has tuned in the stored one, and with its secret for the site key."""
    kept = {key: stored[key] for key in sorted(SITE_KEYS) if stored.get(key) not in (None, {}, [])}
    if not site_key_secrets(wanted) and site_key_secrets(stored):
        kept["secrets"] = [*(wanted.get("secrets") or []), *site_key_secrets(stored)]
    return {**wanted, **kept}


def site_key_secret(system_property: str) -> dict[str, Any]:
    """A secret of a command: its containers have the value of the Java property as their site key."""
    return {
        "source": {"type": "system-property", "identifier": system_property},
        "destination": {"type": "environment-variable", "identifier": SITE_KEY_VARIABLE},
    }


def site_key_secrets(command: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The secrets of a command that bring the site key; of their values a server tells nothing."""
    wanted = site_key_secret("")["destination"]
    found = command.get("secrets") or []
    return [one for one in found if isinstance(one, Mapping) and _plain(one.get("destination")) == wanted]


def _plain(value: Any) -> Any:
    return {name: part for name, part in value.items() if part is not None} if isinstance(value, Mapping) else value


def _differences(wanted: Any, stored: Any, where: str) -> Iterator[str]:
    if isinstance(wanted, dict) and isinstance(stored, dict):
        for key in [*wanted, *(key for key in stored if key not in wanted)]:
            yield from _differences(wanted.get(key), stored.get(key), f"{where}.{key}" if where else str(key))
    elif wanted != stored:
        yield where


def _normal(value: Any, key: str) -> Any:
    """Without numbers, nulls and defaults; lists of named things by their names, other lists sorted."""
    if isinstance(value, Mapping):
        return {name: part for name, part in _parts(value, key) if part not in (None, {}, [])}
    if isinstance(value, Sequence) and not isinstance(value, str):
        if all(isinstance(one, Mapping) and one.get("name") for one in value):
            return {str(one["name"]): _normal(one, key) for one in value}
        return sorted((_normal(one, key) for one in value), key=repr)
    return value


def _parts(mapping: Mapping[str, Any], inside: str) -> Iterator[tuple[str, Any]]:
    if inside in _FREE_KEYS:
        yield from mapping.items()
        return
    for name, value in mapping.items():
        if name in _NOT_COMPARED or value is None or _is_default(name, value, mapping, inside):
            continue
        yield name, _normal(value, name)


def _is_default(name: str, value: Any, mapping: Mapping[str, Any], inside: str) -> bool:
    if value == "" and name not in _MEANT_EMPTY:
        return True
    match name:
        case "required":
            return bool(value == _REQUIRED.get(inside))
        case "replacement-key":
            return bool(value == f"#{mapping.get('name')}#")
        case "type" if inside:
            return bool(value == _INPUT_TYPE)
    return name in _DEFAULTS and value == _DEFAULTS[name]
