"""Whether a clean project takes from this staging project: by its accepts.json, or by who stored the policy."""

from __future__ import annotations

from collections.abc import Callable

from xnat_pixelanon.archive import Role, XnatConnection, XnatLocation, project_role
from xnat_pixelanon.archive.ports import DocumentStore
from xnat_pixelanon.domain import accepts as accepts_document
from xnat_pixelanon.domain.accepts import Accepts
from xnat_pixelanon.errors import RefusedError
from xnat_pixelanon.pipeline.rules import RuleReader, Rules

Check = Callable[[Rules], None]


def acceptance(store: DocumentStore, clean: XnatLocation) -> Check:
    """A check that raises RefusedError unless the clean project, whose documents `store` holds, lists us."""

    def check(rules: Rules) -> None:
        stored = store.load(accepts_document.DOCUMENT)
        where = f"{accepts_document.DOCUMENT} of {clean.text}"
        if stored is None or rules.fingerprint not in Accepts.from_text(stored.text, where):
            raise RefusedError(
                f"the clean project {clean.project} has not accepted this source: its accepts.json does not list "
                f"the fingerprint {rules.fingerprint}",
                hint=f"an owner of {clean.project} types: "
                f"xnat-pixelanon accept add --to {clean.text} {rules.fingerprint}",
            )

    return check


def authorship(connection: XnatConnection, clean: XnatLocation) -> Check:
    """A check that raises RefusedError unless who stored the policy owns the clean project, on the same server.

    Sessions are sent with the rights of whoever launches, or made the subscription: a co-owner of staging must not send
    them into a project of that person's.
    """

    def check(rules: Rules) -> None:
        author = rules.policy_author
        if author.casefold() == connection.user.casefold():
            return  # the destination's own check asked for this account
        if project_role(connection, clean.project, author) != Role.OWNER:
            raise RefusedError(
                f"the account that stored or armed the policy last is no owner of the clean project {clean.project}",
                hint="an owner of both projects looks at the policy and stores it, or arms it, again",
            )

    return check


def checked(reader: RuleReader, check: Check) -> RuleReader:
    """Rules that are given out only while the clean project accepts them."""

    def read() -> Rules:
        rules = reader()
        check(rules)
        return rules

    return read
