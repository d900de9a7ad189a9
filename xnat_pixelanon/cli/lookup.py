"""`lookup`: which clean session belongs to a session of staging, and the other way round."""

from __future__ import annotations

import json

import click

from xnat_pixelanon.archive import Location
from xnat_pixelanon.cli.run import LOCATION
from xnat_pixelanon.domain.codes import OUTCOMES, Outcome
from xnat_pixelanon.pipeline.looking import LookedUp, look_up
from xnat_pixelanon.pipeline.pool import Workers, default_workers


@click.command("lookup")
@click.option(
    "--from", "source", type=LOCATION, required=True, metavar="xnat:PROJECT", help="The staging project; owners only."
)
@click.option(
    "--session", required=True, metavar="ID|LABEL|CLEAN-LABEL", help="Which session, by a name of either side."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
def lookup_command(source: Location, session: str, as_json: bool) -> None:
    """Tell who a session is on the other side, and how it stands there. Nothing is written.

    The session is read, decided and compared as by a run. It is named by its experiment ID.

    \b
    xnat-pixelanon lookup --from xnat:STAGING --session XNAT_E00012
    """
    with Workers(default_workers()) as workers:
        found = look_up(source, session, workers)
    if as_json:
        click.echo(json.dumps(_line(found)))
        return
    one = found.session
    click.echo(f"session {one.id}")
    if one.clean_session:
        subject = f" of subject {one.clean_subject}" if one.clean_subject else ""
        click.echo(f"clean session {one.clean_session}{subject} in {found.destination}")
    click.echo(f"{one.outcome}: {OUTCOMES[Outcome(one.outcome)].meaning}")
    for text in (one.error, one.note, one.remedy):
        if text:
            click.echo(f"  {text}")


def _line(found: LookedUp) -> dict[str, str]:
    one = found.session
    return {
        "type": "lookup",
        "session": one.id,
        "clean_subject": one.clean_subject,
        "clean_session": one.clean_session,
        "destination": found.destination,
        "outcome": one.outcome,
        "remedy": one.remedy,
        "note": one.error or one.note,
    }
