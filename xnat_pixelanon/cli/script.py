"""`script`: the project's DicomEdit script, a document beside templates and policy."""

from __future__ import annotations

from pathlib import Path

import click

from xnat_pixelanon.archive import Location, own_script
from xnat_pixelanon.cli.documents import FILE, FROM, add_shared, connected, write
from xnat_pixelanon.errors import DocumentError, NotFoundError, RefusedError
from xnat_pixelanon.pipeline.documents import SCRIPT


@click.group()
def script() -> None:
    """The staging project's DicomEdit script, run over every header before the profile where the policy names it."""


add_shared(script, SCRIPT)


@script.command("import")
@FROM
@click.argument("file", type=FILE)
@click.option("--force", is_flag=True, help="Overwrite FILE when it exists.")
def import_script(source: Location, file: Path, force: bool) -> None:
    """Write the anonymisation script that XNAT itself has for the staging project to FILE, to be looked at and pushed.

    Where it is enabled there it has already run when a session was archived.
    """
    if file.exists() and not force:
        raise RefusedError(f"{file} exists", hint="give another name, or --force to overwrite it")
    with connected(source) as (connection, location):
        found = own_script(connection, location.project)
    if found is None:
        raise NotFoundError(
            f"project {location.project} has no anonymisation script of its own in XNAT",
            hint="write one: docs/dicomedit.md is the manual",
        )
    write(file, found.text)
    click.echo(f"written to {file}")
    try:
        SCRIPT.check(found.text, str(file))
    except DocumentError as error:
        click.echo(f"it cannot be run as it is: {error.message}", err=True)
    if found.enabled:
        click.echo(
            "warning: XNAT runs this script when a session of the project is archived. Run again, dates would be "
            "shifted twice and UIDs mapped twice: disable it there, or take such lines out of the file",
            err=True,
        )
