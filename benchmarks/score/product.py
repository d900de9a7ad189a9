"""The program over the corpus, as anybody runs it: in a process of its own, from a folder and from a staging XNAT."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.score.corpus import PROJECT, Corpus, write_rules
from xnat_pixelanon.sandbox.server import Sandbox
from xnat_pixelanon.sandbox.settings import Settings

_ROOT = Path(__file__).parents[2]
_OWNER, _PASSWORD = "score-owner", "score-password"


@dataclass(frozen=True, slots=True)
class Ended:
    """How the two runs ended: exit status by route. What they said is not kept: it may quote a header."""

    status: Mapping[str, int]


@contextmanager
def staging(corpus: Corpus, folder: Path) -> Iterator[Sandbox]:
    """A stand-in XNAT with the sessions of the corpus that belong into one, its documents stored, and a key made."""
    with Sandbox(folder / "xnat", settings=Settings(site_id="STAGE")) as server:
        server.add_user(_OWNER, _PASSWORD)
        server.add_project(PROJECT, owner=_OWNER)
        for session in corpus.sessions:
            if session.route == "project":
                server.seed_session(PROJECT, *session.labels, session.files)
        templates, policy = write_rules(corpus, (), folder / "rules")
        for kind, path in (("templates", templates), ("policy", policy)):
            if _call([kind, "push", "--from", f"xnat:{PROJECT}", str(path)], _login(server)):
                raise RuntimeError(f"the {kind} could not be stored")
        yield server


def run_program(corpus: Corpus, server: Sandbox, options: Sequence[str], out: Path) -> Ended:
    """Both routes with these options; copies in `out/folder` and `out/project`, documents and reports beside them."""
    templates, policy = write_rules(corpus, options, out / "rules")
    given = ["--templates", str(templates), "--policy", str(policy), "--workers", "2"]
    folder = ["run", "--from", f"dir:{corpus.folder / 'folder'}", "--to", f"dir:{out / 'folder'}", *given]
    folder += ["--key", str(out / "rules" / "key"), "--report", str(out / "report" / "folder")]
    project = ["run", "--from", f"xnat:{PROJECT}", "--to", f"dir:{out / 'project'}", *given]
    project += ["--report", str(out / "report" / "project")]
    return Ended({"folder": _call(folder, {}), "project": _call(project, _login(server))})


def _login(server: Sandbox) -> Mapping[str, str]:
    return {"XNAT_HOST": server.url, "XNAT_USER": _OWNER, "XNAT_PASS": _PASSWORD}


def _call(words: Sequence[str], environment: Mapping[str, str]) -> int:
    command = [sys.executable, "-m", "xnat_pixelanon", *words]
    done = subprocess.run(command, cwd=_ROOT, env={**os.environ, **environment}, capture_output=True, check=False)
    return done.returncode
