"""`accept`: from which staging projects a clean project takes what a service account sends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from xnat_pixelanon.archive import Location, XnatDocumentStore, XnatLocation
from xnat_pixelanon.cli.documents import stored_in
from xnat_pixelanon.cli.run import LOCATION
from xnat_pixelanon.domain import accepts as accepts_document
from xnat_pixelanon.domain.accepts import Accepts
from xnat_pixelanon.errors import NotFoundError
from xnat_pixelanon.pipeline.documents import put
from xnat_pixelanon.pipeline.rules import key_fingerprint

_Command = Callable[..., Any]
_TO = click.option(
    "--to", "clean", type=LOCATION, required=True, metavar="xnat:PROJECT[@NAME]", help="The clean project."
)
_WHICH = (
    click.argument("fingerprint", required=False),
    click.option(
        "--from", "source", type=LOCATION, metavar="xnat:STAGING", help="Take the fingerprint of this staging project."
    ),
)


def _which(command: _Command) -> _Command:
    for option in reversed(_WHICH):
        command = option(command)
    return command


@click.group()
def accept() -> None:
    """The staging projects that a clean project takes from, where the container sends by a service account."""


@accept.command("list")
@_TO
def list_(clean: Location) -> None:
    """Print the fingerprints that the clean project accepts, each with its note."""
    with stored_in(clean) as (store, location):
        accepts, version = _newest(store, location)
    if version is None:
        click.echo(f"no {accepts_document.DOCUMENT} stored")
        return
    table = Table("fingerprint", "note")
    for one in accepts.entries:
        table.add_row(one.fingerprint, one.note)
    Console(highlight=False).print(table if accepts.entries else "nothing is accepted")


@accept.command("add")
@_TO
@_which
@click.option("--note", default="", help="For people. Stored on the clean side: name nothing of staging.")
def add(clean: Location, fingerprint: str | None, source: Location | None, note: str) -> None:
    """Accept what is sent from the staging project with this FINGERPRINT.

    \b
    xnat-pixelanon accept add --to xnat:CLEAN@PUBLIC --from xnat:STAGING
    """
    wanted = _fingerprint(fingerprint, source)
    with stored_in(clean) as (store, location):
        accepts, version = _newest(store, location)
        new = accepts.with_added(wanted, note)
        text = new.text()
        if new == accepts:
            click.echo(f"{location.project} accepts {wanted} already")
            return
        stored = put(store, accepts_document.DOCUMENT, text, version)
    click.echo(f"{location.project} accepts {wanted}: {accepts_document.DOCUMENT} version {stored}")


@accept.command("remove")
@_TO
@_which
def remove(clean: Location, fingerprint: str | None, source: Location | None) -> None:
    """Accept nothing more from the staging project with this FINGERPRINT.

    A run at work stops before its next session comes to be. What was published stays.
    """
    wanted = _fingerprint(fingerprint, source)
    with stored_in(clean) as (store, location):
        accepts, version = _newest(store, location)
        if wanted not in accepts:
            raise NotFoundError(
                f"{accepts_document.DOCUMENT} of {location.text} does not list that fingerprint",
                hint="look at 'accept list'",
            )
        stored = put(store, accepts_document.DOCUMENT, accepts.without(wanted).text(), version)
    click.echo(f"{location.project} no longer accepts {wanted}: {accepts_document.DOCUMENT} version {stored}")


def _newest(store: XnatDocumentStore, location: XnatLocation) -> tuple[Accepts, int | None]:
    stored = store.load(accepts_document.DOCUMENT)
    if stored is None:
        return Accepts(), None
    return Accepts.from_text(stored.text, f"{accepts_document.DOCUMENT} of {location.text}"), stored.version


def _fingerprint(typed: str | None, source: Location | None) -> str:
    if (typed is None) == (source is None):
        raise click.UsageError("give either a FINGERPRINT or --from xnat:STAGING")
    if source is None:
        return typed or ""
    with stored_in(source) as (store, location):
        found = key_fingerprint(store, location.project)
    if found is None:
        raise NotFoundError(
            f"{location.text} has no key yet", hint="the first 'policy push' of the staging project makes it"
        )
    return found
