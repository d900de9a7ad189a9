"""`install`, `uninstall` and `doctor`: the tool in an XNAT's menus and events, and whether all it needs is there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import click

from xnat_pixelanon.archive import DirLocation, Location, XnatLocation, connect
from xnat_pixelanon.cli.run import LOCATION
from xnat_pixelanon.cli.show_install import Rows
from xnat_pixelanon.errors import ConfigurationError
from xnat_pixelanon.install.container_service import Server
from xnat_pixelanon.install.doctor import examine
from xnat_pixelanon.install.installing import Installer, Wish
from xnat_pixelanon.install.steps import Steps
from xnat_pixelanon.install.uninstalling import STAYS, Uninstaller

_JSON = click.option("--json", "as_json", is_flag=True, help="One JSON object per line on stdout, nothing else there.")
_DRY_RUN = click.option(
    "--dry-run", is_flag=True, help="Print each request that would change something; send only reading ones."
)


def _xnat(location: Location | None) -> XnatLocation:
    """The location, without one the server of XNAT_HOST."""
    if isinstance(location, DirLocation):
        raise ConfigurationError("the tool is installed on an XNAT", hint="give xnat:PROJECT")
    return location or XnatLocation("")


@contextmanager
def _server(location: XnatLocation, rows: Rows, *, dry_run: bool) -> Iterator[Server]:
    with connect(location.credentials(os.environ)) as connection:
        yield Server(connection, rows.request if dry_run else None)


@click.command("install")
@click.option("--image", default="", metavar="NAME:TAG", help="Image of the containers. Default: that of this version.")
@click.option("--project", type=LOCATION, metavar="xnat:PROJECT", help="Also enable the tool in this staging project.")
@click.option(
    "--second-server/--same-server",
    default=None,
    help="Where the project's copies will go, while it has no policy that says so.",
)
@click.option("--events", is_flag=True, help="Also publish the project's sessions as they arrive.")
@click.option(
    "--site-key-property",
    default="",
    metavar="NAME",
    help="Java property of XNAT that holds the site key, for containers to have it. Kept later on.",
)
@_DRY_RUN
@_JSON
def install_command(
    image: str,
    project: Location | None,
    second_server: bool | None,
    events: bool,
    site_key_property: str,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Put the tool onto the server of XNAT_HOST: its commands, and in a project its menus and events.

    Looks first and changes only what differs: a second time changes nothing. Does what this account may do, and says
    who may do the rest.

    \b
    xnat-pixelanon install --dry-run
    xnat-pixelanon install --project xnat:STAGING --events
    """
    location = _xnat(project)
    if events and not location.project:
        raise click.UsageError("--events needs --project: a subscription is of one project")
    if second_server is not None and not location.project:
        raise click.UsageError("--second-server and --same-server need --project")
    if image and ":" not in image.rpartition("/")[2]:
        raise click.UsageError("--image needs a tag, as NAME:TAG")
    rows = Rows(as_json=as_json)
    wish = Wish(image, location.project, second_server, events, site_key_property)
    with _server(location, rows, dry_run=dry_run) as server:
        steps = Installer(server, wish, rows.step).run()
    _conclude(rows, steps, "nothing had to be changed")
    return steps.exit_status


@click.command("uninstall")
@click.option("--project", type=LOCATION, metavar="xnat:PROJECT", help="Take the tool out of this staging project.")
@click.option("--site", is_flag=True, help="Also disable it on the site and delete its commands, for all projects.")
@_DRY_RUN
@_JSON
def uninstall_command(project: Location | None, site: bool, dry_run: bool, as_json: bool) -> int:
    """Take away what 'install' made. Documents, reports and clean sessions stay.

    \b
    xnat-pixelanon uninstall --project xnat:STAGING
    xnat-pixelanon uninstall --site
    """
    location = _xnat(project)
    if not location.project and not site:
        raise click.UsageError("say where from: --project xnat:PROJECT, --site, or both")
    rows = Rows(as_json=as_json)
    with _server(location, rows, dry_run=dry_run) as server:
        steps = Uninstaller(server, location.project, rows.step, site=site).run()
    _conclude(rows, steps, "nothing was there to take away")
    for kept in STAYS:
        click.echo(f"stays: {kept}", err=True)
    return steps.exit_status


def _conclude(rows: Rows, steps: Steps, unchanged: str) -> None:
    rows.steps_table(steps.done)
    if not steps.has_changed and steps.exit_status == 0:
        click.echo(unchanged, err=True)


@click.command("doctor")
@click.option("--from", "source", type=LOCATION, required=True, metavar="xnat:PROJECT", help="The staging project.")
@click.option("--events", is_flag=True, help="Sessions are to be published as they arrive: it is a problem if not.")
@_JSON
def doctor_command(source: Location, events: bool, as_json: bool) -> int:
    """Check all that runs of a staging project need, one by one, with what to do. Changes nothing.

    Exit status 3 when there is a problem. Run it as the person who will start runs.

    \b
    xnat-pixelanon doctor --from xnat:STAGING
    """
    rows = Rows(as_json=as_json)
    findings = examine(_xnat(source), rows.finding, events=events)
    rows.findings_table(findings.found)
    return findings.exit_status
