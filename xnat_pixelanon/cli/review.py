"""`review`: the review page, live. It needs the extra `review`."""

from __future__ import annotations

import json
import webbrowser
from pathlib import Path
from typing import Any

import click

from xnat_pixelanon.archive import DirLocation, Location
from xnat_pixelanon.cli.documents import stored_in
from xnat_pixelanon.cli.run import LOCATION
from xnat_pixelanon.cli.survey import surveyed_now
from xnat_pixelanon.errors import ConfigurationError, NotFoundError, RefusedError
from xnat_pixelanon.pipeline.survey_document import FILE


@click.command("review")
@click.option("--from", "source", type=LOCATION, required=True, metavar="xnat:PROJECT", help="The staging project.")
@click.option(
    "--survey",
    "survey_path",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="What 'survey --report DIR' wrote; without it the survey is made now, and kept in memory only.",
)
@click.option("--port", type=click.IntRange(0, 65535), default=0, show_default=True, help="0: any free one.")
@click.option("--no-browser", is_flag=True, help="Only print the address; do not open a browser.")
def review_command(source: Location, survey_path: Path | None, port: int, no_browser: bool) -> int:
    """Look at every group, draw boxes, and save to the project, in a browser on this machine.

    The page is served on loopback until Ctrl-C. Its address works once.

    \b
    xnat-pixelanon review --from xnat:STAGING
    """
    server_of = _server()
    if isinstance(source, DirLocation):
        raise ConfigurationError("documents are stored in XNAT projects only", hint="give --from xnat:PROJECT")
    survey = surveyed_now(source) if survey_path is None else _read(survey_path)
    if survey["project"] != source.project:
        raise RefusedError(
            f"the survey is of another project than {source.project}", hint="survey this project, then review"
        )
    server = server_of(survey, lambda: stored_in(source), port)
    click.echo(server.url)
    click.echo("the address works once; Ctrl-C ends", err=True)
    if not no_browser:
        webbrowser.open(server.url)
    server.run()
    return 0


def _server() -> Any:
    try:
        from xnat_pixelanon.review.server import ReviewServer
        from xnat_pixelanon.review.storing import Storing
    except ImportError:
        raise ConfigurationError(
            "the live page needs packages that are not installed", hint="pip install 'xnat-pixelanon[review]'"
        ) from None
    return lambda survey, open_store, port: ReviewServer(survey, Storing(open_store), port)


def _read(path: Path) -> dict[str, Any]:
    file = path / FILE if path.is_dir() else path
    try:
        found = json.loads(file.read_text("utf-8"))
    except OSError as error:
        raise NotFoundError(f"{file} cannot be read: {error.strerror}", hint="give the folder of a survey") from None
    except ValueError:
        raise ConfigurationError(f"{file} is not JSON", hint="give the folder of a survey") from None
    if not isinstance(found, dict) or found.get("schema_version") != 1:
        raise ConfigurationError(f"{file} is not a survey of this version", hint="run 'survey' again")
    return found
