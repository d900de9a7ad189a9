"""The command files of the Container Service, and the label that carries them inside the image.

Two commands, as a secret that is not set makes every launch of its command fail: the second one alone has the secrets
of a second XNAT. `python -m xnat_pixelanon.install.commands` prints the label.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

SAME_SERVER = "pixelanon"
SECOND_SERVER = "pixelanon-second-server"
LABEL = "org.nrg.commands"
"""The label of an image that the Container Service reads: a JSON list of commands."""
_FILES = ("command.json", "command-second-server.json")

Command = Mapping[str, Any]


@cache
def commands() -> Mapping[str, Command]:
    """The commands by their names, in the order of the label."""
    folder = files("xnat_pixelanon.install")
    loaded = [json.loads(folder.joinpath(name).read_text("utf-8")) for name in _FILES]
    return {command["name"]: command for command in loaded}


def command_for(server: str) -> Command:
    """The command that publishes to a policy's `destination.server`: `same`, or the name of a second one."""
    return commands()[SAME_SERVER if server == "same" else SECOND_SERVER]


def label() -> str:
    """The value of the image label, on one line."""
    return json.dumps(list(commands().values()), separators=(",", ":"), ensure_ascii=True)


if __name__ == "__main__":
    print(label())
