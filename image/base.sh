#!/usr/bin/env bash
# The contents of the stand-in base, as two archives in the folder given: Debian bookworm from the machine's own apt
# sources, and the machine's own CPython 3.12 in /usr/local, where the upstream image has it.
set -euo pipefail
folder=$1
mkdir -p "$folder"

python=$("$(dirname "$0")/python312.sh")
prefix=$("$python" -c 'import sys; print(sys.base_prefix)')

if [ ! -s "$folder/root.tar" ]; then
  sources=()
  for file in /etc/apt/sources.list /etc/apt/sources.list.d/debian.sources; do
    [ -s "$file" ] && sources+=("$file")
  done
  libraries=ca-certificates,libssl3,libffi8,libsqlite3-0,zlib1g,libbz2-1.0,liblzma5,libreadline8,libncursesw6,libuuid1,libexpat1
  mmdebstrap --quiet --variant=minbase --include="$libraries" \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' \
    bookworm "$folder/root.part" "${sources[@]}" --format=tar
  mv "$folder/root.part" "$folder/root.tar"
fi

if [ ! -s "$folder/python.tar" ]; then
  tree=$(mktemp -d)
  trap 'rm -rf "$tree"' EXIT
  local=$tree/usr/local
  mkdir -p "$local/bin" "$local/lib"
  cp -a "$prefix/bin/python3.12" "$local/bin/"
  ln -s python3.12 "$local/bin/python3"
  ln -s python3.12 "$local/bin/python"
  cp -a "$prefix"/lib/libpython3*.so* "$local/lib/"
  tar -C "$prefix/lib" --exclude=site-packages --exclude=__pycache__ --exclude=test --exclude=idlelib \
    --exclude='config-3.12*' -cf - python3.12 | tar -C "$local/lib" -xf -
  mkdir "$local/lib/python3.12/site-packages"
  find "$local/lib" -name '*.so*' -type f -exec strip --strip-unneeded {} +
  tar -C "$tree" --owner=0 --group=0 -cf "$folder/python.part" usr
  mv "$folder/python.part" "$folder/python.tar"
fi
