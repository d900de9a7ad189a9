"""`templates` and `policy`: the documents of a staging project, versioned in its config service."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from xnat_pixelanon.archive import (
    DirLocation,
    Location,
    XnatConnection,
    XnatDocumentStore,
    XnatLocation,
    connect,
    project_exists,
)
from xnat_pixelanon.cli.run import LOCATION
from xnat_pixelanon.errors import ConfigurationError, NotFoundError, RefusedError
from xnat_pixelanon.pipeline.documents import POLICY, TEMPLATES, Document, newest, pulled, switch
from xnat_pixelanon.pipeline.documents import push as push_document
from xnat_pixelanon.pipeline.rules import key_fingerprint

FILE = click.Path(dir_okay=False, path_type=Path)
FROM = click.option(
    "--from", "source", type=LOCATION, required=True, metavar="xnat:PROJECT", help="The staging project."
)


@click.group()
def templates() -> None:
    """The staging project's templates: rectangles, looked-at-clean, exclusions, overrides."""


@click.group()
def policy() -> None:
    """The staging project's policy: where copies go, and whether anything may go at all."""


@contextmanager
def stored_in(source: Location) -> Iterator[tuple[XnatDocumentStore, XnatLocation]]:
    """The documents of a project, and where it is; NotFoundError when it cannot be read."""
    with connected(source) as (connection, location):
        yield XnatDocumentStore(connection, location.project), location


@contextmanager
def connected(source: Location) -> Iterator[tuple[XnatConnection, XnatLocation]]:
    """The server of a project, and where it is; NotFoundError when it cannot be read."""
    if isinstance(source, DirLocation):
        raise ConfigurationError("documents are stored in XNAT projects only", hint="give --from xnat:PROJECT")
    with connect(source.credentials(os.environ)) as connection:
        if not project_exists(connection, source.project):
            raise NotFoundError(
                f"project {source.project} is absent, or not readable by this account",
                hint="check its ID (not its title), and the account's access to it",
            )
        yield connection, source


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except OSError as error:
        raise NotFoundError(f"{path} cannot be read: {error.strerror}", hint="check the path and its rights") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path} is not UTF-8 text", hint="save it as UTF-8") from None


def write(path: Path, text: str) -> None:
    try:
        path.write_text(text, "utf-8")
    except OSError as error:
        raise ConfigurationError(
            f"{path} cannot be written: {error.strerror}", hint="give a file in a folder that you may write"
        ) from None


def add_shared(group: click.Group, document: Document) -> None:
    """show, check, pull, push and history are the same for every document."""

    @group.command("show")
    @FROM
    def show(source: Location) -> None:
        """Print the stored document, with who stored it and when on stderr."""
        with stored_in(source) as (store, location):
            stored = newest(store, document)
            _tell_fingerprint(document, store, location)
        click.echo(f"{document.name} version {stored.version}, by {stored.author}, {stored.date}", err=True)
        click.echo(pulled(stored, document), nl=False)

    @group.command("check")
    @click.argument("file", type=FILE)
    def check(file: Path) -> None:
        """Check a file; every error is named with its place in it."""
        document.check(_read(file), str(file))
        click.echo(f"{file} is valid")

    @group.command("pull")
    @FROM
    @click.argument("file", type=FILE)
    @click.option("--force", is_flag=True, help="Overwrite FILE when it exists.")
    def pull(source: Location, file: Path, force: bool) -> None:
        """Write the stored document to FILE, with the version it is based on."""
        if file.exists() and not force:
            raise RefusedError(f"{file} exists", hint="give another name, or --force to overwrite it")
        with stored_in(source) as (store, _):
            stored = newest(store, document)
        write(file, pulled(stored, document))
        click.echo(f"version {stored.version} written to {file}")

    @group.command("push")
    @FROM
    @click.argument("file", type=FILE)
    def push(source: Location, file: Path) -> None:
        """Check FILE and store it as a new version; refused when somebody else stored one since it was pulled."""
        text = _read(file)
        document.check(text, str(file))
        with stored_in(source) as (store, location):
            pushed = push_document(store, location, document, text, str(file))
            _tell_fingerprint(document, store, location)
        if pushed.made_key:
            click.echo(
                "the project's key for pseudonyms and UIDs was made; keep the project's config in your backup", err=True
            )
        click.echo(f"{document.name} stored as version {pushed.version}")

    @group.command("history")
    @FROM
    def history(source: Location) -> None:
        """List the stored versions, newest first."""
        with stored_in(source) as (store, _):
            versions = store.history(document.name)
        table = Table("version", "stored by", "date")
        for one in versions:
            table.add_row(str(one.version), one.author, one.date)
        Console(highlight=False).print(table if versions else f"no {document.name} stored")


def _tell_fingerprint(document: Document, store: XnatDocumentStore, source: XnatLocation) -> None:
    """By which a clean project on a named server accepts what comes from here."""
    found = key_fingerprint(store, source.project) if document is POLICY else None
    if found is not None:
        click.echo(f"fingerprint of the project, for 'accept add': {found}", err=True)


def _switch(source: Location, *, enabled: bool) -> None:
    with stored_in(source) as (store, _):
        version = switch(store, enabled=enabled)
    if version is None:
        click.echo(f"the policy is {'armed' if enabled else 'not armed'} already")
    else:
        click.echo(f"policy {'armed' if enabled else 'disarmed'}: version {version}")


@policy.command("arm")
@FROM
def arm(source: Location) -> None:
    """Allow runs to publish. Look at 'plan' first."""
    _switch(source, enabled=True)


@policy.command("disarm")
@FROM
def disarm(source: Location) -> None:
    """Stop all publishing at once: runs at work stop before their next session."""
    _switch(source, enabled=False)


add_shared(templates, TEMPLATES)
add_shared(policy, POLICY)
