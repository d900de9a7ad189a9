"""The commands that a site has registered, and where their wrappers are enabled and how configured."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from .accounts import rights
from .cs_bind import bind_command
from .cs_records import AnyInput, Command, CommandInput, DerivedInput, ExternalInput, Wrapper, blank
from .cs_validate import TAGGED, check_widths, problems
from .records import User
from .state import State
from .wire import Refusal

SITE = ""
_Input = TypeVar("_Input", CommandInput, ExternalInput, DerivedInput)


class DuplicateKey(Exception):
    """Two inputs of one name, one of the wrapper and one of the command: its configuration cannot be read."""


@dataclass(slots=True)
class Configuration:
    """Of one wrapper, for the site or one project. `inputs` holds what was sent, by name of the input."""

    enabled: bool = False
    inputs: dict[str, dict[str, object]] = field(default_factory=dict)
    outputs: dict[str, dict[str, object]] = field(default_factory=dict)


@dataclass(slots=True)
class Commands:
    """Guarded by the lock of the state. Configurations are kept by wrapper ID and project ("" for the site)."""

    state: State
    commands: dict[int, Command] = field(default_factory=dict)
    configurations: dict[tuple[int, str], Configuration] = field(default_factory=dict)

    def create(self, document: object, image: str | None) -> int:
        """Registers a command and gives its ID; raises Refusal, or what binding and validation raise."""
        command = bind_command(document, creating=True)
        if not blank(image):
            command.image = image
        if command.image and not TAGGED.fullmatch(command.image):
            command.image += ":latest"
        with self.state.lock:
            if self._twin(command) is not None:
                raise Refusal(400, "Bad request:\nA command with this name, image and version exists.")
            _refuse_invalid(command)
            check_widths(command)
            command.id = int(self.state.next_id("command"))
            for wrapper in command.xnat:
                wrapper.id = int(self.state.next_id("wrapper"))
            self.commands[command.id] = command
            return command.id

    def update(self, command_id: int, document: object) -> None:
        """Replaces a command in place: wrappers are matched by name and keep their IDs, those left out go."""
        command = bind_command(document, creating=False)
        with self.state.lock:
            old = self.get(command_id)
            command.id = command_id
            _refuse_invalid(command)
            if self._twin(command) not in (None, command_id):
                raise Refusal(500, "could not execute statement: unique constraint on name, image and version")
            check_widths(command)
            ids = {wrapper.name: wrapper.id for wrapper in old.xnat}
            for wrapper in command.xnat:
                wrapper.id = ids.pop(wrapper.name, 0) or int(self.state.next_id("wrapper"))
            self._forget(ids.values())
            self.commands[command_id] = command

    def delete(self, command_id: int) -> None:
        """A command that is not there is deleted as well."""
        with self.state.lock:
            command = self.commands.pop(command_id, None)
            if command is not None:
                self._forget(wrapper.id for wrapper in command.xnat)

    def delete_wrapper(self, wrapper_id: int) -> None:
        with self.state.lock:
            command, wrapper = self.wrapper(wrapper_id)
            command.xnat.remove(wrapper)
            self._forget([wrapper_id])

    def _forget(self, wrappers: Iterable[int]) -> None:
        gone = set(wrappers)
        for key in [key for key in self.configurations if key[0] in gone]:
            del self.configurations[key]

    def _twin(self, command: Command) -> int | None:
        # NULL versions are all different to a database, so that its unique constraint lets them pass.
        if command.version is None:
            return None
        key = (command.name, command.image, command.version)
        return next((c.id for c in self.commands.values() if (c.name, c.image, c.version) == key), None)

    def get(self, command_id: int) -> Command:
        command = self.commands.get(command_id)
        if command is None:
            raise Refusal(404, f"Could not find entity with ID {command_id}")
        return command

    def wrapper(self, wrapper_id: int) -> tuple[Command, Wrapper]:
        for command in self.commands.values():
            for wrapper in command.xnat:
                if wrapper.id == wrapper_id:
                    return command, wrapper
        raise Refusal(404, f"Could not find wrapper with ID {wrapper_id}")

    def wrapper_named(self, command_id: int, name: str) -> tuple[Command, Wrapper]:
        command = self.get(command_id)
        for wrapper in command.xnat:
            if wrapper.name == name:
                return command, wrapper
        raise Refusal(404, f"Command {command_id} has no wrapper {name}")

    def visible(self, user: User) -> list[Command]:
        """All but the private ones that no project of this user has enabled."""
        return [command for command in self.commands.values() if self._shown(user, command)]

    def _shown(self, user: User, command: Command) -> bool:
        if user.admin or command.visibility != "private":
            return True
        ids = {wrapper.id for wrapper in command.xnat}
        return any(
            found.enabled and key[0] in ids and key[1] != SITE and self._reads(user, key[1])
            for key, found in self.configurations.items()
        )

    def _reads(self, user: User, project: str) -> bool:
        found = self.state.projects.get(project)
        return found is not None and "read" in rights(user, found)

    # Where it is enabled, and how configured

    def enabled(self, wrapper_id: int, project: str = SITE) -> bool:
        """For a project: on the site and in the project. What was never configured is not enabled."""
        scopes = {SITE, project}
        found = [self.configurations.get((wrapper_id, scope)) for scope in scopes]
        return all(one is not None and one.enabled for one in found)

    def set_enabled(self, wrapper_id: int, project: str, enabled: bool) -> None:
        with self.state.lock:
            self.wrapper(wrapper_id)
            self.configurations.setdefault((wrapper_id, project), Configuration()).enabled = enabled

    def configure(self, wrapper_id: int, project: str, document: object, enable: bool) -> None:
        """Stores presets; `enable` false leaves the switch as it is."""
        if not isinstance(document, dict):
            raise Refusal(400, "A configuration is an object")
        inputs, outputs = (_presets(document.get(key)) for key in ("inputs", "outputs"))
        with self.state.lock:
            self.wrapper(wrapper_id)
            found = self.configurations.setdefault((wrapper_id, project), Configuration())
            found.inputs, found.outputs = inputs, outputs
            found.enabled = found.enabled or enable

    def unconfigure(self, wrapper_id: int, project: str) -> None:
        """Presets go; the switch stays as it is."""
        with self.state.lock:
            self.wrapper(wrapper_id)
            found = self.configurations.get((wrapper_id, project))
            if found is not None:
                found.inputs, found.outputs = {}, {}

    def projects_with(self, wrapper_id: int) -> list[str]:
        """The projects that have it enabled, whatever the site says."""
        with self.state.lock:
            self.wrapper(wrapper_id)
            found = [key[1] for key, one in self.configurations.items() if key[0] == wrapper_id and one.enabled]
            return sorted(project for project in found if project != SITE)

    def configuration(self, wrapper_id: int, project: str = SITE) -> dict[str, dict[str, object]]:
        """Per input what is in force: command, overridden by the site, overridden by the project."""
        command, wrapper = self.wrapper(wrapper_id)
        result: dict[str, dict[str, object]] = {}
        for entry in configurable(command, wrapper):
            if entry.name in result:
                raise DuplicateKey(f"Multiple entries with same key: {entry.name}")
            settable = getattr(entry, "user_settable", None)
            result[entry.name] = {
                "description": entry.description,
                "type": entry.type,
                "default-value": entry.default_value,
                "matcher": entry.matcher,
                "user-settable": True if settable is None else settable,
                "advanced": False,
                "required": entry.required,
            }
        for scope in dict.fromkeys((SITE, project)):
            found = self.configurations.get((wrapper_id, scope))
            for name, presets in (found.inputs if found else {}).items():
                if name in result:
                    wanted = ("default-value", "matcher", "user-settable", "advanced")
                    result[name].update({k: presets[k] for k in wanted if presets.get(k) is not None})
        return result

    def configured(self, wrapper_id: int, project: str | None) -> tuple[Command, Wrapper]:
        """Copies of a command and a wrapper with the defaults and matchers that are in force."""
        with self.state.lock:
            presets = self.configuration(wrapper_id, project or SITE)
            command, wrapper = self.wrapper(wrapper_id)
            new = dataclasses.replace(
                wrapper,
                external_inputs=[_preset(entry, presets) for entry in wrapper.external_inputs],
                derived_inputs=[_preset(entry, presets) for entry in wrapper.derived_inputs],
            )
            inputs = [e if e.name in wrapper.provided else _preset(e, presets) for e in command.inputs]
            return dataclasses.replace(command, inputs=inputs, xnat=[new]), new


def _preset(entry: _Input, presets: Mapping[str, Mapping[str, object]]) -> _Input:
    """A copy with the default and the matcher that are in force."""
    found = presets[entry.name]
    default, matcher = (None if found[key] is None else str(found[key]) for key in ("default-value", "matcher"))
    return dataclasses.replace(entry, default_value=default, matcher=matcher)


def configurable(command: Command, wrapper: Wrapper) -> list[AnyInput]:
    return [*wrapper.inputs, *(entry for entry in command.inputs if entry.name not in wrapper.provided)]


def _presets(value: object) -> dict[str, dict[str, object]]:
    if value is None:
        return {}
    if not isinstance(value, Mapping) or not all(isinstance(one, Mapping) for one in value.values()):
        raise Refusal(400, "A configuration holds an object per input")
    return {str(name): {str(k): _scalar(k, v) for k, v in one.items()} for name, one in value.items()}


def _scalar(key: str, value: object) -> object:
    if isinstance(value, list | dict):
        raise Refusal(400, f"{key} is not a scalar")
    if key in ("default-value", "matcher") and value is not None and not isinstance(value, str):
        return json.dumps(value)
    return value


def _refuse_invalid(command: Command) -> None:
    found = problems(command)
    if found:
        raise Refusal(400, "\n\t".join(["Invalid command:", *found]))
