"""The image at work: under a user of no name, with a read-only root, no capabilities and no network."""

from __future__ import annotations

import hashlib
import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import imagecodecs
import pytest
from pydicom.encaps import encapsulate
from pydicom.uid import (
    HTJ2KLossless,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from tests.pipeline.conftest import banner_template, clean_template, slices, ultrasound
from xnat_pixelanon import __version__
from xnat_pixelanon.cli.main import status_of
from xnat_pixelanon.pixels.turbojpeg import why_missing
from xnat_pixelanon.sandbox.person import Person
from xnat_pixelanon.sandbox.phantoms import save

from .conftest import USER, Image, give, lock

README = (Path(__file__).parent.parent / "README.md").read_text("utf-8")
PERSON = Person.numbered(1)
ENCODE = {
    JPEGLosslessSV1: lambda cells: imagecodecs.jpeg8_encode(cells, lossless=True, predictor=1),
    JPEGLSLossless: imagecodecs.jpegls_encode,
    JPEG2000Lossless: lambda cells: imagecodecs.jpeg2k_encode(cells, level=0, reversible=True, codecformat="j2k"),
    HTJ2KLossless: lambda cells: imagecodecs.htj2k_encode(cells, reversible=True),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """`in` with clean slices and a still in each family of transfer syntaxes, `rules`, and what the user can write."""
    images = [*slices(PERSON), ultrasound(PERSON), ultrasound(PERSON, series=3, transfer_syntax=JPEGBaseline8Bit)]
    grey = {"photometric": "MONOCHROME2"}
    for series, syntax in enumerate(ENCODE, 4):
        ds = ultrasound(PERSON, series=series, **grey)
        ds.PixelData = encapsulate([bytes(ENCODE[syntax](ds.pixel_array))])
        ds.file_meta.TransferSyntaxUID = syntax
        images.append(ds)
    images.append(ultrasound(PERSON, series=8, **grey))
    images[-1].compress(RLELossless, generate_instance_uid=False)
    for number, ds in enumerate(images):
        save(ds, tmp_path / "in" / f"{number}.dcm")
    rules = tmp_path / "rules"
    rules.mkdir()
    templates = {"schema_version": 1, "templates": [banner_template(), clean_template()]}
    policy = {"schema_version": 1, "enabled": True, "destination": {"server": "same", "project": "CLEAN"}}
    (rules / "templates.json").write_text(json.dumps(templates))
    (rules / "policy.json").write_text(json.dumps(policy))
    for name in ("out", "scratch", "key"):
        (tmp_path / name).mkdir()
        give(tmp_path / name, USER)
    return tmp_path


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def words(root: str) -> list[str]:
    rules = ["--templates", f"{root}/rules/templates.json", "--policy", f"{root}/rules/policy.json"]
    return ["run", "--from", f"dir:{root}/in", "--to", f"dir:{root}/out", *rules, "--key", f"{root}/key/project.key"]


def mounts(folder: Path) -> dict[str, str]:
    told = {"in": ":ro", "rules": ":ro", "out": "", "key": "", "scratch": ""}
    return {str(folder / name): f"/data/{name}{mode}" for name, mode in told.items()}


def test_version_and_help(image: Image) -> None:
    version = image.run("--version")
    assert (version.returncode, version.stderr) == (0, "")
    assert __version__ in version.stdout
    told = image.run("--help")
    assert (told.returncode, told.stderr) == (0, "")
    assert "Usage: xnat-pixelanon" in told.stdout


def test_a_folder_comes_out_as_on_this_machine(image: Image, folder: Path) -> None:
    before = digests(folder / "in")
    done = image.run(
        *words("/data"), mounts=mounts(folder), environment={"TMPDIR": "/data/scratch", "XNAT_PASS": "not-to-be-said"}
    )
    assert done.returncode == 0, done.stderr
    assert "not-to-be-said" not in done.stdout + done.stderr
    assert digests(folder / "in") == before
    assert list((folder / "scratch").iterdir()) == []
    made = list((folder / "out").rglob("*"))
    assert {(path.stat().st_uid, path.stat().st_gid) for path in made} == {(USER, USER)}
    assert sum(path.suffix == ".dcm" for path in made) == len(before)
    assert why_missing() == "", "without libturbojpeg this machine's own copies of JPEG files are others"
    inside = digests(folder / "out")
    shutil.rmtree(folder / "out")
    assert status_of(words(str(folder))) == 0
    assert digests(folder / "out") == inside


def test_the_command_of_the_readme_works(image: Image, folder: Path) -> None:
    (folder / "in").rename(folder / "incoming")
    for document in (folder / "rules").iterdir():
        document.rename(folder / document.name)
    (shown,) = re.findall(r"^docker run .*\\\n.*$", README, re.MULTILINE)
    line = shown.replace("docker run", shlex.join([*image.engine, "run", *image.options]), 1)
    line = line.replace("xnat-pixelanon:VERSION", image.tag)
    done = subprocess.run(["bash", "-c", line], cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert len(list((folder / "clean").rglob("*.dcm"))) == len(list((folder / "incoming").iterdir()))


def test_a_folder_that_this_user_cannot_write_is_told_in_a_sentence(image: Image, folder: Path) -> None:
    lock(folder / "out")
    done = image.run(*words("/data"), mounts=mounts(folder), environment={"TMPDIR": "/data/scratch"})
    assert_told(done.returncode, done.stderr, "/data/out")
    assert list((folder / "out").iterdir()) == []


def test_no_place_for_scratch_is_told_in_a_sentence(image: Image, folder: Path) -> None:
    done = image.run(*words("/data"), mounts=mounts(folder))
    assert_told(done.returncode, done.stderr, "TMPDIR")


def assert_told(status: int, said: str, about: str) -> None:
    assert status == 3, said
    assert "Traceback" not in said
    assert "error: " in said
    assert about in said
