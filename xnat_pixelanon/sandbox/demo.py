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

from xnat_pixelanon.errors import ProofError
from xnat_pixelanon.pixels import render_frame
from xnat_pixelanon.sandbox.app import RequestRecord
from xnat_pixelanon.sandbox.pictures import before_after
from xnat_pixelanon.sandbox.samples import SampleSession, sample_policy, sample_sessions, sample_templates
from xnat_pixelanon.sandbox.server import Sandbox
from xnat_pixelanon.sandbox.settings import Settings
from xnat_pixelanon.sandbox.sweep import Sweep, SweepResult

STAGING, CLEAN, SECOND = "STAGING", "CLEAN", "PUBLIC"
OWNER, PASSWORD = "demo-owner", "demo-password"

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
        staging.add_project(STAGING, owner=OWNER)
        clean.add_project(CLEAN, owner=OWNER)
        made = Stage(staging, clean, sample_sessions(root / "samples", public=public))
        for sample in made.samples:
            made.ids[sample.label] = staging.seed_session(STAGING, sample.subject, sample.label, sample.files)
        yield made


@contextmanager
def environment_of(made: Stage) -> Iterator[None]:
    """The environment variables of the stage, for commands that run in this process."""
    before = {name: os.environ.get(name) for name in made.environment}
    os.environ.update(made.environment)
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
    with stage(root) as made, environment_of(made):
        say(f"staging {made.staging.url} with {len(made.samples)} sessions, clean {made.clean.url}, still empty\n")
        found = whole_job(made, out, command, say)
        say(f"picture: {_picture(made, out, root)}")
        say(f"report: {out / 'report' / 'report.html'}")
        if found.leaks:
            raise ProofError("the sweep of the clean server found a leak", hint="report it")
    say(f"done in {time.monotonic() - started:.0f} s")


def whole_job(made: Stage, out: Path, command: Command, say: Say) -> SweepResult:
    """Documents stored, policy armed, a run, the same run again, and the sweep; ProofError when a command fails."""
    for words in commands(made, out):
        say(f"$ xnat-pixelanon {' '.join(words)}")
        status = command(words)
        say("" if status == 0 else f"exit status {status}\n")
        if status != 0:
            raise ProofError(f"the demo's command ended with status {status}", hint="report it")
    say("The same again: nothing changed, so nothing is sent.")
    made.clean.clear_requests()
    say(f"$ xnat-pixelanon run --from xnat:{STAGING}")
    say(_last_line(command, ["run", "--from", f"xnat:{STAGING}"]))
    writes = [one for one in made.clean.requests if one.method not in ("GET", "HEAD")]
    say(f"requests to the clean server other than GET: {', '.join(sorted({_shape(one) for one in writes}))}\n")
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
