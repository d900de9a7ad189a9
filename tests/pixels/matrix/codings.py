"""Pixel layouts by transfer syntax: those that DICOM allows, and the oddities that encoders write all the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from . import cell as syntaxes
from .cell import Cell

GREY = ("MONOCHROME1", "MONOCHROME2")


def grey(photometric: str, allocated: int, stored: int, signed: bool, **more: object) -> Cell:
    """A layout of one sample; the transfer syntax comes later."""
    return Cell("", photometric, allocated, stored, stored - 1, signed, **more)  # type: ignore[arg-type]


def colour(photometric: str, variant: str = "", *, bits: int = 8, stored: int = 0, planar: int = 0) -> Cell:
    stored = stored or bits
    return Cell("", photometric, bits, stored, stored - 1, planar=planar, variant=variant)


def greys(widths: Sequence[tuple[int, int]]) -> Iterator[Cell]:
    for photometric in GREY:
        for allocated, stored in widths:
            for signed in (False, True):
                yield grey(photometric, allocated, stored, signed)


def odd_layouts(*, lossless: bool) -> Iterator[Cell]:
    """What every compressed transfer syntax may meet: other ways to say which value is dark, bytes behind the frame."""
    for photometric in GREY:
        yield colour(photometric, "inverse")
        yield colour(photometric, "negative-slope")
        yield colour(photometric, "excess")
    yield colour("RGB", "excess")
    if lossless:
        yield colour("YBR_PARTIAL_420")
        yield colour("PALETTE COLOR", "unreachable")


def beside_the_value(*, narrow: bool, wide: bool, fewer: bool = True) -> Iterator[Cell]:
    """Overlay planes and shifted values, in codestreams that have room for them and in such as have not."""
    for words in (["wide"] if wide else []) + ([""] if narrow else []):
        for photometric in GREY:
            yield grey(photometric, 16, 12, False, variant=f"overlay+{words}".strip("+"))
            yield replace(grey(photometric, 16, 12, False, variant=words), high_bit=15)
            if fewer:
                yield replace(grey(photometric, 16, 10, False, variant=words), high_bit=12)


def baseline_layouts() -> Iterator[Cell]:
    yield from odd_layouts(lossless=False)
    for sampling in ("440", "411", "422+mixed"):
        yield colour("YBR_FULL_422", sampling)
    for photometric in ("YBR_PARTIAL_422", "YBR_PARTIAL_420"):
        yield colour(photometric, "422" if photometric.endswith("422") else "420")
    yield colour("RGB", "jfif")
    for variant in ("", "first"):
        yield colour("PALETTE COLOR", variant)
    for photometric in GREY:
        for variant in ("", "cjpeg", "pillow", "coarse", "optimised", "cjpeg+restart", "dcmtk", "bare"):
            yield colour(photometric, variant)
    for sampling in ("422", "420"):
        for encoder in ("", "cjpeg", "pillow", "bare", "cjpeg+restart", "cjpeg+scans", "coarse", "optimised"):
            yield colour("YBR_FULL_422", f"{sampling}+{encoder}".strip("+"))
    for encoder in ("", "cjpeg", "pillow", "bare", "dcmtk", "cjpeg+scans"):
        yield colour("YBR_FULL", f"444+{encoder}".strip("+"))
    yield colour("YBR_FULL_422", "dcmtk")
    for variant in ("", "cjpeg", "pillow", "bare", "dcmtk", "coarse"):
        yield colour("RGB", variant)


def progressive_layouts() -> Iterator[Cell]:
    yield colour("MONOCHROME2", "cjpeg+progressive")
    yield colour("YBR_FULL", "444+cjpeg+progressive")
    yield colour("YBR_FULL_422", "420+cjpeg+progressive")
    yield colour("RGB", "cjpeg+progressive")


def extended_layouts() -> Iterator[Cell]:
    yield from odd_layouts(lossless=False)
    yield from beside_the_value(narrow=True, wide=False, fewer=False)
    yield grey("MONOCHROME2", 16, 12, False, variant="inverse")
    yield colour("YBR_PARTIAL_422", "422+sof1")
    yield colour("PALETTE COLOR", "sof1")
    yield colour("YBR_FULL_422", "422+sof1+mixed")
    for photometric in GREY:
        yield colour(photometric)
        yield colour(photometric, "sof1")
        yield colour(photometric, "dcmtk")
        yield colour(photometric, "cjpeg+coarse")
        for variant in ("", "dcmtk", "coarse", "optimised"):
            yield colour(photometric, variant, bits=16, stored=12)
    for sampling in ("444", "422", "420"):
        photometric = "YBR_FULL" if sampling == "444" else "YBR_FULL_422"
        yield colour(photometric, f"{sampling}+sof1")
        yield colour(photometric, f"{sampling}+sof1+bare")
        yield colour("YBR_FULL", sampling, bits=16, stored=12)
    yield colour("RGB", "sof1")
    yield colour("RGB", bits=16, stored=12)
    yield colour("RGB", "bare", bits=16, stored=12)


_WIDTHS = ((8, 8), (16, 8), (16, 10), (16, 12), (16, 16))


def lossless_layouts(syntax: str) -> Iterator[Cell]:
    predictors = range(1, 8) if syntax == syntaxes.JPEG_LOSSLESS else (1,)
    for predictor in predictors:
        for allocated, stored in _WIDTHS:
            yield grey("MONOCHROME2", allocated, stored, predictor % 2 == 0, variant=f"p{predictor}")
        yield colour("RGB", f"p{predictor}")
        yield grey("MONOCHROME1", 16, 12, predictor % 2 == 1, variant=f"dcmtk+p{predictor}")
    yield from greys(_WIDTHS)
    for signed in (False, True):
        yield grey("MONOCHROME2", 16, 12, signed, variant="wide")
    yield colour("RGB", bits=16)
    yield colour("RGB", "dcmtk")
    yield colour("YBR_FULL")
    yield colour("YBR_FULL", "says-rgb")
    yield colour("RGB", "jfif")
    yield colour("YBR_FULL_422")
    yield colour("MONOCHROME2", "p1+mixed")
    yield from odd_layouts(lossless=True)
    yield from beside_the_value(narrow=True, wide=True)
    for variant in ("", "first"):
        yield colour("PALETTE COLOR", variant)
        yield colour("PALETTE COLOR", variant, bits=16)


def jpeg_ls_layouts(near: str) -> Iterator[Cell]:
    for layout in greys(_WIDTHS):
        yield replace(layout, variant=near)
    for photometric, words in (("RGB", ("ilv0", "ilv1", "ilv2", "imagecodecs")), ("YBR_FULL", ("ilv1",))):
        for word in words:
            yield colour(photometric, f"{word}+{near}".strip("+"))
    for word in ("wide", "imagecodecs+wide") if not near else ():  # a loss would reach the bits above
        for signed in (False, True):
            yield grey("MONOCHROME2", 16, 12, signed, variant=word)
    for word in ("il-s", "il-l", "il-n") if not near else ():  # dcmtk 3.6.7 writes broken near-lossless colour
        yield colour("RGB", f"dcmtk+{word}")
    if near != "near0":
        yield grey("MONOCHROME2", 16, 12, False, variant=f"dcmtk+{near}".strip("+"))
    yield colour("RGB", f"ilv2+{near}".strip("+"), bits=16)
    if not near:
        yield colour("RGB", "ilv0", planar=1)
        yield from odd_layouts(lossless=True)
        yield colour("YBR_PARTIAL_422")
        yield from beside_the_value(narrow=True, wide=True)
        for variant in ("", "first"):
            yield colour("PALETTE COLOR", variant)
            yield colour("PALETTE COLOR", variant, bits=16)


def jpeg_2000_layouts() -> Iterator[Cell]:
    yield from greys((*_WIDTHS, (32, 20)))
    yield grey("MONOCHROME2", 16, 12, False, variant="jp2")
    yield grey("MONOCHROME2", 16, 12, True, variant="unsigned-stream")
    for photometric in ("RGB", "YBR_RCT", "YBR_FULL"):
        yield colour(photometric)
        yield colour(photometric, bits=16)
        yield colour(photometric, "pillow")
        yield colour(photometric, "pillow+tiles")
    yield from odd_layouts(lossless=True)
    yield from beside_the_value(narrow=True, wide=True)
    yield colour("YBR_PARTIAL_422")
    yield colour("RGB", "mct")
    yield colour("YBR_RCT", "jp2")
    for variant in ("pillow", "pillow+tiles"):
        yield colour("MONOCHROME2", variant)
    for variant in ("", "first"):
        yield colour("PALETTE COLOR", variant)
        yield colour("PALETTE COLOR", variant, bits=16)


def openjpeg_layouts(words: str) -> Iterator[Cell]:
    """pylibjpeg-openjpeg makes six resolutions, which small images do not have."""
    yield grey("MONOCHROME2", 16, 12, False, variant=f"openjpeg{words}")
    yield grey("MONOCHROME1", 16, 16, True, variant=f"openjpeg{words}")
    yield colour("YBR_ICT" if words else "YBR_RCT", f"openjpeg{words}")


def irreversible_layouts(pillow: bool) -> Iterator[Cell]:
    for layout in greys(((8, 8), (16, 12), (16, 16))):
        yield replace(layout, variant="irreversible")
    yield colour("YBR_ICT")
    yield colour("YBR_ICT", bits=16)
    yield colour("RGB", "irreversible")
    yield colour("YBR_FULL", "irreversible")
    if pillow:
        yield colour("YBR_ICT", "pillow")
        yield colour("YBR_ICT", "pillow+tiles")
        yield colour("MONOCHROME2", "pillow+tiles+irreversible")


def htj2k_layouts() -> Iterator[Cell]:
    yield from odd_layouts(lossless=True)
    yield from beside_the_value(narrow=False, wide=True)
    yield from greys(_WIDTHS)
    for photometric in ("RGB", "YBR_RCT", "YBR_FULL"):
        yield colour(photometric)
        yield colour(photometric, bits=16)
    for variant in ("", "first"):
        yield colour("PALETTE COLOR", variant)
        yield colour("PALETTE COLOR", variant, bits=16)


def rle_layouts() -> Iterator[Cell]:
    yield from odd_layouts(lossless=True)
    yield colour("YBR_PARTIAL_422")
    for signed in (False, True):
        yield replace(grey("MONOCHROME1", 16, 10, signed), high_bit=12)
        yield grey("MONOCHROME1", 16, 12, signed, variant="overlay")
    yield from greys((*_WIDTHS, (8, 7), (32, 32), (32, 20)))
    for planar in (0, 1):
        for photometric in ("RGB", "YBR_FULL"):
            yield colour(photometric, planar=planar)
            yield colour(photometric, bits=16, planar=planar)
    yield colour("RGB", bits=32)
    yield colour("MONOCHROME2", "across")
    yield colour("RGB", "across")
    yield grey("MONOCHROME2", 16, 12, True, variant="bare-sign")
    yield grey("MONOCHROME2", 16, 12, False, variant="overlay")
    yield replace(grey("MONOCHROME2", 16, 12, False), high_bit=15)
    for variant in ("", "first", "lut8", "segmented", "indirect"):
        yield colour("PALETTE COLOR", variant)
        yield colour("PALETTE COLOR", variant, bits=16)
