"""The command line. Results go to stdout, everything else to stderr."""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType

import click

from xnat_pixelanon import __version__
from xnat_pixelanon.cli import show
from xnat_pixelanon.cli.accept import accept
from xnat_pixelanon.cli.documents import policy, templates
from xnat_pixelanon.cli.headers import headers_command
from xnat_pixelanon.cli.install import doctor_command, install_command, uninstall_command
from xnat_pixelanon.cli.launch import launch_command
from xnat_pixelanon.cli.lookup import lookup_command
from xnat_pixelanon.cli.run import plan_command, run_command
from xnat_pixelanon.cli.sandbox import demo_command, sandbox_command
from xnat_pixelanon.cli.script import script
from xnat_pixelanon.cli.withdraw import withdraw_command
from xnat_pixelanon.errors import PixelanonError, internal_error

EXIT_STATUS = {
    0: "done",
    1: "a session, or a step of an installation, failed",
    2: "the command line is not right",
    3: "configuration, login, rights, templates or policy",
    4: "with --strict: something is held, unsupported or no longer allowed",
    5: "a proof failed; nothing of that scan was sent",
    130: "interrupted",
}

_EPILOG = "Exit status: " + "; ".join(f"{code} {text}" for code, text in EXIT_STATUS.items()) + "."


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110}, epilog=_EPILOG)
@click.version_option(__version__, prog_name="xnat-pixelanon")
@click.option(
    "--debug", is_flag=True, help="Log more, with a traceback on errors. May name sessions: keep it in staging."
)
def cli(debug: bool) -> None:
    """Move anonymised copies of imaging sessions from a staging XNAT project into a clean one.

    Pixels are blackened by the project's stored templates, headers cleaned by the DICOM standard's Basic profile, every
    copy is reopened and proved, and every scan is reported. Nothing moves without a decision.
    """
    logging.basicConfig(level=logging.DEBUG if debug else logging.WARNING, stream=sys.stderr, format="%(message)s")
    for noisy in ("urllib3", "requests", "pydicom"):
        logging.getLogger(noisy).setLevel(logging.CRITICAL + 1)


_COMMANDS = (
    run_command,
    plan_command,
    withdraw_command,
    lookup_command,
    headers_command,
    templates,
    policy,
    script,
    accept,
    install_command,
    uninstall_command,
    doctor_command,
    launch_command,
    sandbox_command,
    demo_command,
)
for command in _COMMANDS:
    cli.add_command(command)


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point; ends the process with its exit status."""
    sys.exit(status_of(arguments))


def status_of(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status; errors are told in a sentence, with what to do next."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        return _status_of(words)
    finally:
        signal.signal(signal.SIGTERM, before)


def _status_of(words: list[str]) -> int:
    try:
        result = cli.main(args=words, prog_name="xnat-pixelanon", standalone_mode=False)
    except click.exceptions.Abort:
        return _interrupted()
    except KeyboardInterrupt:
        return _interrupted()
    except click.ClickException as error:
        error.show()
        if "--json" in words:
            show.json_error(error.format_message(), "see --help", 2)
        return 2
    except PixelanonError as error:
        if "--debug" in words:
            logging.getLogger("xnat_pixelanon").debug("", exc_info=True)
        show.error(error, as_json="--json" in words)
        return error.exit_code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:  # a defect of ours
        logging.getLogger("xnat_pixelanon").debug("internal error", exc_info=True)
        show.error(internal_error(error), as_json="--json" in words)
        return 1
    return result if isinstance(result, int) else 0


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _interrupted() -> int:
    click.echo("interrupted: nothing is half published; a run started again goes on from here", err=True)
    return 130
