"""The entry point, also of `python -m xnat_pixelanon`.

Worker processes import it as well: what a command line needs (a second of processor time) is imported by the call.
"""

from __future__ import annotations


def main() -> None:
    """Run the command line and end the process with its exit status."""
    from xnat_pixelanon.cli.main import main as command_line

    command_line()


if __name__ == "__main__":
    main()
