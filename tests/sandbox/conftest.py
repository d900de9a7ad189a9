"""A server to talk to, a client that is logged in, an empty project, and tiny DICOM files."""

from __future__ import annotations

import os
import uuid
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pydicom
import pytest
import requests
import xnat
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid
from xnat.session import BaseXNATSession

from xnat_pixelanon.sandbox.server import Sandbox
from xnat_pixelanon.sandbox.settings import Settings

CT = "1.2.840.10008.5.1.4.1.1.2"


def write_tiny(path: Path, **attributes: Any) -> Path:
    """An 8 x 8 CT image; keyword arguments are attributes of it, None removes one."""
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    defaults = {
        "SOPClassUID": CT, "SOPInstanceUID": generate_uid(), "StudyInstanceUID": generate_uid(),
        "SeriesInstanceUID": generate_uid(), "SeriesNumber": 1, "InstanceNumber": 1, "Modality": "CT",
        "PatientName": "Phantom^Ada", "PatientID": "TEST-0001", "StudyDate": "20200102", "StudyDescription": "INVENTED",
        "SeriesDescription": "AXIAL", "Rows": 8, "Columns": 8, "SamplesPerPixel": 1, "BitsAllocated": 8,
        "BitsStored": 8, "HighBit": 7, "PixelRepresentation": 0, "PhotometricInterpretation": "MONOCHROME2",
        "PixelData": bytes(range(64)),
    }  # fmt: skip
    for keyword, value in (defaults | attributes).items():
        if value is not None:
            setattr(ds, keyword, value)
    path.parent.mkdir(parents=True, exist_ok=True)
    pydicom.dcmwrite(path, ds, enforce_file_format=True)
    return path


@dataclass
class Study:
    """Files of one study, in a folder of their own."""

    folder: Path
    uid: str = field(default_factory=generate_uid)
    files: list[Path] = field(default_factory=list)

    def series(self, number: int | str | None = 1, *, count: int = 2, uid: str = "", **attributes: Any) -> str:
        series_uid = uid or generate_uid()
        for index in range(1, count + 1):
            self.files.append(
                write_tiny(
                    self.folder / f"{len(self.files):03d}.dcm",
                    StudyInstanceUID=self.uid,
                    SeriesInstanceUID=series_uid,
                    SeriesNumber=number,
                    InstanceNumber=index,
                    **attributes,
                )
            )
        return series_uid

    def zip(self, *extra: tuple[str, bytes], first: tuple[str, bytes] | None = None) -> Path:
        """All files in one zip, with other members in front or behind."""
        path = self.folder / f"{uuid.uuid4().hex}.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            if first:
                archive.writestr(*first)
            for file in self.files:
                archive.write(file, f"scans/{file.name}")
            for name, data in extra:
                archive.writestr(name, data)
        return path


@dataclass(frozen=True)
class Endpoint:
    """A server and an account that may make projects there."""

    host: str
    user: str
    password: str


def connect(endpoint: Endpoint) -> Any:
    return xnat.connect(
        endpoint.host, user=endpoint.user, password=endpoint.password, no_parse_model=True, loglevel="ERROR"
    )


def hang_up(session: Any) -> None:
    """Ends a client's session, also one whose login is dead by now: there the client would keep its thread."""
    try:
        session.disconnect()
    except (xnat.exceptions.XNATError, requests.RequestException):
        BaseXNATSession.disconnect(session)


