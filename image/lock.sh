#!/usr/bin/env bash
# Writes the locks anew: the newest versions that Python 3.11 and 3.12 both have, with the hashes of all their files.
set -euo pipefail
cd "$(dirname "$0")"
uv=$1
lock() {
  "$uv" pip compile --universal --fork-strategy fewest --python-version 3.11 --generate-hashes --no-annotate \
    --custom-compile-command 'make lock' --quiet --upgrade --output-file "$@"
}
lock runtime.lock ../pyproject.toml
echo hatchling | lock build.lock -
