"""A mounted archive folder, read in place of downloads. Nothing is ever written there.

The folder of a scan need not bear the scan's ID: after a clash of series numbers, or a change by hand, it keeps its old
name. So a resource's folder is the one that holds the catalog that the server shows for that resource.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from xml.etree import ElementTree

from xnat_pixelanon.archive.listings import ListedFile

_MAX_CATALOG = 256 << 20


class Mount:
    """`root` holds the project's sessions by label (`ROOT/SESSION/SCANS/...`), or is one session's own folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def resource_folder(self, session: str, label: str, catalog: bytes, files: list[ListedFile]) -> Path | None:
        """The folder of a scan's resource `label`, or None unless exactly one holds this catalog and all the files."""
        wanted = catalog_entries(catalog)
        if not wanted or PurePosixPath(session).name != session:
            return None
        try:
            found = [folder for folder in self._candidates(session, label) if _holds(folder, wanted, files)]
        except OSError:
            return None  # a mount that cannot be read is none
        return found[0] if len(found) == 1 else None

    def _candidates(self, session: str, label: str) -> Iterator[Path]:
        for base in (self.root / session, self.root):
            scans = base / "SCANS"
            if scans.is_dir():
                yield from (scan / label for scan in sorted(scans.iterdir()) if (scan / label).is_dir())
                return


def is_the_servers(path: Path, size: int, md5: str) -> bool:
    """Whether a mounted file is the one that the server lists; never, where it lists no MD5.

    What is mounted is not proof: the Container Service mounts the folder that a launch's own JSON of a session names.
    """
    try:
        if not md5 or not _has_size(path, size):
            return False
        with path.open("rb") as file:
            return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest() == md5
    except OSError:
        return False


def _has_size(path: Path, size: int) -> bool:
    return path.is_file() and path.stat().st_size == size


def catalog_entries(catalog: bytes) -> frozenset[tuple[str, str]] | None:
    """(URI, UID) of each entry of a catalog XML, in whatever namespace prefix; None when it is no such thing."""
    # No document type: nothing that XNAT writes has one, and entities could be made to explode.
    if len(catalog) > _MAX_CATALOG or b"<!DOCTYPE" in catalog:
        return None
    try:
        root = ElementTree.fromstring(catalog)
    except ElementTree.ParseError:
        return None
    entries = [element for element in root.iter() if element.tag.rpartition("}")[2] == "entry"]
    return frozenset((entry.get("URI", ""), entry.get("UID", "")) for entry in entries) or None


def _holds(folder: Path, wanted: frozenset[tuple[str, str]], files: list[ListedFile]) -> bool:
    try:
        catalogs = [path.read_bytes() for path in folder.glob("*_catalog.xml") if path.stat().st_size <= _MAX_CATALOG]
    except OSError:
        return False
    if not any(catalog_entries(catalog) == wanted for catalog in catalogs):
        return False
    return all(".." not in PurePosixPath(one.path).parts and _has_size(folder / one.path, one.size) for one in files)
