"""What was read of a session in an earlier survey, kept in a folder of this user: headers' facts and pictures.

It holds what headers say, so it is as private as staging itself. An entry counts only for the very files that it was
made of, by this version; what cannot be read is read again from the source.
"""

from __future__ import annotations

import base64
import json
import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from xnat_pixelanon import __version__
from xnat_pixelanon.domain.instance import InstanceFacts, Refusal, ScriptFacts
from xnat_pixelanon.domain.pictures import EncodedPicture
from xnat_pixelanon.domain.rectangle import Rectangle
from xnat_pixelanon.errors import ConfigurationError, RefusedError
from xnat_pixelanon.pixels import ScanPictures

_FORM = 3


@dataclass(frozen=True, slots=True)
class SurveyedSession:
    """Facts of the files of each scan, how many files it has, and pictures by scan and group."""

    names: tuple[str, ...]
    counts: tuple[int, ...]
    scans: tuple[tuple[InstanceFacts, ...], ...]
    pictures: dict[str, ScanPictures]
    """By `number of the scan/text of the group`."""
    asked: str = ""
    """What the script's answers in `scans` stand on (survey_script.asked_with); '' where there are none to keep."""


class SurveyCache:
    """A folder; without one nothing is kept."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        if folder is None:
            return
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            there = folder.stat()
        except OSError as error:
            raise ConfigurationError(
                f"the cache folder {folder} cannot be made: {error.strerror}",
                hint="give --cache DIR in a place that is yours, or --no-cache",
            ) from None
        # Not made private here: it may be a folder that others work in, as /tmp.
        if there.st_uid != os.geteuid() or stat.S_IMODE(there.st_mode) & 0o077:
            raise RefusedError(
                f"others may read or write the cache folder {folder}, and what is kept there is as private as staging",
                hint="give --cache DIR of a folder that is not there yet, or take its rights from others (chmod 700)",
            )

    def load(self, place: str, session: str, key: str) -> SurveyedSession | None:
        """What was kept for exactly this state of a session."""
        if self._folder is None:
            return None
        try:
            found = json.loads(self._path(place, session).read_text("utf-8"))
            if found["key"] != key:
                return None
            asked = str(found["asked"])
            scans = tuple(tuple(_facts(one, asked) for one in scan) for scan in found["scans"])
            names, counts = tuple(map(str, found["names"])), tuple(map(int, found["counts"]))
            if not len(names) == len(counts) == len(scans):
                return None
            return SurveyedSession(
                names, counts, scans, {name: _pictures(one) for name, one in found["pictures"].items()}, asked
            )
        except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
            return None

    def keep(self, place: str, session: str, key: str, surveyed: SurveyedSession) -> None:
        """Kept whole or not at all; a disk that is full only makes the next survey slower."""
        if self._folder is None:
            return
        document = {
            "key": key,
            "names": surveyed.names,
            "counts": surveyed.counts,
            "asked": surveyed.asked,
            "scans": [[asdict(one) for one in scan] for scan in surveyed.scans],
            "pictures": {name: _pictures_document(one) for name, one in surveyed.pictures.items()},
        }
        path = self._path(place, session)
        part = path.with_suffix(f".{os.getpid()}.part")
        try:
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as out:
                json.dump(document, out)
            part.replace(path)
        except OSError:
            part.unlink(missing_ok=True)

    def purge(self, place: str, sessions: Iterable[str]) -> None:
        """Remove what was kept of sessions of this source that are no longer among `sessions`, which are all it has.

        What a survey of it left half written when it was killed goes too.
        """
        if self._folder is None:
            return
        there = {self._path(place, session).name for session in sessions}
        for path in self._folder.glob(f"{_digest(place)}-*"):
            if path.name not in there:
                with suppress(OSError):  # another survey was quicker, or the next one is
                    path.unlink()

    def _path(self, place: str, session: str) -> Path:
        assert self._folder is not None
        return self._folder / f"{_digest(place)}-{_digest(session)}.json"


def _digest(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def key_of(place: str, state: str, *, sampled: bool) -> str:
    """Of a session in this state (Source.state), read by this version."""
    return sha256(json.dumps([_FORM, __version__, place, sampled, state]).encode()).hexdigest()


def _facts(document: dict[str, Any], asked: str) -> InstanceFacts:
    refusals = {
        name: Refusal(**document[name]) if document[name] is not None else None
        for name in ("copy_refusal", "edit_refusal")
    }
    script = document["script"] if asked else None
    return InstanceFacts(**{**document, **refusals, "script": None if script is None else _script(script)})


def _script(document: dict[str, Any]) -> ScriptFacts:
    boxes = tuple(Rectangle(**box) for box in document["rectangles"])
    return ScriptFacts(**{**document, "rectangles": boxes})


def _picture_document(picture: EncodedPicture | None) -> dict[str, Any] | None:
    if picture is None:
        return None
    return {**asdict(picture), "data": base64.b64encode(picture.data).decode("ascii")}


def _picture(document: dict[str, Any] | None) -> EncodedPicture | None:
    if document is None:
        return None
    return EncodedPicture(**{**document, "data": base64.b64decode(document["data"], validate=True)})


def _pictures_document(pictures: ScanPictures) -> dict[str, Any]:
    return {
        "thumbnail": _picture_document(pictures.thumbnail),
        "pictures": [_picture_document(one) for one in pictures.pictures],
        "maximum": _picture_document(pictures.maximum),
        "minimum": _picture_document(pictures.minimum),
        "grid": pictures.grid,
    }


def _pictures(document: dict[str, Any]) -> ScanPictures:
    grid = document["grid"]
    return ScanPictures(
        _picture(document["thumbnail"]),
        tuple(one for each in document["pictures"] if (one := _picture(each)) is not None),
        _picture(document["maximum"]),
        _picture(document["minimum"]),
        None if grid is None else (int(grid[0]), int(grid[1]), int(grid[2]), int(grid[3])),
    )
