"""Every reason for which the Container Service refuses a command that could be bound (400, all reasons at once)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator

from .cs_records import Command, CommandInput, DerivedInput, ExternalInput, Handler, Wrapper, WrapperInput, blank

TAGGED = re.compile(r".+:[A-Za-z0-9_.-]+")
_BAD_NAME = re.compile(r"[^A-Za-z0-9_-]")
_RESERVED = frozenset({"XNAT_USER", "XNAT_PASS", "XNAT_HOST"})
_TYPES = ("docker", "docker-setup", "docker-wrapup")
_VISIBILITIES = ("public", "private", "protected")
_DELIMITERS = ("quoted-space", "space", "comma", "flag")
_SELECTS = ("select-one", "select-many")
_WRAPPER_TYPES = frozenset({
    "string", "boolean", "number", "Directory", "File[]", "File", "Project", "ProjectAsset", "Subject",
    "SubjectAssessor", "Session", "Scan", "Assessor", "Resource", "Config", "file",
})  # fmt: skip
_HANDLER_TYPES = ("Resource", "Assessor", "Scan")
_WIDTH = 255
_LONG_KEYS = frozenset({"description", "command_line", "default_value", "command_metadata"})


class ValidationCrash(Exception):
    """The validation itself throws on such a command: the answer is a 500."""


class TooLong(Exception):
    """A string does not fit its column of the database: the save fails."""


def problems(command: Command) -> list[str]:
    """Every rejection, none for a good command. Raises ValidationCrash where the real one does."""
    found: list[str] = []
    if blank(command.name):
        found.append("Command name cannot be blank.")
    if blank(command.image):
        found.append("Image name cannot be blank.")
    elif not TAGGED.fullmatch(command.image or ""):
        found.append("Image name must include a version tag.")
    if command.type == "docker":
        found += _docker(command)
    elif command.type in _TYPES:
        names = ("mounts", "inputs", "outputs", "xnat", "environment_variables", "ports", "secrets")
        found += [f"A {command.type} command cannot have {name}." for name in names if getattr(command, name)]
    else:
        found.append(f"Unknown command type {command.type}.")
    if command.visibility not in _VISIBILITIES:
        found.append(f"Unknown visibility {command.visibility}.")
    return found


def _docker(command: Command) -> Iterator[str]:
    for name, limit in command.ulimits.items():
        if limit == "" or len(limit.rstrip(":").split(":")) > 2:
            yield f'Ulimit {name} is not "soft:hard" or "limit".'
    yield from _secrets(command)
    mounts = [mount.name for mount in command.mounts]
    yield from _repeated("Mount", mounts)
    for mount in command.mounts:
        if blank(mount.name):
            yield "Mount name cannot be blank."
        if blank(mount.path):
            yield f'Path of mount "{mount.name}" cannot be blank.'
    yield from _repeated("Command input", [entry.name for entry in command.inputs])
    for entry in command.inputs:
        yield from _command_input(entry)
    outputs: list[str] = []
    for output in command.outputs:
        if output.name is None:
            raise ValidationCrash("an output has no name")
        outputs.append(output.name)
        if output.mount not in mounts:
            yield f'Output "{output.name}" references unknown mount "{output.mount}".'
        if blank(output.mount):
            yield f'Mount of output "{output.name}" cannot be blank.'
        yield from _name("Output", output.name)
    yield from _repeated("Output", outputs)
    yield from _repeated("Wrapper", [wrapper.name for wrapper in command.xnat])
    for wrapper in command.xnat:
        yield from (f'Wrapper "{wrapper.name}" - {text}' for text in _wrapper(command, wrapper, outputs))


def _secrets(command: Command) -> Iterator[str]:
    destinations: set[str | None] = set()
    for secret in command.secrets:
        if secret is None or secret.destination is None:
            raise ValidationCrash("a secret is null or has no destination")
        destinations.add(secret.destination.identifier)
    for name in sorted(destinations & _RESERVED, key=str):
        yield f"A secret uses the reserved environment variable {name}."
    for name in sorted(destinations & set(command.environment_variables), key=str):
        yield f"A secret and environment-variables both set {name}."


def _repeated(kind: str, names: Iterable[str]) -> Iterator[str]:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            yield f'{kind} name "{name}" is not unique.'
        seen.add(name)


def _name(kind: str, name: str) -> Iterator[str]:
    if blank(name):
        yield f"{kind} name cannot be blank."
    if _BAD_NAME.search(name):
        yield f'{kind} name "{name}" may have only letters, digits, _ and -.'


def strings(text: str) -> list[str | None] | None:
    """A JSON list of scalars as strings; None when the text is no such list."""
    try:
        value = json.loads(text)
    except ValueError:
        return None
    if not isinstance(value, list) or any(isinstance(one, list | dict) for one in value):
        return None
    return [one if one is None or isinstance(one, str) else json.dumps(one) for one in value]


def _command_input(entry: CommandInput) -> Iterator[str]:
    yield from _name("Command input", entry.name)
    if entry.multiple_delimiter is not None and entry.multiple_delimiter not in _DELIMITERS:
        yield f'Multiple-delimiter of "{entry.name}" is unknown.'
    choices, default = entry.select_values, entry.default_value
    if entry.type in _SELECTS and not choices:
        yield f'Command input "{entry.name}" is of a select type and has no select-values.'
    elif entry.type not in _SELECTS and choices:
        yield f'Command input "{entry.name}" has select-values and is not of a select type.'
    if entry.type == "select-many":
        if default is None:
            raise ValidationCrash("a select-many input has no default-value")
        if (many := strings(default)) is not None:
            if many and choices and not set(many) <= set(choices):
                yield f'A default value of "{entry.name}" is not among its select-values.'
            return
    if default is not None and choices and default not in choices:
        yield f'The default value of "{entry.name}" is not among its select-values.'


def _wrapper(command: Command, wrapper: Wrapper, outputs: list[str]) -> Iterator[str]:
    if blank(wrapper.name):
        yield "name cannot be blank."
    selects = {entry.name for entry in command.inputs if entry.type in _SELECTS or entry.select_values}
    known: dict[str, WrapperInput] = {}
    for entry in wrapper.inputs:
        if entry.name in known:
            yield f'input name "{entry.name}" is not unique.'
        if isinstance(entry, DerivedInput):
            above = set(known) | {entry.name}
            yield from _derived(entry, above)
        known.setdefault(entry.name, entry)
        if entry.provides_value_for_command_input in selects:
            yield f'input "{entry.name}" provides the value of a command input of a select type.'
        yield from _wrapper_input(entry)
    yield from _handlers(wrapper.output_handlers, known, outputs)


def _derived(entry: DerivedInput, above: set[str]) -> Iterator[str]:
    parent = entry.derived_from_wrapper_input
    if parent == entry.name:
        yield f'input "{entry.name}" is derived from itself.'
    if parent not in above:
        yield f'input "{entry.name}" is derived from "{parent}", which is not an input above it.'
    if blank(parent):
        yield f'derived-from-wrapper-input of "{entry.name}" cannot be blank.'
    if entry.multiple and not blank(entry.provides_files_for_command_mount):
        yield f'input "{entry.name}" has multiple values and cannot provide files for a mount.'
    if entry.multiple and blank(entry.provides_value_for_command_input):
        yield f'input "{entry.name}" has multiple values and must provide them for a command input.'


def _wrapper_input(entry: ExternalInput) -> Iterator[str]:
    yield from _name("input", entry.name)
    if entry.type not in _WRAPPER_TYPES:
        yield f'type "{entry.type}" of input "{entry.name}" is unknown.'
    if not blank(entry.via_setup_command) and blank(entry.provides_files_for_command_mount):
        yield f'input "{entry.name}" has a via-setup-command and provides no files for a mount.'


def _handlers(handlers: list[Handler], known: dict[str, WrapperInput], outputs: list[str]) -> Iterator[str]:
    above: set[str] = set()
    for handler in handlers:
        if handler.name is None:
            raise ValidationCrash("an output handler has no name")
        target = known.get(handler.as_a_child_of or "")
        if handler.accepts_command_output not in outputs:
            yield f'handler "{handler.name}" refers to an unknown output "{handler.accepts_command_output}".'
        if target is None and handler.as_a_child_of not in above:
            yield f'as-a-child-of "{handler.as_a_child_of}" is neither an input nor a handler above it.'
        if isinstance(target, DerivedInput):
            if target.multiple:
                yield f'as-a-child-of "{target.name}" has multiple values.'
            if target.derived_from_xnat_object_property not in (None, "uri"):
                yield f'as-a-child-of "{target.name}" has a value that is no URI.'
        if handler.name in above:
            yield f'handler name "{handler.name}" is not unique.'
        above.add(handler.name)
        if blank(handler.accepts_command_output):
            yield f'accepts-command-output of "{handler.name}" cannot be blank.'
        if blank(handler.as_a_child_of):
            yield f'as-a-child-of of "{handler.name}" cannot be blank.'
        if handler.type not in _HANDLER_TYPES:
            yield f'type "{handler.type}" of handler "{handler.name}" is unknown.'
        if handler.type == "Resource" and blank(handler.label):
            yield f'handler "{handler.name}" makes a resource and needs a label.'
        yield from _name("handler", handler.name)
    handled = {handler.accepts_command_output for handler in handlers}
    for output in sorted(set(outputs) - handled):
        yield f'command output "{output}" is not handled by any handler.'


def check_widths(record: object) -> None:
    """Raises TooLong for a string of more than 255 characters in any column but the long ones."""
    if isinstance(record, str):
        if len(record) > _WIDTH:
            raise TooLong("value too long for type character varying(255)")
    elif isinstance(record, list):
        for one in record:
            check_widths(one)
    elif isinstance(record, dict):
        for key, one in record.items():
            check_widths(key)
            check_widths(one)
    elif hasattr(record, "__dataclass_fields__"):
        for name in record.__dataclass_fields__:
            if name not in _LONG_KEYS:
                check_widths(getattr(record, name))
