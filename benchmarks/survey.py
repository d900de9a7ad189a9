"""`python -m benchmarks.survey`: a survey of many sessions of a sandbox, by mount and by REST, and from the cache."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

from xnat_pixelanon.sandbox.person import Person
from xnat_pixelanon.sandbox.phantoms import phantom, save
from xnat_pixelanon.sandbox.server import Sandbox
from xnat_pixelanon.sandbox.settings import Settings

OWNER, PASSWORD, PROJECT = "owner", "pass-word", "STAGING"
_SCANS, _FILES, _SIZE = 2, 3, 512


@click.command()
@click.option("--sessions", type=click.IntRange(1), default=1000, help="Of two scans of three 512x512 files each.")
@click.option("--rest/--no-rest", default=True, help="Measure a survey without a mount too.")
@click.option("--folder", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Where scratch is made.")
def main(sessions: int, rest: bool, folder: Path | None) -> None:
    """Wall time, and peak memory of the survey with its workers. The server shares the machine's processors."""
    with tempfile.TemporaryDirectory(prefix="pixelanon-survey-", dir=folder) as name:
        root = Path(name)
        with _sandbox(root / "server") as server:
            began = time.monotonic()
            last = ""
            for number in range(sessions):
                files = list(_images(root / "seed", number))
                last = server.seed_session(PROJECT, f"SUBJECT{number:04d}", f"SESSION{number:04d}", files)
                for file in files:
                    file.unlink()
            click.echo(f"{sessions} sessions seeded in {time.monotonic() - began:.0f} s", err=True)
            environment = os.environ | {"XNAT_HOST": server.url, "XNAT_USER": OWNER, "XNAT_PASS": PASSWORD}
            mount = {"PIXELANON_MOUNT": str(server.session_folder(last).parent)}
            rows = [
                ("by mount", *_measured(root, "mount", environment | mount, "mount-cache")),
                ("by mount, from the cache", *_measured(root, "again", environment | mount, "mount-cache")),
            ]
            if rest:
                rows.append(("by REST, sampled", *_measured(root, "rest", environment, "rest-cache")))
                rows.append(("by REST, from the cache", *_measured(root, "rest-again", environment, "rest-cache")))
    click.echo(f"{sessions} sessions of {_SCANS} scans of {_FILES} files, {os.cpu_count()} processors\n")
    click.echo("| survey | wall s | sessions/s | peak MiB | page MB |\n|---|---|---|---|---|")
    for name, seconds, peak, page in rows:
        click.echo(f"| {name} | {seconds:.1f} | {sessions / seconds:.0f} | {peak:.0f} | {page:.1f} |")


def _images(folder: Path, number: int) -> Iterator[Path]:
    person = Person.numbered(number % 9999 + 1)
    for scan in range(1, _SCANS + 1):
        for instance in range(1, _FILES + 1):
            ds = phantom(
                "CT", person=person, rows=_SIZE, columns=_SIZE, series=scan, instance=instance, study=number + 1
            )
            yield save(ds, folder / f"{scan}-{instance}.dcm")


@contextmanager
def _sandbox(folder: Path) -> Iterator[Sandbox]:
    server = Sandbox(folder, settings=Settings(site_id="STAGE"))
    server.start()
    try:
        server.add_user(OWNER, PASSWORD)
        server.add_project(PROJECT, owner=OWNER)
        yield server
    finally:
        server.stop()


def _measured(root: Path, name: str, environment: dict[str, str], cache: str) -> tuple[float, float, float]:
    """Wall seconds, peak MiB of all processes together, megabytes of the page."""
    report = root / name
    words: Sequence[str] = (
        *(sys.executable, "-m", "xnat_pixelanon", "survey", "--from", f"xnat:{PROJECT}"),
        *("--report", str(report), "--cache", str(root / cache)),
    )
    began = time.monotonic()
    process = subprocess.Popen(words, env=environment, stdout=subprocess.DEVNULL)
    peak = 0.0
    while process.poll() is None:
        peak = max(peak, _memory(process.pid))
        time.sleep(0.1)
    seconds = time.monotonic() - began
    if process.returncode:
        raise click.ClickException(f"the survey ended with {process.returncode}")
    return seconds, peak, (report / "review.html").stat().st_size / 1e6


def _memory(pid: int) -> float:
    """MiB that a process and its children have in memory alone (proportional set size), 0 where it has ended."""
    total = 0.0
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text("ascii").splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1]) / 1024
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text("ascii").split():
                total += _memory(int(child))
    except (OSError, ValueError):
        return total
    return total


if __name__ == "__main__":
    main()
