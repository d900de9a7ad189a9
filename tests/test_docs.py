"""The documentation is held to the program: every option, variable, code, criterion and example."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from xnat_pixelanon.archive import XnatLocation
from xnat_pixelanon.archive.project_files import DOCUMENTS as DOCUMENTS_RESOURCE
from xnat_pixelanon.cli.main import EXIT_STATUS, cli
from xnat_pixelanon.domain.changes import ON_CHANGE
from xnat_pixelanon.domain.codes import CODES, OUTCOMES, Kind
from xnat_pixelanon.domain.criteria import CRITERIA
from xnat_pixelanon.domain.documents import SCHEMAS, schema, schema_problems
from xnat_pixelanon.domain.policy import Policy
from xnat_pixelanon.domain.templates import TemplateSet
from xnat_pixelanon.headers.carriers import CARRIERS
from xnat_pixelanon.pipeline.launching import VARIABLES
from xnat_pixelanon.pixels.routes import EDITS, ROUTES, TransferSyntax

ROOT = Path(__file__).parent.parent
REFERENCE = (ROOT / "docs" / "reference.md").read_text("utf-8")
README = (ROOT / "README.md").read_text("utf-8")
DOCUMENTS = sorted(ROOT.glob("*.md")) + sorted((ROOT / "docs").rglob("*.md"))


def commands(group: click.Group, *path: str) -> Iterator[tuple[str, click.Command]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, *path, name)
        else:
            yield " ".join((*path, name)), command


COMMANDS = dict(commands(cli))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_each_of_its_options_is_documented_and_has_help(name: str) -> None:
    section = re.search(rf"^### `{name}`\n(.*?)(?=^##|\Z)", REFERENCE, re.DOTALL | re.MULTILINE)
    assert section, f"docs/reference.md has no section for {name}"
    assert COMMANDS[name].help
    for parameter in COMMANDS[name].params:
        for option in parameter.opts:
            assert f"`{option if option.startswith('-') else option.upper()}" in section[1], (name, option)


def table_rows(heading: str) -> dict[str, list[str]]:
    section = REFERENCE.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    rows = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("| `")]
    return {cells[0].strip().strip("`"): [cell.strip() for cell in cells[1:]] for cells in rows}


def test_the_table_of_codes_is_the_programs() -> None:
    assert table_rows("Decisions and codes") == {
        name: [code.kind.value, code.meaning, code.remedy] for name, code in CODES.items()
    }
    assert {code.kind for code in CODES.values()} == set(Kind)


def test_the_table_of_outcomes_is_the_programs() -> None:
    assert table_rows("Session outcomes") == {
        outcome.value: [text.meaning, text.remedy] for outcome, text in OUTCOMES.items()
    }


def test_what_each_on_change_does_is_told_in_the_programs_words() -> None:
    rows = re.findall(r"^  \| `([a-z]+)` \| (.*) \|$", REFERENCE, re.MULTILINE)
    assert dict(rows) == ON_CHANGE


def test_the_table_of_criteria_is_the_programs() -> None:
    assert table_rows("Criteria") == {name: [criterion.keyword, criterion.help] for name, criterion in CRITERIA.items()}


def test_the_table_of_transfer_syntaxes_is_the_programs() -> None:
    def written(row: TransferSyntax) -> str:
        if row.recoded in ("", row.uid):
            return "itself"
        other = ROUTES[row.recoded].name
        return f"itself; where that cannot be done exactly, {other}" if row.edit == "jpeg-dct" else other

    assert table_rows("Transfer syntaxes") == {
        uid: [row.name, EDITS[row.edit], written(row)] for uid, row in ROUTES.items()
    }


def test_every_carrier_that_the_report_may_name_is_documented() -> None:
    section = " ".join(REFERENCE.split("## Reports\n", 1)[1].split())
    assert [name for name in CARRIERS if name not in section] == []


def test_the_table_of_exit_statuses_is_the_programs() -> None:
    assert table_rows("Exit status") == {str(status): [text] for status, text in EXIT_STATUS.items()}


def test_every_environment_variable_of_the_program_is_documented() -> None:
    paths = [path for path in (ROOT / "xnat_pixelanon").rglob("*.py") if "sandbox" not in path.parts]
    used = set(
        re.findall(r"\b(?:PIXELANON|XNAT)_[A-Z][A-Z_]*[A-Z]\b", "".join(path.read_text("utf-8") for path in paths))
    )
    location = XnatLocation("P")
    assert used - {DOCUMENTS_RESOURCE} | set(location.variables) <= set(table_rows("Environment"))
    assert set(VARIABLES) <= set(table_rows("Environment"))


def examples(kind: str) -> list[object]:
    found = re.findall(rf"```json {kind}\n(.*?)```", "".join(path.read_text("utf-8") for path in DOCUMENTS), re.DOTALL)
    if kind == "line":
        return [json.loads(line) for text in found for line in text.splitlines()]
    return [json.loads(text) for text in found]


@pytest.mark.parametrize("kind", SCHEMAS)
def test_every_json_example_validates_and_each_schema_has_one(kind: str) -> None:
    found = examples(kind)
    assert found
    for example in found:
        assert schema_problems(kind, example) == []


def test_examples_of_templates_and_policy_are_accepted_by_the_program() -> None:
    for example in examples("templates"):
        TemplateSet.from_document(example)
    for example in examples("policy"):
        Policy.from_document(example)


def keys(node: object, definitions: dict[str, object]) -> set[str]:
    if not isinstance(node, dict):
        return set()
    node = definitions.get(str(node.get("$ref", "")).rpartition("/")[2], node) if "$ref" in node else node
    assert isinstance(node, dict)
    found = set(node.get("properties", {}))
    for child in node.get("properties", {}).values():
        found |= keys(child, definitions)
    return found | keys(node.get("items"), definitions)


def used_keys(example: object) -> set[str]:
    if isinstance(example, dict):
        return set(example) | {key for value in example.values() for key in used_keys(value)}
    return {key for item in example for key in used_keys(item)} if isinstance(example, list) else set()


@pytest.mark.parametrize("kind", ["templates", "policy", "receipt", "report"])
def test_the_full_example_shows_every_key_of_its_schema(kind: str) -> None:
    document = schema(kind)
    shown = {key for example in examples(kind) for key in used_keys(example)}
    criteria = set(CRITERIA) if kind == "templates" else set()
    assert keys(document, document.get("$defs", {})) - criteria <= shown


def test_every_line_type_of_json_output_has_an_example() -> None:
    types = {branch["properties"]["type"]["const"] for branch in schema("line")["oneOf"]}
    assert {line["type"] for line in examples("line")} == types  # type: ignore[index]


def test_links_between_documents_lead_somewhere() -> None:
    for document in DOCUMENTS:
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", document.read_text("utf-8")):
            assert (document.parent / target).exists(), f"{document.name} links to {target}"


def test_the_first_screen_of_the_readme_says_what_counts() -> None:
    first = "\n".join(README.splitlines()[:45])
    for text in ("make demo", "make test", "docs/before-after.png", "will not do"):
        assert text in first


def test_the_threat_model_names_tests_that_exist() -> None:
    named = re.findall(r"`(tests/[^`]+)`", (ROOT / "docs" / "threat-model.md").read_text("utf-8"))
    assert named
    assert [path for path in named if not (ROOT / path).exists()] == []
