"""What the project's DicomEdit script makes of a source, before the profile: for the engine, and again for the proof.

The script sees the source's values; what it sets is the owner's decision and stays, all else is cleaned as if there
were no script (docs/dicomedit.md, Order).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pydicom.dataset import Dataset

from xnat_pixelanon.domain.rectangle import Rectangle
from xnat_pixelanon.errors import DocumentError
from xnat_pixelanon.headers.request import HeaderAction, HeaderRequest


@dataclass(frozen=True, slots=True)
class Scripted:
    """`dataset` is what the profile goes over; `settled` the paths of what the script set there, and the places in it.

    A place is `line 3, column 5`; `rejected` is one where the script leaves the instance out, else empty.
    """

    dataset: Dataset
    settled: Mapping[str, str]
    way: frozenset[str]
    """Paths of the sequences that hold something settled."""
    actions: tuple[HeaderAction, ...]
    rectangles: tuple[Rectangle, ...]
    rejected: str
    dates: Literal["", "kept", "changed"] = ""
    """Whether dates or times stay because the script set them, all as they were or not."""
    labels: frozenset[str] = frozenset()
    """Those of the clean side."""

    def keeps(self, path: str) -> bool:
        """Whether an element, or something in it, is the script's."""
        return path in self.settled or path in self.way


def check_script(text: str, where: str) -> None:
    """DocumentError with line and column of everything that is wrong in a script; `where`: how to call it."""
    from xnat_pixelanon.headers.script_run import compiled  # a parser that most projects never need

    try:
        script = compiled(text)
    except DocumentError as error:
        raise DocumentError(where, error.problems) from None
    if not script.statements:
        raise DocumentError(where, ["the script has no statement; expected one, or a policy without a script"])


def script_notes(text: str) -> tuple[str, ...]:
    """What else to say of a script without mistakes."""
    from xnat_pixelanon.headers.script_run import compiled  # as above

    return compiled(text).notes


def scripted(source: Dataset, request: HeaderRequest) -> Scripted:
    """Run the script of `request`, where it has one, over a copy of `source`.

    InstanceError(header-refused) with line and column where a statement fails, or gives study, series or instance a
    UID that is not the project's mapping.
    """
    if not request.script:
        return Scripted(source, {}, frozenset(), (), (), "")
    from xnat_pixelanon.headers.script_run import run_script  # a parser that most projects never need

    return run_script(source, request)
