"""The demo: sample sessions in a stand-in staging XNAT, the whole job, and a sweep of the stand-in clean XNAT."""

from __future__ import annotations

import io
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path

import pydicom

from xnat_pixelanon.archive import Credentials, connect
from xnat_pixelanon.errors import ProofError
from xnat_pixelanon.pixels import render_frame
from xnat_pixelanon.sandbox.app import RequestRecord
from xnat_pixelanon.sandbox.pictures import before_after
from xnat_pixelanon.sandbox.samples import (
    SampleSession,
    arriving_session,
    public_sessions,
    sample_policy,
    sample_sessions,
    sample_templates,
)
from xnat_pixelanon.sandbox.server import Sandbox
from xnat_pixelanon.sandbox.settings import Settings
from xnat_pixelanon.sandbox.sweep import Sweep, SweepResult

STAGING, CLEAN, SECOND = "STAGING", "CLEAN", "PUBLIC"
OWNER, ADMIN, PASSWORD = "demo-owner", "demo-admin", "demo-password"
_PATIENCE = 120.0
"""Seconds for a container that publishes one session, on a machine that is busy."""

Command = Callable[[Sequence[str]], int]
Say = Callable[[str], None]


@dataclass(slots=True)
class Stage:
    """Two stand-in XNATs with a staging project full of samples and an empty clean project."""

    staging: Sandbox
    clean: Sandbox
    samples: list[SampleSession] = field(default_factory=list)
    ids: dict[str, str] = field(default_factory=dict)
    """Experiment ID by session label."""

    @property
    def environment(self) -> Mapping[str, str]:
        """What the command line needs to reach both."""
        return {
            "XNAT_HOST": self.staging.url,
            "XNAT_USER": OWNER,
            "XNAT_PASS": PASSWORD,
            f"PIXELANON_{SECOND}_HOST": self.clean.url,
            f"PIXELANON_{SECOND}_USER": OWNER,
            f"PIXELANON_{SECOND}_PASS": PASSWORD,
        }

    def seed(self, samples: Sequence[SampleSession]) -> None:
        """Put sessions into the staging project, without an event."""
        for sample in samples:
            self.ids[sample.label] = self.staging.seed_session(STAGING, sample.subject, sample.label, sample.files)

    def sweep(self) -> SweepResult:
        """Look through everything that the clean server stores."""
        return Sweep(self.samples, (STAGING, *self.ids.values())).of(self.clean.stored())


@contextmanager
def stage(root: Path, *, public: bool = True, ports: tuple[int, int] = (0, 0)) -> Iterator[Stage]:
    """Start both servers below `root`, seed the staging project, stop them at the end."""
    staging = Sandbox(root / "staging-xnat", port=ports[0], settings=Settings(site_id="STAGE"))
    clean = Sandbox(root / "clean-xnat", port=ports[1], settings=Settings(site_id="CLEAN"))
    with staging, clean:
        for server in (staging, clean):
            server.add_user(OWNER, PASSWORD)
        staging.add_user(ADMIN, PASSWORD, admin=True)
        staging.add_project(STAGING, owner=OWNER)
        clean.add_project(CLEAN, owner=OWNER)
        made = Stage(staging, clean, sample_sessions(root / "samples", public=public))
        made.seed(made.samples)
        yield made


@contextmanager
def environment_of(made: Stage, **more: str) -> Iterator[None]:
    """The environment variables of the stage and `more`, for commands that run in this process."""
    variables = {**made.environment, **more}
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def run_demo(root: Path, out: Path, command: Command, say: Say) -> None:
    """The whole job as an owner would do it, typed commands and all; ProofError when the sweep finds a leak."""
    started = time.monotonic()
    out.mkdir(parents=True, exist_ok=True)
    say("Two stand-in XNATs on this machine, and a staging project of phantoms with invented names burned in.")
    with stage(root, public=False) as made, environment_of(made):
        say(f"staging {made.staging.url} with {len(made.samples)} sessions, clean {made.clean.url}, still empty\n")
        by_hand(made, out, command, say)
        real_images(made, root, out, command, say)
        by_itself(made, root, command, say)
        found = swept(made, say)
        say(f"picture: {_picture(made, out, root)}")
        say(f"report: {out / 'report' / 'report.html'}, and its pictures in contact-sheet.png")
        if found.leaks:
            raise ProofError("the sweep of the clean server found a leak", hint="report it")
    say(f"done in {time.monotonic() - started:.0f} s")


