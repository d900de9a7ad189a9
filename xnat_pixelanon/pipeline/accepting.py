"""Whether a clean project on a named server takes from this staging project: its accepts.json says so."""

from __future__ import annotations

from collections.abc import Callable

from xnat_pixelanon.archive import XnatLocation
from xnat_pixelanon.archive.ports import DocumentStore
from xnat_pixelanon.domain import accepts as accepts_document
from xnat_pixelanon.domain.accepts import Accepts
from xnat_pixelanon.errors import RefusedError
from xnat_pixelanon.pipeline.rules import RuleReader, Rules

Check = Callable[[Rules], None]


def acceptance(store: DocumentStore, clean: XnatLocation) -> Check:
    """A check that raises RefusedError unless the clean project, whose documents `store` holds, lists our key."""

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


def checked(reader: RuleReader, check: Check) -> RuleReader:
    """Rules that are given out only while the clean project accepts them."""

    def read() -> Rules:
        rules = reader()
        check(rules)
        return rules

    return read
