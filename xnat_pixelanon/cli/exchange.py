"""`templates import` and `templates export`: rectangles of other tools, in and out."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import click

from xnat_pixelanon.cli.documents import FILE, read, templates, write
from xnat_pixelanon.domain.documents import parse
from xnat_pixelanon.domain.templates import TemplateSet
from xnat_pixelanon.errors import ConfigurationError, RefusedError
from xnat_pixelanon.exchange import FORMATS, free_id

_SIZE = re.compile(r"([0-9]{1,5})[xX]([0-9]{1,5})")
_READ = click.Choice(list(FORMATS))
_WRITE = click.Choice([name for name, one in FORMATS.items() if one.write])


@templates.command("import")
@click.argument("tool", type=_READ)
@click.argument("file", type=FILE)
@click.option("--size", metavar="ROWSxCOLUMNS", help="For rules that do not say for which rows and columns they are.")
@click.option("--into", type=FILE, metavar="TEMPLATES", help="Add them to this templates.json, as it was pulled.")
@click.option("--out", type=FILE, metavar="TEMPLATES", help="Write here, not on stdout; may be the file of --into.")
def import_command(tool: str, file: Path, size: str | None, into: Path | None, out: Path | None) -> None:
    """Make templates of the rectangles in FILE, and say what could not be carried over.

    TOOL is dicomedit (DicomEdit 6 scripts), ctp (pixel scripts of CTP), desktop (templates of XNAT's Desktop Client)
    or deid (recipes of deid). Look at the result, then 'templates push' stores it.
    """
    if out is not None and out.exists() and out != into:
        raise RefusedError(f"{out} exists", hint="give another name, or the same file to --into and --out")
    carried = FORMATS[tool].read(read(file), str(file), _size(size))
    base: dict[str, Any] = {"schema_version": 1, "templates": []}
    if into is not None:
        base = parse(read(into), str(into))
        TemplateSet.from_document(base, str(into))
    known = {one["id"] for one in base["templates"]}
    for one in carried.templates:
        one["id"] = free_id(one["id"], known)
        known.add(one["id"])
    document = base | {"templates": [*base["templates"], *carried.templates]}
    if carried.exclusions:
        document["exclusions"] = [*base.get("exclusions", ()), *carried.exclusions]
    TemplateSet.from_document(document, "what was made of it")
    text = json.dumps(document, indent=1, ensure_ascii=False) + "\n"
    if out is None:
        click.echo(text, nl=False)
    else:
        write(out, text)
    for note in carried.notes:
        click.echo(f"note: {note}", err=True)
    click.echo(f"{len(carried.templates)} templates, {len(carried.exclusions)} exclusions taken over", err=True)


@templates.command("export")
@click.argument("tool", type=_WRITE)
@click.argument("file", type=FILE)
@click.option("--out", type=FILE, metavar="FILE", help="Write here, not on stdout.")
def export_command(tool: str, file: Path, out: Path | None) -> None:
    """Write the rectangles of the templates.json FILE as another tool reads them, and say what it does not say.

    TOOL is dicomedit (a DicomEdit 6 script), ctp (a pixel script of CTP) or desktop (templates of XNAT's Desktop
    Client). 'templates pull' writes the stored templates to a file.
    """
    if out is not None and out.exists():
        raise RefusedError(f"{out} exists", hint="give another name")
    document = parse(read(file), str(file))
    TemplateSet.from_document(document, str(file))
    writer = FORMATS[tool].write
    assert writer is not None  # the choice has no other
    text, notes = writer(document)
    if out is None:
        click.echo(text, nl=False)
    else:
        write(out, text)
    for note in notes:
        click.echo(f"note: {note}", err=True)


def _size(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    found = _SIZE.fullmatch(text)
    if found is None or not (0 < int(found[1]) <= 65535 and 0 < int(found[2]) <= 65535):
        raise ConfigurationError(f"--size {text} is no size", hint="give rows, x, columns, as 768x1024")
    return int(found[1]), int(found[2])
