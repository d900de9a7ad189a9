"""A stand-in XNAT on loopback: real HTTP, real files, the traps of a real one.

It speaks the routes that the tool uses and behaves as a real site does where a naive fake would let a bug pass. It is
for tests and demonstrations: it never listens on anything but loopback.
"""

from __future__ import annotations

import ipaddress
import socket
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from ..errors import ConfigurationError
from . import census, inbound_routes, seeding
from .accounts import Accounts
from .app import App, RequestLog, RequestRecord
from .census import StoredItem
from .faults import Faults
from .prearchive import Rebuilder
from .records import ROLES, Project, User
from .routes import Site
from .services import Services, ServicesFace
from .settings import Settings
from .state import State

_START_SECONDS = 20.0


def _loopback(host: str) -> str:
    """The address to bind; raises ConfigurationError for anything but loopback."""
    address = "127.0.0.1" if host == "localhost" else host
    try:
        if ipaddress.ip_address(address).is_loopback:
            return address
    except ValueError:
        pass
    raise ConfigurationError(
        "the sandbox binds loopback addresses only", hint="use 127.0.0.1, ::1 or localhost as its host"
    )


class Sandbox(ServicesFace):
    """One stand-in XNAT; a context manager. Its files lie under `root`, everything else is in memory."""

    def __init__(self, root: Path, *, host: str = "127.0.0.1", port: int = 0, settings: Settings | None = None) -> None:
        self.host = _loopback(host)
        self.port = port
        self.root = root
        self.settings = settings or Settings()
        self.faults = Faults()
        self._state = State(root, self.settings)
        self._accounts = Accounts(self._state)
        self._services = Services(self._state, self._accounts)
        self._log = RequestLog()
        self._rebuilder = Rebuilder(self._state, lambda entry: inbound_routes.auto_archive(self._state, entry))
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        return f"http://[{self.host}]:{self.port}" if ":" in self.host else f"http://{self.host}:{self.port}"

    def start(self) -> None:
        """Listens; returns when requests are answered. A port of 0 becomes the port that was free."""
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        # asyncio switches Nagle's delay off only where the protocol is named.
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((self.host, self.port))
        except OSError as error:
            listener.close()
            raise ConfigurationError(f"port {self.port} is taken", hint="choose another port, or 0") from error
        self.port = int(listener.getsockname()[1])
        app = App(Site(self._state, self._accounts, self._services), self.faults, self._log, self._disconnect)
        config = uvicorn.Config(
            app, http="h11", ws="none", loop="asyncio", lifespan="off", log_config=None, log_level="error",
            access_log=False, server_header=False, timeout_graceful_shutdown=1,
        )  # fmt: skip
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [listener]}, name="sandbox-xnat", daemon=True
        )
        self._thread.start()
        limit = time.monotonic() + _START_SECONDS
        while not self._server.started:
            if time.monotonic() > limit or not self._thread.is_alive():
                raise ConfigurationError("the sandbox did not start")
            time.sleep(0.005)
        self._services.start(self.url)
        self._rebuilder.start()

    def stop(self) -> None:
        """Ends the server and its containers; records and files stay, and `start` goes on with them."""
        self._rebuilder.stop()
        self._services.stop()
        if self._server is not None and self._thread is not None:
            self._server.should_exit = True
            self._thread.join(timeout=_START_SECONDS)
        self._server = self._thread = None

    def __enter__(self) -> Sandbox:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _disconnect(self, client: tuple[str, int], abort: bool) -> None:
        if self._server is None:
            return
        for connection in list(self._server.server_state.connections):
            if isinstance(connection, H11Protocol) and connection.client == client:
                if abort:
                    connection.transport.abort()
                else:
                    connection.transport.close()

    # Accounts

    def add_user(self, name: str, password: str, *, admin: bool = False) -> None:
        with self._state.lock:
            self._state.users[name] = User(name, password, admin)

    def issue_token(self, user: str) -> tuple[str, str]:
        """Alias and secret, as the Container Service hands them to a container."""
        return self._accounts.issue_token(user)

    def revoke_token(self, alias: str) -> None:
        self._accounts.revoke_token(alias)

    def kill_sessions(self) -> None:
        """Every login is forgotten, as after a restart or a timeout; tokens stay."""
        self._accounts.kill_sessions()

    # Contents

    def add_project(
        self,
        id: str,
        *,
        owner: str | None = None,
        accessibility: str = "private",
        prearchive_code: int = 0,
        quarantine_code: int = 0,
    ) -> None:
        with self._state.lock:
            project = Project(id, id, accessibility, prearchive_code, quarantine_code)
            if owner is not None:
                project.roles[owner] = "owner"
            self._state.projects[id] = project

    def set_role(self, project: str, user: str, role: str | None) -> None:
        """`owner`, `member`, `collaborator`, or None for no role."""
        if role is not None and role not in ROLES:
            raise ValueError(f"unknown role {role}")
        with self._state.lock:
            roles = self._state.projects[project].roles
            roles.pop(user, None)
            if role is not None:
                roles[user] = role

    def set_accessibility(self, project: str, accessibility: str) -> None:
        with self._state.lock:
            self._state.projects[project].accessibility = accessibility

    def seed_session(
        self, project: str, subject: str, label: str, files: Sequence[Path], *, anonymise: bool = True,
        announce: bool = False,
    ) -> str:  # fmt: skip
        """Archives DICOM files like a normal arrival and gives the experiment ID; the same label again adds to it.

        anonymise: the site script runs and writes the labels into Patient's Name and Patient ID.
        announce: the Event Service is told, as of an arrival.
        """
        return seeding.seed_session(
            self._state, project, subject, label, files, anonymise=anonymise, announce=announce
        )  # fmt: skip

    def add_resource_file(
        self, project: str, session: str | None, resource: str, name: str, data: bytes, *, scan: str | None = None
    ) -> None:
        """A file into a resource of the project (session None), of a session, or of one of its scans."""
        seeding.add_resource_file(self._state, project, session, resource, name, data, scan=scan)

    def add_assessor(
        self,
        project: str,
        session: str,
        label: str,
        *,
        xsi_type: str = "xnat:qcAssessmentData",
        resource: str = "DATA",
        files: Mapping[str, bytes] | None = None,
    ) -> str:
        return seeding.add_assessor(
            self._state, project, session, label, xsi_type=xsi_type, resource=resource, files=dict(files or {})
        )

    def share_session(self, session_id: str, project: str, *, label: str | None = None) -> None:
        seeding.share_session(self._state, session_id, project, label)

    def rename_session(self, session_id: str, label: str) -> None:
        seeding.rename_session(self._state, session_id, label)

    def give_to_subject(self, session_id: str, subject: str) -> None:
        """Moves a session to another subject of its project, which is made if absent."""
        seeding.give_to_subject(self._state, session_id, subject)

    def scan_folder_drift(self, session_id: str, scan: str, new_id: str) -> None:
        """Gives a scan another ID, while its folder keeps the old one."""
        seeding.scan_folder_drift(self._state, session_id, scan, new_id)

    def session_folder(self, session_id: str) -> Path:
        """What the Container Service would mount for a session."""
        return self._state.experiments[session_id].folder

    # Watching

    @property
    def requests(self) -> list[RequestRecord]:
        return self._log.copy()

    def clear_requests(self) -> None:
        self._log.clear()

    def stored(self) -> Iterator[StoredItem]:
        """Everything that this server stores, for a sweep that knows nothing of how it is stored."""
        return census.stored(self._state, self._log.copy(), self._services.records())


def run_sandbox(
    root: Path, *, host: str = "127.0.0.1", ports: tuple[int, int] = (0, 0), settings: Settings | None = None
) -> tuple[Sandbox, Sandbox]:
    """Two started servers, staging and clean, under `root`; the caller stops them."""
    staging = Sandbox(root / "staging", host=host, port=ports[0], settings=settings)
    clean = Sandbox(root / "clean", host=host, port=ports[1], settings=settings)
    staging.start()
    try:
        clean.start()
    except ConfigurationError:
        staging.stop()
        raise
    return staging, clean
