"""`survey`: every group of a source with its pictures, for the review page; nothing is written to staging.

Sessions are listed one after the other, their files read and shown by the workers several sessions at a time. What was
read is dropped when a session's rows are made, so that a thousand sessions need no more memory than their rows.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from xnat_pixelanon.archive.ports import Source
from xnat_pixelanon.domain.consistency import mark_inconsistent
from xnat_pixelanon.domain.decisions import ScanFacts, decide_session
from xnat_pixelanon.domain.instance import Group, InstanceFacts
from xnat_pixelanon.domain.session import Contents, SourceFile, SourceSession
from xnat_pixelanon.errors import PixelanonError
from xnat_pixelanon.pipeline.pool import Workers
from xnat_pixelanon.pipeline.rules import Rules
from xnat_pixelanon.pipeline.scratch import Scratch
from xnat_pixelanon.pipeline.survey_cache import SurveyCache, SurveyedSession, key_of
from xnat_pixelanon.pipeline.survey_document import ScanRow, SurveyDocument
from xnat_pixelanon.pipeline.work import PicturesTask, ReadTask, read, show, unread
from xnat_pixelanon.pixels import PICTURE, ScanPictures, Shown

WHOLE, SHOWN = 3, 150
"""Scans of each group of which everything representative is shown, and of which the middle image is."""
_TOGETHER = 64
"""Files that are read in one go."""
_SAMPLED = 3
Progress = Callable[[int, int], None]
"""Told how many of how many sessions are done."""


@dataclass(slots=True)
class _Session:
    """A session under way; `paths` of its files, where they had to be fetched."""

    session: SourceSession
    key: str
    files: tuple[tuple[SourceFile, ...], ...]
    names: tuple[str, ...]
    sampled: tuple[bool, ...]
    counts: tuple[int, ...]
    known: SurveyedSession | None
    facts: list[list[InstanceFacts]] = field(default_factory=list)
    paths: dict[str, Path] = field(default_factory=dict)


def survey(
    source: Source,
    sessions: Sequence[SourceSession],
    rules: Rules,
    workers: Workers,
    cache: SurveyCache,
    document: SurveyDocument,
    progress: Progress,
) -> None:
    """Add every session to the document; one that cannot be read is a note there."""
    seen: Counter[str] = Counter()
    done = 0
    with Scratch() as scratch:
        for batch in _batches(source, sessions, cache, document):
            with scratch.folder(_space(batch)) as folder:
                _read(batch, source, workers, folder)
                _show(batch, source, workers, cache, seen, folder)
            for one in batch:
                _add(one, rules, document)
            done += len(batch)
            progress(min(done, len(sessions)), len(sessions))
    progress(len(sessions), len(sessions))


def _batches(
    source: Source, sessions: Sequence[SourceSession], cache: SurveyCache, document: SurveyDocument
) -> Iterator[list[_Session]]:
    batch: list[_Session] = []
    files = 0
    for session in sessions:
        if session.shared:
            document.note(f"session {session.id} belongs to another project: it is not surveyed")
            continue
        try:
            listed = _listed(source, session, source.contents(session), cache)
        except PixelanonError as error:
            document.note(f"session {session.id} cannot be listed: {error.message}")
            continue
        batch.append(listed)
        files += 1 if listed.known else sum(map(len, listed.files))
        if files >= _TOGETHER:
            yield batch
            batch, files = [], 0
    if batch:
        yield batch


def _listed(source: Source, session: SourceSession, contents: Contents, cache: SurveyCache) -> _Session:
    sampled = [_sample(scan.files) if source.remote else scan.files for scan in contents.scans]
    key = key_of(source.name, contents, source.remote)
    return _Session(
        session,
        key,
        tuple(sampled),
        tuple(scan.id for scan in contents.scans),
        tuple(len(some) < len(scan.files) for some, scan in zip(sampled, contents.scans, strict=True)),
        tuple(len(scan.files) for scan in contents.scans),
        cache.load(session.id, key),
    )


def _sample(files: Sequence[SourceFile]) -> tuple[SourceFile, ...]:
    """First, middle and last: of what has to be downloaded not more is looked at."""
    if len(files) <= _SAMPLED:
        return tuple(files)
    return files[0], files[len(files) // 2], files[-1]


def _space(batch: Sequence[_Session]) -> int:
    return sum(file.size for one in batch for scan in one.files for file in scan) + (16 << 20)


def _read(batch: Sequence[_Session], source: Source, workers: Workers, folder: Path) -> None:
    places: list[tuple[_Session, int]] = []
    tasks: list[ReadTask] = []
    for one in batch:
        one.facts = [list(scan) for scan in one.known.scans] if one.known else [[] for _ in one.files]
        if one.known:
            continue
        for number, scan in enumerate(one.files):
            for file in scan:
                one.paths[file.name] = source.fetch(file, folder)
                places.append((one, number))
                tasks.append(ReadTask(one.paths[file.name], file.name, folder))
    found: dict[int, InstanceFacts] = {}
    for done in workers.each(read, tasks):
        found[done.index] = (done.result or unread(tasks[done.index])).facts
    for index, (one, number) in enumerate(places):
        one.facts[number].append(found[index])


def _show(
    batch: Sequence[_Session],
    source: Source,
    workers: Workers,
    cache: SurveyCache,
    seen: Counter[str],
    folder: Path,
) -> None:
    """Pictures of every scan; those that an earlier survey kept are taken as they are."""
    tasks: list[PicturesTask] = []
    places: list[tuple[_Session, str]] = []
    changed: set[int] = set()
    pictures: list[dict[str, ScanPictures]] = [dict(one.known.pictures) if one.known else {} for one in batch]
    for number, one in enumerate(batch):
        for name, files in _members(one).items():
            group = name.partition("/")[2]
            whole, longest = seen[group] < WHOLE, PICTURE if seen[group] < SHOWN else 0
            seen[group] += 1
            there = pictures[number].get(name)
            if there is not None and (there.thumbnail is None or bool(there.pictures) >= bool(longest)):
                continue
            shown = tuple(Shown(_path(one, facts, source, folder), facts.frames or 1) for facts in files)
            tasks.append(PicturesTask(shown, longest, whole, folder))
            places.append((one, name))
            changed.add(number)
    for done in workers.each(show, tasks):
        one, name = places[done.index]
        pictures[batch.index(one)][name] = done.result or ScanPictures()
    for number, one in enumerate(batch):
        surveyed = SurveyedSession(tuple(tuple(scan) for scan in one.facts), pictures[number])
        if one.known is None or number in changed:
            cache.keep(one.session.id, one.key, surveyed)
        one.known = surveyed


def _path(one: _Session, facts: InstanceFacts, source: Source, folder: Path) -> Path:
    if facts.name not in one.paths:
        file = next(file for scan in one.files for file in scan if file.name == facts.name)
        one.paths[facts.name] = source.fetch(file, folder)
    return one.paths[facts.name]


def _members(one: _Session) -> dict[str, list[InstanceFacts]]:
    """Readable files with pixels by `number of the scan/group`."""
    found: dict[str, list[InstanceFacts]] = defaultdict(list)
    for number, scan in enumerate(one.facts):
        for facts in scan:
            if not facts.damage and facts.has_pixel_data:
                found[f"{number}/{group_id(Group.of(facts))}"].append(facts)
    return found


def group_id(group: Group) -> str:
    """`US/1.2.840.10008.5.1.4.1.1.3.1/768x1024`."""
    return f"{group.modality}/{group.sop_class_uid}/{group.rows}x{group.columns}"


def _add(one: _Session, rules: Rules, document: SurveyDocument) -> None:
    scans = tuple(
        mark_inconsistent([ScanFacts(name, tuple(facts)) for name, facts in zip(one.names, one.facts, strict=True)])
    )
    decided = decide_session(one.session.id, scans, rules.templates, rules.policy)
    for number, (scan, decision) in enumerate(zip(scans, decided, strict=True)):
        groups: dict[Group, list[int]] = defaultdict(list)
        for position, facts in enumerate(scan.instances):
            groups[Group.of(facts)].append(position)
        for group, members in groups.items():
            name = group_id(group)
            document.add(
                ScanRow(
                    session=one.session,
                    scan=scan.id,
                    group=group,
                    group_id=name,
                    instances=tuple(scan.instances[position] for position in members),
                    listed=one.counts[number] if len(groups) == 1 else len(members),
                    decision=decision.decision if len(groups) == 1 else decision.instances[members[0]],
                    provisional=one.sampled[number],
                    pictures=one.known.pictures.get(f"{number}/{name}", ScanPictures())
                    if one.known
                    else ScanPictures(),
                )
            )