@dataclass
class Corner:
    """A project of a test's own, and what tests do to it over HTTP."""

    client: Any
    id: str

    def rows(self, path: str, **query: str) -> list[dict[str, str]]:
        return self.client.get_json(path, query=query)["ResultSet"]["Result"]

    def experiments(self, **query: str) -> list[dict[str, str]]:
        return self.rows(f"/data/projects/{self.id}/experiments", **query)

    def prearchive(self) -> list[dict[str, str]]:
        return self.rows(f"/data/prearchive/projects/{self.id}")

    def send(self, body: Path, *, content_type: str = "application/zip", **query: str) -> Any:
        """`POST /data/services/import` with a zip, by the client's own session: any status is handed back."""
        with body.open("rb") as stream:
            return self.client.interface.post(
                f"{self.client.server.rstrip('/')}/data/services/import",
                params={"import-handler": "DICOM-zip", **query},
                data=stream,
                headers={"Content-Type": content_type},
                timeout=120,
            )

    def to_prearchive(self, body: Path, *, session: str = "SESS", subject: str = "SUBJ", **query: str) -> str:
        """The URL of the entry that a good upload makes."""
        query = {"dest": f"/prearchive/projects/{self.id}", "project": self.id, "rename": "true"} | query
        response = self.send(body, subject=subject, session=session, **query)
        assert response.status_code == 200, response.text
        (url,) = response.text.split()
        return url

    def archive(self, url: str, **query: str) -> Any:
        return self.client.interface.post(
            f"{self.client.server.rstrip('/')}/data/services/archive",
            params={"src": url, **query},
            allow_redirects=False,
            timeout=120,
        )

    def publish(self, body: Path, *, session: str = "SESS", subject: str = "SUBJ", **query: str) -> str:
        """Uploads and archives; the experiment ID."""
        url = self.to_prearchive(body, session=session, subject=subject, **query)
        response = self.archive(url, project=self.id, subject=subject, session=session)
        assert response.status_code == 200, response.text
        return next(row["ID"] for row in self.experiments(columns="ID,label") if row["label"] == session)

    def raw(self, method: str, path: str, **arguments: Any) -> Any:
        """One request on the client's own session; any status is handed back."""
        arguments.setdefault("allow_redirects", False)
        return self.client.interface.request(
            method, f"{self.client.server.rstrip('/')}{path}", timeout=120, **arguments
        )


@pytest.fixture(scope="session")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    """A real XNAT when PIXELANON_LIVE_HOST, _USER and _PASS are set, else the sandbox."""
    names = ("PIXELANON_LIVE_HOST", "PIXELANON_LIVE_USER", "PIXELANON_LIVE_PASS")
    values = [os.environ.get(name, "") for name in names]
    if all(values):
        yield Endpoint(*values)
        return
    with Sandbox(tmp_path_factory.mktemp("contract")) as sandbox:
        sandbox.add_user("owner", "pw")
        yield Endpoint(sandbox.url, "owner", "pw")


@pytest.fixture(scope="module")
def client(endpoint: Endpoint) -> Iterator[Any]:
    with connect(endpoint) as session:
        yield session


@pytest.fixture
def corner(client: Any) -> Iterator[Corner]:
    """A project that is made for this test and removed behind it; nothing in it archives by itself."""
    project = f"PXA{uuid.uuid4().hex[:10].upper()}"
    client.put(f"/data/projects/{project}", query={"name": project, "req_format": "qs"}, accepted_status=[200, 201])
    client.put(f"/data/projects/{project}/accessibility/private")
    client.put(f"/data/projects/{project}/prearchive_code/0")
    yield Corner(client, project)
    for row in client.get_json(f"/data/prearchive/projects/{project}")["ResultSet"]["Result"]:
        client.delete(f"/data{row['url']}", accepted_status=[200, 404])
    client.delete(f"/data/projects/{project}", query={"removeFiles": "true"})


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return Study(tmp_path / "study")


@pytest.fixture
def new_study(tmp_path: Path) -> Callable[[], Study]:
    return lambda: Study(tmp_path / uuid.uuid4().hex)


@dataclass
class Stage:
    """A sandbox of a test's own with the usual people: owner, member, collaborator, stranger and admin of project P."""

    sandbox: Sandbox
    sessions: list[Any] = field(default_factory=list)

    def as_user(self, name: str) -> Corner:
        session = connect(Endpoint(self.sandbox.url, name, "pw"))
        self.sessions.append(session)
        return Corner(session, "P")


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Callable[..., Stage]]:
    """Makes a sandbox with the given settings."""
    made: list[Stage] = []

    def make(**settings: Any) -> Stage:
        sandbox = Sandbox(tmp_path / f"site{len(made)}", settings=Settings(**settings))
        sandbox.start()
        made.append(Stage(sandbox))
        for name in ("owner", "member", "collaborator", "stranger"):
            sandbox.add_user(name, "pw")
        sandbox.add_user("admin", "pw", admin=True)
        sandbox.add_project("P", owner="owner")
        sandbox.set_role("P", "member", "member")
        sandbox.set_role("P", "collaborator", "collaborator")
        return made[-1]

    yield make
    for one in made:
        for session in one.sessions:
            hang_up(session)
        one.sandbox.stop()
