"""`sandbox` and `demo`: stand-in XNATs on this machine. They need the extra `sandbox`."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import click

from xnat_pixelanon.errors import ConfigurationError

_FOLDER = click.Path(file_okay=False, path_type=Path)


def _needs_extra() -> None:
    try:
        import uvicorn
    except ImportError:
        raise ConfigurationError(
            "the stand-in XNATs need packages that are not installed", hint="pip install 'xnat-pixelanon[sandbox]'"
        ) from None
    del uvicorn


@click.command("sandbox")
@click.option("--staging-port", type=click.IntRange(0, 65535), default=8081, show_default=True, help="0: any free one.")
@click.option("--clean-port", type=click.IntRange(0, 65535), default=8082, show_default=True, help="0: any free one.")
@click.option("--folder", type=_FOLDER, help="Keep what the servers store here. Default: a temporary folder.")
def sandbox_command(staging_port: int, clean_port: int, folder: Path | None) -> int:
    """Run two stand-in XNATs with sample sessions until Ctrl-C, on loopback only.

    Prints what to export so that 'plan', 'run', 'templates' and 'policy' reach them.
    """
    _needs_extra()
    from xnat_pixelanon.sandbox.demo import CLEAN, STAGING, stage

    with (
        tempfile.TemporaryDirectory(prefix="xnat-pixelanon-sandbox-") as temporary,
        stage(folder or Path(temporary), ports=(staging_port, clean_port)) as made,
    ):
        for name, value in made.environment.items():
            click.echo(f"export {name}={value}")
        click.echo(f"project {STAGING} holds {len(made.samples)} sessions, {CLEAN} is empty; Ctrl-C ends", err=True)
        while True:
            time.sleep(3600)


@click.command("demo")
@click.option("--out", type=_FOLDER, default=Path("demo-out"), show_default=True, help="Report and picture go here.")
def demo_command(out: Path) -> int:
    """Do the whole job on two stand-in XNATs with phantoms, by hand and by an event, and sweep the clean one."""
    _needs_extra()
    from xnat_pixelanon.cli.main import status_of
    from xnat_pixelanon.sandbox.demo import run_demo

    with tempfile.TemporaryDirectory(prefix="xnat-pixelanon-demo-") as temporary:
        run_demo(Path(temporary), out, status_of, click.echo)
    return 0