def by_hand(made: Stage, out: Path, command: Command, say: Say) -> None:
    """Documents stored, policy armed, a run, and the same run again; ProofError when a command fails."""
    say("1. By hand: an owner stores what was seen in the images and where copies go, and runs.\n")
    for words in commands(made, out):
        _typed(command, words, say)
        say("")
    say("The same again: nothing changed, so nothing is sent.")
    made.clean.clear_requests()
    _run_again(command, say)
    writes = [one for one in made.clean.requests if one.method not in ("GET", "HEAD")]
    say(f"requests to the clean server other than GET: {', '.join(sorted({_shape(one) for one in writes}))}\n")


def real_images(made: Stage, root: Path, out: Path, command: Command, say: Say) -> None:
    """Public images join the phantoms, with templates for them; ProofError when a command fails.

    What is burned in there may look like a real person's name: without --report no picture of it leaves staging.
    """
    say("2. Real images: sessions of public samples, under invented names, join those that are published already.\n")
    more = public_sessions(root / "public-samples")
    made.samples += more
    made.seed(more)
    document = {**sample_templates(made.samples), "based_on": 1}
    (out / "templates.json").write_text(json.dumps(document, indent=1) + "\n", "utf-8")
    _typed(command, ["templates", "push", "--from", f"xnat:{STAGING}", str(out / "templates.json")], say)
    _run_again(command, say)
    say("")


def by_itself(made: Stage, root: Path, command: Command, say: Say) -> None:
    """The tool installed, a session archived, and the container that its event starts; ProofError when one fails."""
    say("3. By itself: the tool is installed in the staging XNAT, and nobody types anything when a session arrives.\n")
    _prepare_site(made)
    for user, words in (
        (ADMIN, ["install"]),
        (OWNER, ["install", "--project", f"xnat:{STAGING}", "--events"]),
    ):
        say(f"$ xnat-pixelanon {' '.join(words)}     # {'the administrator' if user == ADMIN else 'the owner'}")
        with environment_of(made, XNAT_USER=user):
            _quoted(_steps(command, words), say)
    before = _clean_sessions(made)
    say("A session is archived in the staging project, as a scanner sends it: the Event Service fires CREATED, and the")
    say("Container Service starts a container, here a process of this machine. Its log:")
    sample = arriving_session(root / "arriving")
    made.samples.append(sample)
    session = made.ids[sample.label] = made.staging.seed_session(
        STAGING, sample.subject, sample.label, sample.files, announce=True
    )
    arrived = time.monotonic()
    container = made.staging.wait_for_containers(_PATIENCE)[-1]
    seconds = time.monotonic() - arrived
    _quoted([*container.stderr.splitlines(), *_last_lines(container.stdout)], say)
    new = _clean_sessions(made) - before
    if container.status != "Complete" or len(new) != 1:
        raise ProofError(f"the container is {container.status}, and {len(new)} sessions came of it", hint="report it")
    say(f"container {container.id}: {container.status}, {seconds:.0f} s after it arrived.")
    say(f"{session} of staging is in the clean project now, as {new.pop()}.\n")


def _prepare_site(made: Stage) -> None:
    """What an administrator does outside of the tool: the second server's account, and the switch of the events."""
    for name, value in (("host", made.clean.url), ("user", OWNER), ("pass", PASSWORD)):
        made.staging.set_system_property(f"pixelanon.public.{name}", value)
    made.staging.enable_events()
    made.staging.container_environment["PIXELANON_POLL"] = "0.5"


