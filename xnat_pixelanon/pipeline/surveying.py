"""`survey`: every group of a source with its pictures, for the review page; nothing is written to staging.

Of several sessions at a time the files are read and shown by the workers. What was read is dropped when a session's
rows are made, so that a thousand sessions need no more memory than their rows and pictures.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Lock

from xnat_pixelanon.archive.ports import Source
from xnat_pixelanon.domain.instance import InstanceFacts
from xnat_pixelanon.domain.session import SourceFile, SourceSession
from xnat_pixelanon.errors import ChangedError, PixelanonError, SessionError
from xnat_pixelanon.headers import HeaderRequest
from xnat_pixelanon.pipeline.pool import Workers
from xnat_pixelanon.pipeline.rules import Rules
from xnat_pixelanon.pipeline.scratch import Scratch
from xnat_pixelanon.pipeline.survey_cache import SurveyCache, SurveyedSession, key_of
from xnat_pixelanon.pipeline.survey_document import SurveyDocument
from xnat_pixelanon.pipeline.survey_rows import SessionUnderWay
from xnat_pixelanon.pipeline.survey_script import asked_with, script_request
from xnat_pixelanon.pipeline.telling import spoken_names
from xnat_pixelanon.pipeline.work import UNANSWERED, PicturesTask, ReadTask, ScriptTask, ask_script, read, show, unread
from xnat_pixelanon.pixels import PICTURE, ScanPictures, Shown

WHOLE, SHOWN = 3, 150
"""Scans of each group of which everything representative is shown, and of which the middle image is."""
ROOM = 32 << 20
"""Bytes of pictures, as they are written, beyond which only the first scan of a further group is shown in full, and all
others by their thumbnails: a browser has to open the page."""
_TOGETHER = 64
"""Files that are read in one go."""
_SAMPLED = 3
Progress = Callable[[int, int], None]
"""Told how many of how many sessions are done."""


class Surveyor:
    """One survey. Listing and fetching go on in a thread of their own while the workers read what came before."""

    def __init__(self, source: Source, workers: Workers, cache: SurveyCache, document: SurveyDocument) -> None:
        self._source, self._workers, self._cache, self._document = source, workers, cache, document
        self._at_source = Lock()  # the connection is not for two threads at a time
        self._seen: Counter[str] = Counter()
        self._names: dict[str, str] = {}

    def survey(
        self,
        sessions: Sequence[SourceSession],
        rules: Rules,
        progress: Progress,
        *,
        identifiers: tuple[str, ...] = (),
    ) -> None:
        """Add every session to the document; one that cannot be read is a note there.

        `identifiers`: what names the source itself, as runs know it.
        """
        self._names = spoken_names(self._source.name, sessions)
        done = 0
        with Scratch() as scratch, ThreadPoolExecutor(1, "listing") as listing:
            waiting = deque(sessions)
            with scratch.folder(0) as first, scratch.folder(0) as second:
                folders = (first, second)
                ahead = listing.submit(self._batch, waiting, folders[0])
                turn = 0
                while batch := ahead.result():
                    turn = 1 - turn
                    ahead = listing.submit(self._batch, waiting, folders[turn])
                    self._read(batch, folders[1 - turn])
                    self._ask(batch, rules, identifiers, folders[1 - turn])
                    self._show(batch, folders[1 - turn])
                    for one in batch:
                        for row in one.rows(rules, sampled=self._source.remote):
                            self._document.add(row)
                        for path in one.paths.values():
                            if path.is_relative_to(scratch.root):
                                path.unlink(missing_ok=True)
                    done += len(batch)
                    progress(done, len(sessions))

    def _batch(self, waiting: deque[SourceSession], folder: Path) -> list[SessionUnderWay]:
        """The next sessions, with so many files to read that the workers have something to do."""
        batch: list[SessionUnderWay] = []
        files = 0
        while waiting and files < _TOGETHER:
            session = waiting.popleft()
            if session.shared:
                self._document.note(f"session {self._names[session.id]} belongs to another project: it is not surveyed")
                continue
            try:
                with self._at_source:
                    batch.append(self._listed(session, folder))
            except PixelanonError as error:
                self._document.note(f"session {self._names[session.id]} cannot be read: {error.message}")
                continue
            files += max(1, sum(map(len, batch[-1].files)))
        return batch

    def _listed(self, session: SourceSession, folder: Path) -> SessionUnderWay:
        source = self._source
        key = key_of(source.place, source.state(session), sampled=source.remote)
        known = self._cache.load(source.place, session.id, key)
        if known is not None:
            return SessionUnderWay(session, key, known.names, known.counts, known)
        one = self._with_files(session, key)
        for scan in one.files:
            for file in scan:
                one.paths[file.name] = source.fetch(file, folder)
        return one

    def _with_files(self, session: SourceSession, key: str) -> SessionUnderWay:
        scans = self._source.contents(session).scans
        return SessionUnderWay(
            session,
            key,
            tuple(scan.id for scan in scans),
            tuple(len(scan.files) for scan in scans),
            None,
            tuple(_sample(scan.files) if self._source.remote else scan.files for scan in scans),
        )

    def _read(self, batch: Sequence[SessionUnderWay], folder: Path) -> None:
        places: list[tuple[SessionUnderWay, int]] = []
        tasks: list[ReadTask] = []
        for one in batch:
            one.facts = [list(scan) for scan in one.known.scans] if one.known else [[] for _ in one.files]
            for number, scan in enumerate(one.files):
                for file in scan:
                    places.append((one, number))
                    tasks.append(ReadTask(one.paths[file.name], file.name, folder))
        found: dict[int, InstanceFacts] = {}
        for done in self._workers.each(read, tasks):
            found[done.index] = (done.result or unread(tasks[done.index])).facts
        for index, (one, number) in enumerate(places):
            one.facts[number].append(found[index])

    def _ask(self, batch: list[SessionUnderWay], rules: Rules, identifiers: tuple[str, ...], folder: Path) -> None:
        """What the project's script says of each file, unless an earlier survey asked it with the same.

        A session whose files cannot be fetched for it any more is taken out: it is not known how it would be decided.
        """
        asked: list[tuple[SessionUnderWay, int, int, ScriptTask]] = []
        for one in tuple(batch):
            try:
                asked += self._questions(one, self._request(one, rules, identifiers), folder)
            except PixelanonError as error:
                self._document.note(f"session {self._names[one.session.id]} cannot be read: {error.message}")
                batch.remove(one)
        for done in self._workers.each(ask_script, [task for *_, task in asked]):
            one, number, position, _ = asked[done.index]
            one.facts[number][position] = replace(one.facts[number][position], script=done.result or UNANSWERED)

    def _questions(
        self, one: SessionUnderWay, request: HeaderRequest | None, folder: Path
    ) -> list[tuple[SessionUnderWay, int, int, ScriptTask]]:
        one.asked = asked_with(request) if request else ""
        if one.asked and one.known and one.known.asked == one.asked:
            return []
        one.facts = [[replace(facts, script=None) for facts in scan] for scan in one.facts]
        if request is None:
            return []
        return [
            (one, number, position, ScriptTask(self._path(one, facts, folder), request, folder))
            for number, scan in enumerate(one.scans())
            for position, facts in enumerate(scan.instances)
            if not facts.damage
        ]

    def _request(self, one: SessionUnderWay, rules: Rules, identifiers: tuple[str, ...]) -> HeaderRequest | None:
        try:
            return script_request(one.session, one.scans(), rules, identifiers)
        except SessionError as error:
            name = self._names[one.session.id]
            self._document.note(f"the script is not asked about session {name}, nor by a run: {error.message}")
            return None

    def _show(self, batch: Sequence[SessionUnderWay], folder: Path) -> None:
        """Pictures of every scan; those that an earlier survey kept are taken as they are."""
        tasks: list[PicturesTask] = []
        places: list[tuple[int, str]] = []
        pictures = [dict(one.known.pictures) if one.known else {} for one in batch]
        for number, one in enumerate(batch):
            for name, files in one.members().items():
                group = name.partition("/")[2]
                whole, longest = self._wanted(group)
                if not longest:
                    one.thumbnails.add(name)
                there = pictures[number].get(name)
                if there is not None and (there.thumbnail is None or there.pictures or not longest):
                    continue
                shown = tuple(Shown(self._path(one, facts, folder), facts.frames or 1) for facts in files)
                tasks.append(PicturesTask(shown, longest, whole, folder))
                places.append((number, name))
        for done in self._workers.each(show, tasks):
            number, name = places[done.index]
            pictures[number][name] = done.result or ScanPictures()
        changed = {number for number, _ in places}
        for number, one in enumerate(batch):
            facts = tuple(tuple(scan) for scan in one.facts)
            surveyed = SurveyedSession(one.names, one.counts, facts, pictures[number], one.asked)
            if one.known is None or number in changed or one.asked not in ("", one.known.asked):
                self._cache.keep(self._source.place, one.session.id, one.key, surveyed)
            one.known = surveyed

    def _wanted(self, group: str) -> tuple[bool, int]:
        """Whether everything of the next scan of a group is shown, and the longest side of its pictures."""
        seen, full = self._seen[group], self._document.picture_bytes >= ROOM
        self._seen[group] += 1
        return seen < (1 if full else WHOLE), PICTURE if seen < (1 if full else SHOWN) else 0

    def _path(self, one: SessionUnderWay, facts: InstanceFacts, folder: Path) -> Path:
        if facts.name not in one.paths:
            with self._at_source:
                one.files = one.files or self._with_files(one.session, one.key).files
                file = next((file for scan in one.files for file in scan if file.name == facts.name), None)
                if file is None:
                    raise ChangedError("its files are not those that an earlier survey read", hint="try --no-cache")
                one.paths[facts.name] = self._source.fetch(file, folder)
        return one.paths[facts.name]


def _sample(files: Sequence[SourceFile]) -> tuple[SourceFile, ...]:
    """First, middle and last: of what has to be downloaded not more is looked at."""
    if len(files) <= _SAMPLED:
        return tuple(files)
    return files[0], files[len(files) // 2], files[-1]
