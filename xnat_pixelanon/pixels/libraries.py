"""Which codec libraries this machine has, for people who look after an installation."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

import imagecodecs

from xnat_pixelanon.pixels import turbojpeg

_PACKAGES = ("pydicom", "numpy", "imagecodecs", "pyjpegls")
_USED = ("JPEG8", "LJPEG", "JPEGLS", "JPEG2K", "HTJ2K", "PACKBITS")


def versions() -> dict[str, str]:
    """Of each package that reads or writes pixels; empty where it is not installed."""
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = ""
    return found


def missing_codecs() -> list[str]:
    """Codecs of imagecodecs that transfer syntaxes need and that its build leaves out."""
    return [name for name in _USED if not getattr(imagecodecs, name).available]


def why_no_turbojpeg() -> str:
    """Empty when libturbojpeg is there and passes its self-test, else one sentence."""
    return turbojpeg.why_missing()