def _clean_sessions(made: Stage) -> set[str]:
    """Labels of the clean project, as its owner sees them."""
    with connect(Credentials(made.clean.url, OWNER, PASSWORD)) as connection:
        path = f"/data/projects/{CLEAN}/experiments?columns=label&format=json"
        return {row["label"] for row in connection.rows(path, "listing the clean project")}


def _steps(command: Command, words: Sequence[str]) -> list[str]:
    """What an installation did, one line a step; its table says the same."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        status = command(words)
    _well(status)
    return err.getvalue().splitlines()


def _last_lines(text: str) -> list[str]:
    """Those behind the tables of a run."""
    return [line for line in text.splitlines() if line.startswith(("sessions:", "report:"))]


def _quoted(lines: Sequence[str], say: Say) -> None:
    for line in lines:
        say(f"  | {line}")
    say("")


def _typed(command: Command, words: Sequence[str], say: Say) -> None:
    say(f"$ xnat-pixelanon {' '.join(words)}")
    _well(command(words))


def _run_again(command: Command, say: Say) -> None:
    """Of a run that says much the line that counts sessions."""
    words = ["run", "--from", f"xnat:{STAGING}"]
    say(f"$ xnat-pixelanon {' '.join(words)}")
    say(_last_line(command, words))


def _well(status: int) -> None:
    if status != 0:
        raise ProofError(f"the demo's command ended with status {status}", hint="report it")


def swept(made: Stage, say: Say) -> SweepResult:
    """What a sweep of the clean server finds, said in a sentence."""
    found = made.sweep()
    say(
        f"A sweep of everything that the clean server stores: {found.items} items, {found.files} files, "
        f"{found.elements} elements, {found.frames} frames; {len(found.leaks)} leaks."
    )
    return found


def commands(made: Stage, out: Path) -> list[list[str]]:
    """What an owner types, with the documents written to `out`."""
    templates, policy = out / "templates.json", out / "policy.json"
    templates.write_text(json.dumps(sample_templates(made.samples), indent=1) + "\n", "utf-8")
    policy.write_text(json.dumps(sample_policy(CLEAN, SECOND), indent=1) + "\n", "utf-8")
    source = ["--from", f"xnat:{STAGING}"]
    return [
        ["templates", "push", *source, str(templates)],
        ["policy", "push", *source, str(policy)],
        ["accept", "add", "--to", f"xnat:{CLEAN}@{SECOND}", *source],
        ["policy", "arm", *source],
        ["run", *source, "--report", str(out / "report")],
    ]


def _last_line(command: Command, words: Sequence[str]) -> str:
    """The line that counts sessions, of a run that says much."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        command(words)
    return next((line for line in out.getvalue().splitlines() if line.startswith("sessions:")), err.getvalue())


def _shape(request: RequestRecord) -> str:
    return f"{request.method} {request.path}"


def _picture(made: Stage, out: Path, scratch: Path) -> Path:
    """Before and after of a phantom: the first sample's first file, and its copy on the clean server."""
    source = made.samples[0].files[0]
    wanted = pydicom.dcmread(source, stop_before_pixels=True)
    copies = (item.path for item in made.clean.stored() if item.path is not None and item.path.suffix == ".dcm")
    for copy in copies:
        found = pydicom.dcmread(copy, stop_before_pixels=True)
        same = ("Rows", "Columns", "Modality", "Manufacturer", "NumberOfFrames", "SOPClassUID")
        if all(found.get(keyword) == wanted.get(keyword) for keyword in same):
            picture = out / "before-after.png"
            before_after(render_frame(source, 0, scratch), render_frame(copy, 0, scratch), picture)
            return picture
    raise ProofError("the first sample's copy is not on the clean server", hint="report it")
