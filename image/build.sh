#!/usr/bin/env bash
# Builds the image and tests it. usage: image/build.sh PYTHON [--archive]
# PYTHON is one that the tests can run with; --archive keeps a file in build, for `docker load`.
#
# An engine of this machine is used when it has the base or can pull it, and keeps the image. Else, as root on Debian:
# podman and runc, in a store that is removed at the end, on a stand-in of the base. ENGINE=docker, podman or stand-in
# says which; BASE another base.
set -euo pipefail
cd "$(dirname "$0")/.."
python=$1
default_base=$(sed -n 's/^ARG BASE=//p' Dockerfile)
base=${BASE:-$default_base}
version=$("$python" -c 'import xnat_pixelanon; print(xnat_pixelanon.__version__)')
tag=docker.io/library/xnat-pixelanon:$version # in full: podman would save it as localhost/..., which no command names
work=$(mktemp -d)
engine=()
build=()
run=()
note=

fail() {
  echo "make image: $1" >&2
  exit 1
}

say() {
  printf '%4ds  %s\n' "$SECONDS" "$1"
}

clean_up() {
  if [ -d "$work/store" ]; then
    "${engine[@]}" rm --all --force >/dev/null 2>&1 || true
    umount -R "$work/store/overlay" 2>/dev/null || true
  fi
  rm -rf "$work"
}

usable() {
  command -v "$1" >/dev/null && "$1" info >/dev/null 2>&1 || return 1
  "$1" image inspect "$base" >/dev/null 2>&1 || timeout 300 "$1" pull --quiet "$base" >/dev/null 2>&1
}

stand_in() {
  [ "$(id -u)" = 0 ] || fail "no engine that can pull $base; the stand-in needs root"
  command -v apt-get >/dev/null || fail "no engine that can pull $base; the stand-in needs a Debian with apt"
  local need=() tool
  for tool in podman runc mmdebstrap strip; do
    command -v "$tool" >/dev/null || need+=("${tool/strip/binutils}")
  done
  ldconfig -p | grep 'libturbojpeg\.so\.0' >/dev/null || need+=(libturbojpeg0) # what comes out of the image is compared
  if [ "${#need[@]}" -gt 0 ]; then
    say "installing ${need[*]}"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${need[@]}" >"$work/apt.log" 2>&1 ||
      { cat "$work/apt.log" >&2; fail "apt could not install ${need[*]}"; }
  fi
  engine=(podman --root "$work/store" --runroot "$work/run" --storage-driver overlay --runtime runc --cgroup-manager cgroupfs)
  # The limits that podman sets by itself may be above what root has on this machine.
  run=(--read-only-tmpfs=false --ulimit nofile=4096:4096 --ulimit nproc=4096:4096)
  build=(--isolation chroot --network host --pull=never)
  note=" (on a stand-in of $default_base: for trying out, not for patients' images)"
  local bundle=${PIP_CERT:-${SSL_CERT_FILE:-}}
  if [ -n "$bundle" ]; then
    build+=(--volume "$bundle:$bundle:ro" --build-arg "PIP_CERT=$bundle")
  fi
  say "the stand-in base"
  image/base.sh build/stand-in
  "${engine[@]}" build --isolation chroot --squash-all --file image/stand-in.Dockerfile --tag "$base" build/stand-in \
    >"$work/base.log" 2>&1 || { cat "$work/base.log" >&2; fail "the stand-in base could not be built"; }
}

trap clean_up EXIT
for candidate in docker podman; do
  if [ "${ENGINE:-$candidate}" = "$candidate" ] && usable "$candidate"; then
    engine=("$candidate")
    [ "$candidate" = docker ] || run=(--read-only-tmpfs=false) # podman adds writable folders to a read-only root, docker none
    break
  fi
done
if [ "${#engine[@]}" -eq 0 ]; then
  case ${ENGINE:-stand-in} in
    stand-in) stand_in ;;
    *) fail "ENGINE=$ENGINE does not answer, or cannot pull $base" ;;
  esac
fi

revision=$(git rev-parse HEAD 2>/dev/null || true)
[ -z "$revision" ] || git diff --quiet HEAD -- || revision=$revision-modified
say "building $tag with ${engine[0]}"
"${engine[@]}" build "${build[@]}" --build-arg "BASE=$base" --build-arg "REVISION=$revision" \
  --build-arg "SOURCE=${SOURCE:-}" --tag "$tag" . >"$work/build.log" 2>&1 || { cat "$work/build.log" >&2; fail "the build failed"; }
say "saving it"
"${engine[@]}" save "$tag" | gzip >"$work/image.tar.gz"
say "$(($(wc -c <"$work/image.tar.gz") / 1000000)) MB compressed"

say "testing it"
IMAGE_ENGINE="${engine[*]}" IMAGE_RUN="${run[*]}" IMAGE_TAG=$tag IMAGE_ARCHIVE=$work/image.tar.gz \
  "$python" -m pytest -q -p no:cacheprovider image

if [ "${2:-}" = --archive ]; then
  archive=build/xnat-pixelanon-$version.tar.gz
  mkdir -p build
  mv "$work/image.tar.gz" "$archive"
  say "a site takes it by: gunzip -c $archive | docker load$note"
fi
say "done"
