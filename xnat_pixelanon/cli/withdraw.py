"""`withdraw`: take a session back from the clean project."""

from __future__ import annotations

import click

from xnat_pixelanon.archive import Location
from xnat_pixelanon.cli.run import LOCATION
from xnat_pixelanon.pipeline.withdrawing import Withdrawn, withdraw


@click.command("withdraw")
@click.option(
    "--from", "source", type=LOCATION, required=True, metavar="xnat:PROJECT", help="The staging project; owners only."
)
@click.option("--session", required=True, metavar="ID|LABEL", help="Which session of it.")
@click.option("--reason", default="", help="Kept with the override in templates.json, for people.")
def withdraw_command(source: Location, session: str, reason: str) -> None:
    """Take a session back: an override says that it is never sent, then its clean copy is deleted.

    Later runs say 'withdrawn', also of scans that arrive later, until the override is taken out of templates.json.

    \b
    xnat-pixelanon withdraw --from xnat:STAGING --session XNAT_E00012 --reason "consent withdrawn"
    """
    for sentence in sentences(withdraw(source, session, reason), labels=True):
        click.echo(sentence)


def sentences(done: Withdrawn, *, labels: bool) -> list[str]:
    """What was done; `labels`: with those of the clean side, which logs of a server need not join to staging's IDs."""
    stored = "stands there already" if done.stored is None else f"is stored as version {done.stored}"
    said = [f"session {done.session}: its override in templates.json {stored}"]
    if done.taken is None:
        return [*said, f"nothing of it stands in {done.destination}"]
    said.append(f"{done.destination}: clean session {f'{done.clean_session} ' if labels else ''}deleted")
    if done.taken.empty_subject:
        subject = f"{done.taken.subject_label} " if labels else ""
        said.append(f"its subject {subject}is left there, empty: remove it by hand if it is to go")
    return said
