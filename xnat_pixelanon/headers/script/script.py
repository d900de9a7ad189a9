"""A project's script, compiled once and run over every instance."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from pydicom.dataset import Dataset

from xnat_pixelanon.errors import DocumentError, InstanceError
from xnat_pixelanon.headers.script.check import Check
from xnat_pixelanon.headers.script.element_functions import Rejected
from xnat_pixelanon.headers.script.interpret import run
from xnat_pixelanon.headers.script.nodes import Place, Statement
from xnat_pixelanon.headers.script.parse import parse_script
from xnat_pixelanon.headers.script.printer import print_script
from xnat_pixelanon.headers.script.source import Wrong
from xnat_pixelanon.headers.script.state import Change, PixelRequest, State, Surroundings, started
from xnat_pixelanon.headers.script.values import Failed
from xnat_pixelanon.headers.silence import PYDICOM_ERRORS, quiet
from xnat_pixelanon.headers.tree import HEADER_REFUSED

VARIABLES = ("project", "session", "subject")
"""The variables that every run gives a script, all of the clean side."""
_MAX_PROBLEMS = 50


@dataclass(frozen=True, slots=True)
class Applied:
    """What a script made of one instance. `dataset` is new; the source is as it was.

    `rejected`: where the script asked for the instance to be left out; then `changes` and `pixels` are empty, and the
    data set is the source's. `changes` in the order in which they were done; the last one of an element counts.
    """

    dataset: Dataset
    rejected: Place | None
    changes: tuple[Change, ...]
    pixels: tuple[PixelRequest, ...]
    notes: tuple[str, ...]

    @property
    def settled(self) -> frozenset[str]:
        """Paths of the elements whose value is the script's: what a profile that comes after leaves alone.

        With private ones the elements that name their creators.
        """
        last = {change.tag: change.action for change in self.changes}
        paths = {tag for tag, action in last.items() if action in ("set", "created", "reserved")}
        return frozenset(paths | {_creator(path) for path in paths if int(path[-11:][1:5], 16) % 2})


def _creator(path: str) -> str:
    """The path of the creator of the private element at `path`; a creator's own is its own."""
    tag = path[-11:]  # (gggg,eeee)
    return path if tag[6:8] == "00" else f"{path[:-5]}00{tag[6:8]})"


@dataclass(frozen=True, slots=True)
class Script:
    """Make one with `compile_script`. Plain and frozen: it may cross process boundaries.

    `variables`: those that have to be given. `described` and `exported`: by name, what the script says of variables.
    """

    statements: tuple[Statement, ...]
    version: str
    variables: frozenset[str]
    described: tuple[tuple[str, str], ...]
    exported: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]

    @property
    def text(self) -> str:
        """The script, printed anew: the same meaning, one statement a line."""
        return print_script(self.statements)

    def apply(self, dataset: Dataset, variables: Mapping[str, str], surroundings: Surroundings) -> Applied:
        """Run it over a copy of `dataset`, of which no element may be deferred but the pixel data.

        InstanceError(header-refused) with line and column where a statement fails; then nothing of it counts. Not for
        several threads at a time.
        """
        missing = sorted(self.variables - set(variables))
        if missing:
            raise InstanceError(HEADER_REFUSED, f"script: no value for the variable {', '.join(missing)}")
        with quiet():
            return self._applied(dataset, variables, surroundings)

    def _applied(self, dataset: Dataset, variables: Mapping[str, str], surroundings: Surroundings) -> Applied:
        state: State | None = None
        try:
            state = started(dataset, surroundings, variables)
            run(state, self.statements)
        except Rejected:
            assert state is not None
            return Applied(dataset, state.place, (), (), (*self.notes, *state.notes))
        except Failed as error:
            where = "" if state is None else f"{state.place.text}: "
            raise InstanceError(HEADER_REFUSED, f"script, {where}{error.words}") from None
        except PYDICOM_ERRORS as error:  # on values that pydicom cannot read; its words would quote them
            where = "" if state is None else f"{state.place.text}: "
            raise InstanceError(HEADER_REFUSED, f"script, {where}{type(error).__name__} on an element") from None
        return Applied(state.top.ds, None, tuple(state.changes), tuple(state.pixels), (*self.notes, *state.notes))


def compile_script(text: str, variables: Collection[str] = VARIABLES) -> Script:
    """The script, ready to run. `variables`: the names that will be given to it.

    DocumentError with line and column of everything that is wrong: syntax, functions, arguments, variables, fixed
    values.
    """
    try:
        statements = parse_script(text)
    except Wrong as error:
        raise DocumentError("script", [error.text]) from None
    check = Check(variables)
    check.block(statements)
    if check.problems:
        raise DocumentError("script", [problem.text for problem in check.problems[:_MAX_PROBLEMS]])
    notes = () if check.version else ("the script has no version line: read as DicomEdit 6",)
    return Script(
        statements,
        check.version,
        frozenset(check.given),
        tuple(check.described.items()),
        tuple(check.exported.items()),
        notes,
    )
