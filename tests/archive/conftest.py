"""A staging and a clean project on a stand-in XNAT, tiny DICOM files, and packages made of them."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from xnat_pixelanon.archive import Credentials, Timeouts, Waits, XnatConnection, XnatDestination, connect
from xnat_pixelanon.domain.receipt import Receipt, ReceiptScan, outputs_digest
from xnat_pixelanon.domain.session import CleanInstance, CleanScan, Package
from xnat_pixelanon.errors import InstanceError, RefusedError
from xnat_pixelanon.sandbox.server import Sandbox
from xnat_pixelanon.sandbox.settings import Settings

CT = "1.2.840.10008.5.1.4.1.1.2"
QUICK = Timeouts(connect=5.0, read=20.0, work=20.0, pauses=(0.0, 0.0))
IMPATIENT = Waits(poll=0.01, ready=2.0, archive=5.0, rival=0.3)
SHA = "sha256:" + "0" * 64


def write_dicom(path: Path, **attributes: Any) -> Path:
    """A 4 x 4 CT image; keyword arguments are attributes of it, None removes one."""
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    defaults = {
        "SOPClassUID": CT, "SOPInstanceUID": generate_uid(), "StudyInstanceUID": generate_uid(),
        "SeriesInstanceUID": generate_uid(), "SeriesNumber": 1, "InstanceNumber": 1, "Modality": "CT",
        "PatientName": "Phantom^Ada", "PatientID": "TEST-0001", "Rows": 4, "Columns": 4, "SamplesPerPixel": 1,
        "BitsAllocated": 8, "BitsStored": 8, "HighBit": 7, "PixelRepresentation": 0,
        "PhotometricInterpretation": "MONOCHROME2", "PixelData": bytes(range(16)),
    }  # fmt: skip
    for keyword, value in (defaults | attributes).items():
        if value is not None:
            setattr(ds, keyword, value)
    path.parent.mkdir(parents=True, exist_ok=True)
    pydicom.dcmwrite(path, ds, enforce_file_format=True)
    return path


def pixel_digest(path: Path) -> str:
    """A digest of decoded pixels that is good enough for native 4 x 4 images."""
    try:
        return hashlib.sha256(pydicom.dcmread(path).PixelData).hexdigest()
    except (AttributeError, pydicom.errors.InvalidDicomError):
        raise InstanceError("damaged", "no pixels") from None


@dataclass
class Packer:
    """Makes packages of one session; each gets a run of its own."""

    folder: Path
    session: str
    subject: str = "SUBJ"
    study: str = field(default_factory=generate_uid)
    runs: Iterator[int] = field(default_factory=itertools.count)
    scans: dict[int, tuple[CleanScan, ReceiptScan]] = field(default_factory=dict)

    def scan(self, number: int, *, count: int = 1, shade: int = 0, modality: str = "CT") -> CleanScan:
        """One series of `count` instances whose pixels depend on `shade`; UIDs stay when it is made again."""
        known = self.scans.get(number)
        series = known[0].series_instance_uid if known else generate_uid()
        old = {i: one.sop_instance_uid for i, one in enumerate(known[0].instances)} if known else {}
        instances = []
        for index in range(count):
            sop = old.get(index, generate_uid())
            path = self.folder / f"{number}-{index}-{shade}.dcm"
            write_dicom(
                path, StudyInstanceUID=self.study, SeriesInstanceUID=series, SOPInstanceUID=sop, Modality=modality,
                SeriesNumber=number, InstanceNumber=index + 1, PixelData=bytes([shade] * 15 + [index]),
            )  # fmt: skip
            instances.append(CleanInstance(path, sop, pixel_digest(path)))
        clean = CleanScan(str(number), series, tuple(instances))
        pairs = [(one.sop_instance_uid, one.pixel_digest) for one in instances]
        receipt = ReceiptScan(series, f"in-{shade}", f"dec-{shade}", SHA, SHA, outputs_digest(pairs), count)
        self.scans[number] = (clean, receipt)
        return clean

    def package(self, *numbers: int, after: tuple[int, ...] = ()) -> Package:
        """To send the scans `numbers`; `after`: those that are there already."""
        receipt = Receipt("source", "0.1", self.study, tuple(self.scans[number][1] for number in (*after, *numbers)))
        clean = tuple(self.scans[number][0] for number in numbers)
        return Package(f"r{next(self.runs)}", self.subject, self.session, self.study, clean, receipt)

    @property
    def labels(self) -> tuple[str, str]:
        return self.subject, self.session


_NAMES = itertools.count(1)


@pytest.fixture
def packer(tmp_path: Path) -> Packer:
    """A session of two scans, three instances."""
    made = Packer(tmp_path / "package", f"SESS{next(_NAMES)}")
    made.scan(1, count=2)
    made.scan(2)
    return made


@pytest.fixture
def new_packer(tmp_path: Path) -> Callable[[], Packer]:
    """More sessions of the same kind."""

    def make() -> Packer:
        name = f"SESS{next(_NAMES)}"
        made = Packer(tmp_path / name, name)
        made.scan(1, count=2)
        made.scan(2)
        return made

    return make


@dataclass
class World:
    """One stand-in XNAT: `owner` owns STAGING and CLEAN, `member` and `reader` have these roles in CLEAN."""

    sandbox: Sandbox
    connections: list[XnatConnection] = field(default_factory=list)

    def connect(self, user: str = "owner", *, timeouts: Timeouts = QUICK, password: str = "") -> XnatConnection:
        opened = connect(Credentials(self.sandbox.url, user, password or f"{user}-pw"), timeouts)
        self.connections.append(opened)
        return opened

    def unfinished(self, packer: Packer) -> None:
        """The session as a run leaves it that dies between its receipt and its release."""
        self.hide(packer)
        self.experiment(packer.session).resources["PIXELANON"].entries.pop("released.txt", None)

    def hide(self, packer: Packer) -> None:
        """A person puts it into quarantine."""
        self.experiment(packer.session).status = "quarantine"

    def destination(self, user: str = "owner", project: str = "CLEAN", **waits: float) -> XnatDestination:
        return XnatDestination(self.connect(user), project, pixel_digest, waits=replace(IMPATIENT, **waits))

    def visible(self, project: str = "CLEAN") -> dict[str, int]:
        """Sessions by label with their number of files, as somebody sees them who is no owner."""
        state = self.sandbox._state
        with state.lock:
            return {
                experiment.label: sum(
                    len(resource.entries) for scan in experiment.scans.values() for resource in scan.resources.values()
                )
                for experiment in state.experiments.values()
                if experiment.project == project and experiment.status == "active"
            }

    def hidden(self, project: str = "CLEAN") -> list[str]:
        state = self.sandbox._state
        with state.lock:
            return [e.label for e in state.experiments.values() if e.project == project and e.status != "active"]

    def prearchive(self, project: str = "CLEAN") -> list[str]:
        return [entry.name for entry in self.sandbox._state.entries_of(project)]

    def experiment(self, label: str, project: str = "CLEAN") -> Any:
        return next(e for e in self.sandbox._state.experiments.values() if (e.label, e.project) == (label, project))

    def close(self) -> None:
        self.sandbox.faults.clear()
        for connection in self.connections:
            connection.close()


def make_world(root: Path, settings: Settings | None = None) -> Iterator[World]:
    with Sandbox(root, settings=settings) as sandbox:
        for user in ("owner", "member", "reader", "nobody"):
            sandbox.add_user(user, f"{user}-pw")
        for project in ("STAGING", "CLEAN"):
            sandbox.add_project(project, owner="owner")
        sandbox.set_role("CLEAN", "member", "member")
        sandbox.set_role("CLEAN", "reader", "collaborator")
        made = World(sandbox)
        yield made
        made.close()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    yield from make_world(tmp_path / "xnat")


@pytest.fixture
def new_world(tmp_path: Path) -> Iterator[Callable[[Settings], World]]:
    """Stand-ins with settings of their own."""
    opened: list[Iterator[World]] = []

    def make(settings: Settings) -> World:
        opened.append(make_world(tmp_path / f"xnat{len(opened)}", settings))
        return next(opened[-1])

    yield make
    for one in opened:
        next(one, None)


def go() -> None:
    """A gate that lets everything through."""


def shut() -> None:
    """A gate that lets nothing through."""
    raise RefusedError("the policy was disarmed")


@pytest.fixture
def refusing_gate() -> Callable[[], None]:
    return shut


@pytest.fixture
def open_gate() -> Callable[[], None]:
    return go


@pytest.fixture
def dicom() -> Callable[..., Path]:
    return write_dicom
