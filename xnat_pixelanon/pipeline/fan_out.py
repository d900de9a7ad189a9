"""A project launched as a container for each session: the cluster schedules them, nobody waits for them."""

from __future__ import annotations

from collections.abc import Sequence

from xnat_pixelanon.archive.launches import ContainerLaunches
from xnat_pixelanon.domain.session import SourceSession
from xnat_pixelanon.errors import TransferError

SESSION_ENTRY = "run-session"


def fan_out(launches: ContainerLaunches, command: str, sessions: Sequence[SourceSession]) -> str:
    """Launch the session entry of `command` for each of the project's own sessions; a sentence says how many.

    Does not wait: this container could hold the only slot of a cluster. TransferError where some were not taken; a
    session that was launched twice is published once.
    """
    wanted = [session.id for session in sessions if not session.shared]
    if not wanted:
        return "the project holds no session of its own: nothing was launched"
    taken = launches.bulk(launches.wrapper(command, SESSION_ENTRY), wanted)
    if taken < len(wanted):
        raise TransferError(
            f"the Container Service took {taken} of {len(wanted)} sessions",
            hint="launch the project again: those that are published already stay as they are",
        )
    return (
        f"{taken} sessions launched, each in a container of its own; the next run of the project lists what they left"
    )
