"""`headers`: what profile, policy and script would do to the header of a file, element by element."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from xnat_pixelanon.errors import InstanceError
from xnat_pixelanon.headers import ElementTold
from xnat_pixelanon.pipeline.explaining import Explainer, FileTold
from xnat_pixelanon.pipeline.rules import RuleFiles

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_LONGEST = 60
_WIDTH = 140


@click.command("headers")
@click.argument("files", nargs=-1, required=True, type=_FILE)
@click.option("--policy", type=_FILE, help="A policy from a file; without one the Basic Profile.")
@click.option("--script", type=_FILE, help="A DicomEdit script from a file.")
@click.option("--key", type=_FILE, help="The key of pseudonyms and UIDs; without one they are made up.")
@click.option(
    "--show-values", is_flag=True, help="Print the values, before and after: keep what is printed in staging."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object per line on stdout, nothing else there.")
def headers_command(
    files: tuple[Path, ...],
    policy: Path | None,
    script: Path | None,
    key: Path | None,
    show_values: bool,
    as_json: bool,
) -> int:
    """Show for each element of FILES what would happen to it, and by which rule. Nothing is written.

    A rule is a row of the profile's table (E.1-1 X), an option or exception of the policy, a line and column of the
    script, or one of the tool's own: docs/reference.md lists them. Values are not printed unless asked for.

    \b
    xnat-pixelanon headers --policy policy.json --script script.das image.dcm
    """
    explainer = Explainer(RuleFiles(policy=policy, key=key, script=script))
    refused = False
    for path in files:
        told = explainer.tell(path)
        refused |= bool(told.code)
        if as_json:
            _as_json(path, told, show_values=show_values)
        else:
            _as_table(path, told, show_values=show_values)
    return InstanceError.exit_code if refused else 0


def _as_json(path: Path, told: FileTold, *, show_values: bool) -> None:
    if told.code:
        _line({"type": "refused", "file": str(path), "code": told.code, "detail": told.detail})
    for one in told.elements:
        line: dict[str, Any] = {
            "type": "element",
            "file": str(path),
            "path": one.path,
            "keyword": one.keyword,
            "vr": one.vr,
            "action": one.action,
            "rule": one.rule,
        }
        _line(line | ({"before": one.before, "after": one.after} if show_values else {}))


def _line(record: dict[str, Any]) -> None:
    click.echo(json.dumps(record))


def _as_table(path: Path, told: FileTold, *, show_values: bool) -> None:
    console = Console(width=None if sys.stdout.isatty() else _WIDTH, highlight=False)
    if told.code:
        console.print(f"{escape(str(path))}: {told.code}: {escape(told.detail)}")
        return
    names = ["element", "attribute", "VR", "action", "rule", *(["before", "after"] if show_values else [])]
    table = Table(title=escape(str(path)), box=box.SIMPLE_HEAD, title_justify="left", pad_edge=False)
    for name in names:
        table.add_column(name, overflow="fold")
    for one in told.elements:
        values = [_shown(one.before), _shown(one.after)] if show_values else []
        table.add_row(one.path, one.keyword or _unnamed(one), one.vr, one.action, one.rule, *values)
    console.print(table)


def _unnamed(one: ElementTold) -> str:
    return "private" if int(one.path[-7], 16) % 2 else ""


def _shown(value: str | None) -> str:
    """A value as it may be printed on a terminal: escaped, and cut."""
    if value is None:
        return ""
    plain = value.encode("unicode_escape").decode("ascii") if not value.isprintable() else value
    return escape(plain if len(plain) <= _LONGEST else f"{plain[:_LONGEST]}...")
