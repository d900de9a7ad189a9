"""From a command, a wrapper and launch values to what a container gets: the resolution of the Container Service.

What it cannot do (children of objects, matchers, JSONPath, outputs, set-up commands) fails the launch, so that no
test passes for the lack of it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from . import cs_objects
from .cs_records import AnyInput, Command, CommandInput, DerivedInput, ExternalInput, Wrapper, blank, key_of
from .cs_templates import for_line, replaced
from .records import User
from .state import State

CS_NAMES = ("XNAT_USER", "XNAT_PASS", "XNAT_HOST", "XNAT_WORKFLOW_ID", "XNAT_EVENT_ID")
_ILLEGAL = (";", "&&", "||", "`", "(")
_JSONPATH = re.compile(r"\^(wrapper:)?.+\^")
_MOUNTABLE = frozenset({"Project", "ProjectAsset", "SubjectAssessor", "Session", "Scan", "Assessor", "Resource"})
# A derived input of another type, or of another parent, has no value.
_UPWARDS = {("Project", "Session"), ("Project", "Subject"), ("Subject", "Session")}
_CHILDREN = frozenset({"Session", "Scan", "Assessor", "Resource", "File", "File[]", "Directory", "ProjectAsset",
                       "SubjectAssessor"})  # fmt: skip


class Unresolved(Exception):
    """The launch fails, with this sentence in its workflow."""


@dataclass(frozen=True, slots=True)
class ResolvedMount:
    """`source` is the archive folder that feeds it; None: a fresh build folder."""

    name: str
    path: str
    writable: bool
    source: str | None
    kind: str = ""
    item: str = ""


@dataclass(frozen=True, slots=True)
class Resolved:
    """`secrets` are never stored; `root` is ID and XSI type of the first XNAT object among the inputs."""

    command: Command
    wrapper: Wrapper
    line: str
    environment: Mapping[str, str]
    secrets: Mapping[str, str]
    mounts: tuple[ResolvedMount, ...]
    working_directory: str
    inputs: Mapping[str, str]
    root: tuple[str, str] | None


@dataclass(slots=True)
class Value:
    value: str | None
    item: Mapping[str, object] | None = None
    children: list[Node] = field(default_factory=list)


@dataclass(slots=True)
class Node:
    entry: AnyInput
    values: list[Value] = field(default_factory=list)

    def all(self) -> Iterator[Node]:
        yield self
        for value in self.values:
            for child in value.children:
                yield from child.all()


@dataclass(slots=True)
class Resolver:
    """One launch. `given` holds its values, of wrapper and command inputs alike, by name."""

    state: State
    user: User
    command: Command
    wrapper: Wrapper
    project: str | None
    given: Mapping[str, str]
    properties: Mapping[str, str]
    plain: dict[str, str] = field(default_factory=dict)
    line: dict[str, str] = field(default_factory=dict)

    def resolve(self) -> Resolved:
        """Raises Unresolved."""
        self._refuse_what_is_not_played()
        nodes = self.tree()
        for node in nodes:
            self._collect(node)
        missing = [node.entry.name for root in nodes for node in root.all() if _missing(node)]
        if missing:
            raise Unresolved(f"Missing values for required inputs: {', '.join(missing)}")
        secrets = self._secrets(nodes)
        command = self.command
        environment = {
            self._text(key): self._text(value) for key, value in command.environment_variables.items()
        }  # fmt: skip
        mounts = tuple(self._mounts(nodes))
        if command.command_line is None:
            raise Unresolved("The command has no command line")
        line = self._text(command.command_line, self.line)
        for name in CS_NAMES:
            if name in environment:
                raise Unresolved(f"Multiple entries with same key: {name}")
        working = self._text(command.working_directory or "")
        return Resolved(command, self.wrapper, line, environment, secrets, mounts, working, self.plain, _root(nodes))

    def _refuse_what_is_not_played(self) -> None:
        if self.wrapper.output_handlers:
            raise Unresolved("This stand-in uploads no outputs")
        for entry in self.wrapper.inputs:
            if not blank(entry.matcher) or not blank(entry.via_setup_command):
                raise Unresolved("This stand-in knows no matchers and no set-up commands")
            if isinstance(entry, DerivedInput) and (entry.multiple or not blank(entry.parser)):
                raise Unresolved("This stand-in knows no multiple values and no parsers")

    # The tree of inputs

    def tree(self) -> list[Node]:
        """Roots of the tree: external inputs, then the command inputs that no wrapper input provides."""
        roots = [self._external(entry) for entry in self.wrapper.external_inputs]
        free = [entry for entry in self.command.inputs if entry.name not in self.wrapper.provided]
        roots += [Node(entry, [self._command_value(entry, None)]) for entry in free]
        for entry in self.command.inputs:
            provider = self._provider(entry.name)
            if provider is not None and not provider.required:
                # Where the optional input has no value, the command line has nothing in place of its key.
                self.line[key_of(entry)] = ""
        return [root for root in roots if root.entry.type != "file" or not blank(root.values[0].value)]

    def _provider(self, name: str) -> ExternalInput | None:
        """The last input that provides a command input's value wins."""
        return next((e for e in reversed(self.wrapper.inputs) if e.provides_value_for_command_input == name), None)

    def _external(self, entry: ExternalInput) -> Node:
        value = self._plain_path(self._given(entry))
        item: Mapping[str, object] | None = None
        if entry.type in cs_objects.XNAT_TYPES and value is not None and value.strip():
            try:
                item = cs_objects.find(self.state, self.user, entry.type, value, self.project)
            except cs_objects.Unauthorized as error:
                raise Unresolved(str(error)) from error
            uri = item.get("uri") if item is not None else None
            value = None if item is None else str(uri) if uri is not None else value
        _refuse_illegal(entry.name, value)
        return self._node(entry, [Value(value, item)])

    def _given(self, entry: AnyInput) -> str | None:
        value = self.given.get(entry.name)
        return entry.default_value if value is None else value

    def _node(self, entry: ExternalInput, values: list[Value]) -> Node:
        for value in values:
            for child in self.wrapper.derived_inputs:
                if child.derived_from_wrapper_input == entry.name:
                    value.children.append(self._node(child, self._derived(child, entry, value)))
            for target in self.command.inputs:
                if self._provider(target.name) is entry:
                    value.children.append(Node(target, [self._command_value(target, value.value)]))
        return Node(entry, values)

    def _derived(self, entry: DerivedInput, parent: ExternalInput, above: Value) -> list[Value]:
        """No value is an empty list."""
        if above.item is None or entry.type in ("boolean", "number", "Config", "file"):
            return []
        found: Mapping[str, object] | None = None
        value: str | None
        if entry.type == "string":
            value = _property(above.item, entry.derived_from_xnat_object_property)
        elif (entry.type, parent.type) in _UPWARDS:
            found = cs_objects.upwards(self.state, entry.type, above.item)
            named = entry.derived_from_xnat_object_property
            value = None if found is None else _property(found, "uri" if blank(named) else named)
        elif entry.type in _CHILDREN:
            raise Unresolved(f"This stand-in derives no {entry.type} from a {parent.type}")
        else:
            return []
        _refuse_illegal(entry.name, value)
        return [] if value is None and found is None else [Value(value, found)]

    def _command_value(self, entry: CommandInput, provided: str | None) -> Value:
        value = self._plain_path(provided if provided is not None else self._given(entry))
        if entry.type == "boolean":
            side = entry.true_value if value is not None and value.lower() == "true" else entry.false_value
            value = value if side is None else side
        _refuse_illegal(entry.name, value)
        return Value(value)

    def _plain_path(self, value: str | None) -> str | None:
        if value is not None and _JSONPATH.search(value):
            raise Unresolved("A value between two ^ is taken for JSONPath, and this stand-in finds nothing by it")
        return value

    # Templates

    def _collect(self, node: Node) -> None:
        entry = node.entry
        if len(node.values) == 1:
            value = node.values[0].value or ""
            self.plain[key_of(entry)] = value
            if isinstance(entry, CommandInput):
                self.line[key_of(entry)] = for_line(entry, value)
            for child in node.values[0].children:
                self._collect(child)
        elif entry.required:
            raise Unresolved(f'Input "{entry.name}" could not be resolved')

    def _text(self, template: str, table: Mapping[str, str] | None = None) -> str:
        table = self.plain if table is None else table
        if not template.strip() or not table:
            return template
        self._plain_path(template)
        return replaced(template, table)

    # Secrets and mounts

    def _secrets(self, nodes: list[Node]) -> dict[str, str]:
        found: dict[str, str] = {}
        for secret in self.command.secrets:
            source = secret.source.identifier if secret and secret.source else None
            target = secret.destination.identifier if secret and secret.destination else None
            if source is None or target is None or source not in self.properties:
                raise Unresolved(f"Could not resolve secret: no system property {source}")
            if target in found:
                raise Unresolved(f"Multiple entries with same key: {target}")
            found[target] = self.properties[source]
        for node in (node for root in nodes for node in root.all()):
            for value in node.values:
                if any(name in (value.value or "") for name in found):
                    raise Unresolved(f'Input "{node.entry.name}" refers to the destination of a secret')
        return found

    def _mounts(self, nodes: list[Node]) -> Iterator[ResolvedMount]:
        feeds: dict[str, Node] = {}
        for node in (node for root in nodes for node in root.all()):
            if isinstance(node.entry, ExternalInput) and node.entry.provides_files_for_command_mount:
                feeds[node.entry.provides_files_for_command_mount] = node
        for mount in self.command.mounts:
            path = self._text(mount.path or "")
            if not path.startswith("/"):
                raise Unresolved(f'Path of mount "{mount.name}" is not absolute')
            fed = feeds.get(mount.name)
            if fed is None:
                yield ResolvedMount(mount.name, path, True, None)
                continue
            kind = fed.entry.type
            item = fed.values[0].item if len(fed.values) == 1 else None
            if kind not in _MOUNTABLE or item is None or blank(_property(item, "directory")):
                raise Unresolved(f'Input "{fed.entry.name}" cannot provide files for mount "{mount.name}"')
            yield ResolvedMount(
                mount.name, path, mount.writable, str(item["directory"]), kind, str(item.get("id", ""))
            )  # fmt: skip


def _property(item: Mapping[str, object], name: str | None) -> str | None:
    value = item.get(name or "")
    if value is None or isinstance(value, str):
        return value
    return None if isinstance(value, list | dict) else json.dumps(value)


def _missing(node: Node) -> bool:
    return node.entry.required and all(value.value is None for value in node.values)


def _refuse_illegal(name: str, value: str | None) -> None:
    for bad in _ILLEGAL:
        if value is not None and bad in value:
            raise Unresolved(f'Input "{name}" has a value containing illegal string "{bad}".')


def _root(nodes: list[Node]) -> tuple[str, str] | None:
    items = [n.values[0].item for n in nodes if isinstance(n.entry, ExternalInput) and n.values[0].item is not None]
    return (str(items[0].get("id")), str(items[0].get("xsiType"))) if len(items) == 1 and items[0] else None
