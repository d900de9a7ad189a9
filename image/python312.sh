#!/usr/bin/env bash
# Prints the path of a Python 3.12 of this machine: PYTHON312 where it is set, one on the path, or one of pyenv's.
for python in ${PYTHON312:+"$PYTHON312"} python3.12 "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.12.*/bin/python3.12; do
  "$python" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 12) or print(sys.executable))' 2>/dev/null && exit
done
echo "no Python 3.12 on this machine, which the image runs: name one in PYTHON312" >&2
exit 1
