"""What the image is made of, and what it says of itself."""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Any

from xnat_pixelanon import __version__
from xnat_pixelanon.install.commands import LABEL

from .conftest import Image

ROOT = Path(__file__).parent.parent
MOST_BYTES = 150_000_000


def test_the_label_is_the_command_files_and_names_this_image(config: dict[str, Any], image: Image) -> None:
    files = [json.loads((ROOT / name).read_text()) for name in ("command.json", "command-second-server.json")]
    assert json.loads(config["Labels"][LABEL]) == files
    assert {f"docker.io/library/{command['image']}" for command in files} == {image.tag}


def test_the_other_labels(config: dict[str, Any]) -> None:
    own = "org.opencontainers.image."
    said = {name.removeprefix(own): value for name, value in config["Labels"].items() if name.startswith(own)}
    assert said["title"] == "xnat-pixelanon"
    assert said["version"] == __version__
    assert said["licenses"] == "Apache-2.0"
    assert said["base.name"] == os.environ.get("BASE", "docker.io/library/python:3.12-slim-bookworm")
    assert {"description", "revision", "source"} <= set(said)
    assert not (ROOT / ".git").exists() or re.fullmatch(r"[0-9a-f]{40}(-modified)?", said["revision"])


def test_the_user_is_a_number_and_the_entry_point_no_shell(config: dict[str, Any]) -> None:
    assert config["User"] == "1000:1000"
    assert config["Entrypoint"] == ["xnat-pixelanon"]
    assert not config.get("Cmd")


def test_the_environment_has_no_settings_of_the_build_and_no_secret(config: dict[str, Any], image: Image) -> None:
    names = {entry.partition("=")[0] for entry in config["Env"]}
    own = {"PATH", "HOME", "PYTHONDONTWRITEBYTECODE", "PYTHONNOUSERSITE", "PYTHONUNBUFFERED"}
    upstream = {"LANG", "GPG_KEY", "PYTHON_VERSION", "PYTHON_SHA256"}
    assert own <= names <= own | upstream
    files = image.python(
        "import glob, json; print(json.dumps(glob.glob('/etc/pip*') + glob.glob('/root/.*/pip*')))", user=0
    )
    assert files == []


def test_the_archive_can_be_sent_to_a_site_without_a_registry(image: Image) -> None:
    assert image.archive.stat().st_size < MOST_BYTES
    with tarfile.open(image.archive) as archive:
        manifest = archive.extractfile("manifest.json")
        assert manifest is not None
        (entry,) = json.load(manifest)
    assert [tag.removeprefix("docker.io/library/") for tag in entry["RepoTags"]] == [f"xnat-pixelanon:{__version__}"]
    with (
        gzip.open(image.archive) as unpacked,
        subprocess.Popen([*image.engine, "load"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as load,
    ):
        assert load.stdin is not None
        shutil.copyfileobj(unpacked, load.stdin)
        said, _ = load.communicate(timeout=120)
    assert load.returncode == 0
    assert f"xnat-pixelanon:{__version__}" in said.decode()


INSTALLED = """
import importlib.metadata, json
print(json.dumps({d.metadata["Name"].lower().replace("_", "-"): d.version for d in importlib.metadata.distributions()}))
"""


def test_what_is_installed_is_what_the_lock_says_and_nothing_else(image: Image) -> None:
    locked = dict(re.findall(r"^([a-z0-9.-]+)==([^ ;\\]+)", (ROOT / "image/runtime.lock").read_text(), re.MULTILINE))
    assert image.python(INSTALLED) == locked | {"xnat-pixelanon": __version__}


TOOLS = """
import json, shutil
print(json.dumps([name for name in ("cc", "gcc", "g++", "c++", "make", "ld", "pip", "pip3") if shutil.which(name)]))
"""


def test_there_is_no_compiler_and_no_installer(image: Image) -> None:
    assert image.python(TOOLS, environment={"PATH": "/opt/venv/bin:/usr/local/bin:/usr/bin:/bin"}) == []


CODECS = """
import json
import numpy as np
import imagecodecs, jpeg_ls
from xnat_pixelanon.pixels.turbojpeg import why_missing

cells = np.random.default_rng(1).integers(0, 256, (24, 40), dtype=np.uint8)
both = {
    "jpeg lossless": (lambda a: imagecodecs.jpeg8_encode(a, lossless=True), imagecodecs.jpeg8_decode),
    "jpeg-ls": (imagecodecs.jpegls_encode, imagecodecs.jpegls_decode),
    "jpeg-ls by charls": (lambda a: bytes(jpeg_ls.encode_array(a)), imagecodecs.jpegls_decode),
    "jpeg 2000": (lambda a: imagecodecs.jpeg2k_encode(a, level=0, reversible=True), imagecodecs.jpeg2k_decode),
    "htj2k": (lambda a: imagecodecs.htj2k_encode(a, reversible=True), imagecodecs.htj2k_decode),
    "packbits": (imagecodecs.packbits_encode, lambda d: np.frombuffer(imagecodecs.packbits_decode(d), np.uint8)),
}
same = {name: np.array_equal(decode(encode(cells)).ravel(), cells.ravel()) for name, (encode, decode) in both.items()}
print(json.dumps({"libturbojpeg": why_missing(), "wrong": [name for name in same if not same[name]]}))
"""


def test_every_codec_works_inside_and_libturbojpeg_passes_its_own_test(image: Image) -> None:
    assert image.python(CODECS) == {"libturbojpeg": "", "wrong": []}
