"""Writes the end of the Dockerfile: the version, and the commands that the Container Service reads from the image.

A LABEL cannot be computed while an image is built, and a plain `docker build .` has to give the right one.
"""

from __future__ import annotations

from pathlib import Path

from xnat_pixelanon import __version__
from xnat_pixelanon.install.commands import LABEL, label

DOCKERFILE = Path(__file__).parent.parent / "Dockerfile"
HEAD = "# From here on: written by `make label`.\n"


def lines() -> str:
    """The two labels as lines of a Dockerfile.

    Between single quotes nothing is expanded and no quote needs an escape; the apostrophe itself gets JSON's. One line
    for each object that has a name: a Dockerfile's lines have a greatest length, and a change can be read.
    """
    value = label().replace("'", "\\u0027").replace('{"name":', '\\\n{"name":')
    return f"LABEL org.opencontainers.image.version='{__version__}'\nLABEL {LABEL}='{value}'\n"


def written(dockerfile: str) -> str:
    """The Dockerfile with its end written anew."""
    head, mark, _ = dockerfile.partition(HEAD)
    if not mark:
        raise SystemExit(f"the Dockerfile has no line {HEAD.strip()!r}")
    return head + mark + lines()


if __name__ == "__main__":
    DOCKERFILE.write_text(written(DOCKERFILE.read_text("utf-8")), "utf-8")
