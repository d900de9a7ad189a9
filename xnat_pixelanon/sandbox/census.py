"""Everything that one sandbox stores, item by item: what an independent sweep for leaks goes through."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from .app import RequestRecord
from .state import State


@dataclass(frozen=True, slots=True)
class StoredItem:
    """One stored thing; exactly one of `text` and `path` is given. `path` is a file: look at its bytes."""

    kind: str
    where: str
    text: str | None = None
    path: Path | None = None


def stored(
    state: State, requests: Iterable[RequestRecord], more: Iterable[tuple[str, str, object]] = ()
) -> Iterator[StoredItem]:
    """Every file with its name, every record with all its fields, all versions of all documents, every log line."""
    for path in sorted(state.root.rglob("*")):
        where = path.relative_to(state.root).as_posix()
        yield StoredItem("file-name" if path.is_file() else "folder-name", where, text=where)
        if path.is_file():
            yield StoredItem("file", where, path=path)
    with state.lock:
        records: list[tuple[str, str, object]] = [
            *(("project", p.id, p) for p in state.projects.values()),
            *(("subject", s.id, s) for s in state.subjects.values()),
            *(("experiment", e.id, e) for e in state.experiments.values()),
            *(("prearchive", e.uri, e) for e in state.prearchive),
            *(("config", f"{c.project}/{c.tool}/{c.path}", c) for c in state.configs.values()),
            *(("workflow", w.item, w) for w in state.workflow),
            *more,
        ]
        items = [StoredItem(kind, f"{where}#{name}", text=text)
                 for kind, where, record in records for name, text in _fields(record)]  # fmt: skip
        items += [StoredItem("log", f"line {n}", text=line) for n, line in enumerate(state.log, 1)]
    items += [StoredItem("access-log", f"request {r.n}", text=f"{r.method} {r.path}?{r.query}") for r in requests]
    yield from items


def _fields(record: object, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Names and texts of all fields, those of the records inside too; keys of tables are texts as well."""
    if dataclasses.is_dataclass(record) and not isinstance(record, type):
        for field in dataclasses.fields(record):
            if field.name != "lock":
                yield from _fields(getattr(record, field.name), f"{prefix}.{field.name}" if prefix else field.name)
    elif isinstance(record, dict):
        for key, value in record.items():
            yield f"{prefix}[key]", str(key)
            yield from _fields(value, f"{prefix}[{key}]")
    elif isinstance(record, list | tuple):
        for index, value in enumerate(record):
            yield from _fields(value, f"{prefix}[{index}]")
    else:
        yield prefix, str(record)
