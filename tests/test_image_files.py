"""What the image is made from is in step with the package, and the tests run with the versions that it has."""

from __future__ import annotations

import json
import re
import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from image import label
from xnat_pixelanon import __version__
from xnat_pixelanon.install.commands import LABEL, commands

ROOT = Path(__file__).parent.parent
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
LOCK = dict(re.findall(r"^([a-z0-9.-]+)==([^ ;]+)", (ROOT / "image/runtime.lock").read_text("utf-8"), re.MULTILINE))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def test_the_labels_in_the_dockerfile_are_those_of_the_command_files() -> None:
    assert label.written(DOCKERFILE) == DOCKERFILE, "run `make label`"


def test_a_builder_reads_the_commands_from_the_dockerfile_as_they_are() -> None:
    joined = DOCKERFILE.replace("\\\n", "")  # a builder joins lines first, then takes what is quoted as it is
    (value,) = re.findall(rf"^LABEL {re.escape(LABEL)}='([^']*)'$", joined, re.MULTILINE)
    assert json.loads(value) == list(commands().values())
    assert {command["image"] for command in json.loads(value)} == {f"xnat-pixelanon:{__version__}"}
    assert not [line for line in DOCKERFILE.splitlines() if len(line) > 8000]


def test_the_lock_has_all_that_the_package_needs() -> None:
    for requirement in map(Requirement, PROJECT["dependencies"]):
        assert LOCK[canonicalize_name(requirement.name)] in requirement.specifier, requirement.name


@pytest.mark.parametrize("name", LOCK)
def test_tests_run_with_the_versions_of_the_image(name: str) -> None:
    try:
        installed = version(name)
    except PackageNotFoundError:
        pytest.fail(f"{name} is in image/runtime.lock and not in this environment: remove it and run make again")
    assert installed == LOCK[name]


def test_every_file_in_the_locks_has_a_hash() -> None:
    for lock in (ROOT / "image").glob("*.lock"):
        for entry in re.split(r"\n(?=[a-z0-9])", lock.read_text("utf-8"))[1:]:
            assert "--hash=sha256:" in entry, (lock.name, entry)
