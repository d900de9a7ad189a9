"""Commands of the Container Service as it keeps them: the keys of command.json, their types and defaults."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field


@dataclass(slots=True)
class Mount:
    name: str = ""
    path: str | None = None
    writable: bool = False


@dataclass(slots=True)
class SecretEnd:
    """One end of a secret; `type` is `system-property` for a source, `environment-variable` for a destination."""

    type: str
    identifier: str | None = None


@dataclass(slots=True)
class Secret:
    source: SecretEnd | None = None
    destination: SecretEnd | None = None


@dataclass(slots=True)
class CommandInput:
    name: str
    label: str | None = None
    description: str | None = None
    type: str = "string"
    required: bool = False
    matcher: str | None = None
    default_value: str | None = None
    replacement_key: str | None = None
    sensitive: bool | None = None
    command_line_flag: str | None = None
    command_line_separator: str | None = None
    true_value: str | None = None
    false_value: str | None = None
    select_values: list[str] = field(default_factory=list)
    multiple_delimiter: str | None = None


@dataclass(slots=True)
class ExternalInput:
    name: str
    label: str | None = None
    description: str | None = None
    type: str = "string"
    required: bool = True
    matcher: str | None = None
    default_value: str | None = None
    replacement_key: str | None = None
    sensitive: bool | None = None
    provides_value_for_command_input: str | None = None
    provides_files_for_command_mount: str | None = None
    via_setup_command: str | None = None
    user_settable: bool | None = None
    load_children: bool = True


@dataclass(slots=True)
class DerivedInput(ExternalInput):
    derived_from_wrapper_input: str | None = None
    derived_from_xnat_object_property: str | None = None
    multiple: bool = False
    parser: str | None = None


WrapperInput = ExternalInput | DerivedInput
AnyInput = CommandInput | ExternalInput | DerivedInput


@dataclass(slots=True)
class Output:
    name: str | None = None
    description: str | None = None
    required: bool = False
    mount: str | None = None
    path: str | None = None
    glob: str | None = None


@dataclass(slots=True)
class Handler:
    name: str | None = None
    accepts_command_output: str | None = None
    via_wrapup_command: str | None = None
    as_a_child_of: str | None = None
    type: str = "Resource"
    xsi_type: str | None = None
    label: str | None = None
    format: str | None = None
    description: str | None = None
    content: str | None = None
    tags: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Wrapper:
    """An entry of a menu. `id` is given on creation and survives updates of its command."""

    name: str = ""
    label: str | None = None
    description: str | None = None
    contexts: list[str] = field(default_factory=list)
    external_inputs: list[ExternalInput] = field(default_factory=list)
    derived_inputs: list[DerivedInput] = field(default_factory=list)
    output_handlers: list[Handler] = field(default_factory=list)
    id: int = 0

    @property
    def inputs(self) -> list[WrapperInput]:
        return [*self.external_inputs, *self.derived_inputs]

    @property
    def provided(self) -> frozenset[str]:
        """Names of the command inputs that get their value from an input of this wrapper."""
        return frozenset(i.provides_value_for_command_input or "" for i in self.inputs) - {""}


@dataclass(slots=True)
class Command:
    name: str | None = None
    label: str | None = None
    description: str | None = None
    version: str | None = None
    schema_version: str | None = None
    info_url: str | None = None
    image: str | None = None
    container_name: str | None = None
    type: str = "docker"
    index: str | None = None
    hash: str | None = None
    working_directory: str | None = None
    command_line: str | None = None
    command_metadata: object = None
    override_entrypoint: bool | None = None
    mounts: list[Mount] = field(default_factory=list)
    environment_variables: dict[str, str] = field(default_factory=dict)
    ports: dict[str, str] = field(default_factory=dict)
    inputs: list[CommandInput] = field(default_factory=list)
    outputs: list[Output] = field(default_factory=list)
    xnat: list[Wrapper] = field(default_factory=list)
    reserve_memory: int | None = None
    limit_memory: int | None = None
    limit_cpu: float | None = None
    runtime: str | None = None
    ipc_mode: str | None = None
    auto_remove: bool | None = None
    shm_size: int | None = None
    network: str | None = None
    container_labels: dict[str, str] = field(default_factory=dict)
    gpus: str | None = None
    generic_resources: dict[str, str] = field(default_factory=dict)
    ulimits: dict[str, str] = field(default_factory=dict)
    secrets: list[Secret | None] = field(default_factory=list)
    visibility: str = "public"
    id: int = 0


def json_key(name: str) -> str:
    return name.replace("_", "-")


def as_document(record: object) -> object:
    """A record as the service answers it; what is not set is left out."""
    if dataclasses.is_dataclass(record) and not isinstance(record, type):
        pairs = ((f.name, getattr(record, f.name)) for f in dataclasses.fields(record))
        return {json_key(name): as_document(value) for name, value in pairs if value is not None}
    if isinstance(record, list):
        return [as_document(one) for one in record]
    return record


def key_of(entry: AnyInput) -> str:
    """What stands for the value of an input in templates."""
    if entry.replacement_key is None or not entry.replacement_key.strip():
        return f"#{entry.name}#"
    return entry.replacement_key


def blank(text: str | None) -> bool:
    return text is None or not text.strip()
