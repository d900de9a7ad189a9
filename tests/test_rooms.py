"""The arrows between rooms: who may import whom."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "xnat_pixelanon"
NAME = "xnat_pixelanon"

MAY_IMPORT = {
    "errors": set(),
    "domain": {"errors", "schemas"},
    "pixels": {"domain", "errors"},
    "headers": {"domain", "errors"},
    "archive": {"domain", "errors"},
    "reports": {"look", "domain", "errors"},
    "install": {"pipeline", "pixels", "headers", "archive", "domain", "errors"},
    "pipeline": {"pixels", "headers", "archive", "domain", "errors"},
    "review": {"look", "pipeline", "archive", "domain", "errors"},
    "cli": {"pipeline", "install", "review", "exchange", "reports", "pixels", "headers", "archive", "domain", "errors"},
    "exchange": {"headers", "domain", "errors"},
    "schemas": set(),
    "look": set(),
}
"""The sandbox stands outside: it is imported lazily by the demo and sandbox verbs and by nothing else."""

MODULES = sorted(path for path in PACKAGE.rglob("*.py") if "sandbox" not in path.relative_to(PACKAGE).parts[0])


def room_of(module: str) -> str:
    return module.removeprefix(f"{NAME}.").split(".")[0]


def imports(tree: ast.AST) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names if node.module == NAME}
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_room_imports_only_what_lies_below_it(path: Path) -> None:
    room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    if room in ("__init__", "__main__"):
        return
    tree = ast.parse(path.read_text("utf-8"))
    own = {name for name in imports(tree) if name.startswith(f"{NAME}.")}
    if room == "cli" and path.name == "sandbox.py":
        at_import = {
            name
            for node in tree.body
            for name in imports(ast.Module([node], []))
            if not isinstance(node, ast.FunctionDef)
        }
        assert not any(room_of(name) == "sandbox" for name in at_import), "the sandbox is imported lazily"
        own = {name for name in own if room_of(name) != "sandbox"}
    wrong = {name for name in own if room_of(name) not in MAY_IMPORT[room] | {room, "__version__"}}
    assert not wrong


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_only_the_connection_imports_the_xnat_client(path: Path) -> None:
    names = {name.split(".")[0] for name in imports(ast.parse(path.read_text("utf-8")))}
    assert "xnat" not in names or path.relative_to(PACKAGE) == Path("archive/connection.py")


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_module_is_longer_than_a_room_should_be(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) <= 400


def test_the_domain_needs_nothing_but_the_standard_library_and_jsonschema() -> None:
    import sys

    for path in (PACKAGE / "domain").glob("*.py"):
        names = {name.split(".")[0] for name in imports(ast.parse(path.read_text("utf-8")))}
        assert names <= set(sys.stdlib_module_names) | {NAME, "jsonschema"}, path.name


def test_the_entry_point_which_each_worker_imports_too_brings_nothing_but_itself() -> None:
    import subprocess
    import sys
    import tomllib

    project = tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["scripts"] == {NAME.replace("_", "-"): f"{NAME}.__main__:main"}
    listing = f"import sys, {NAME}.__main__; print(*(name for name in sys.modules if name.startswith('{NAME}')))"
    found = subprocess.run([sys.executable, "-c", listing], capture_output=True, text=True, check=True).stdout.split()
    assert found == [NAME, f"{NAME}.__main__"]
