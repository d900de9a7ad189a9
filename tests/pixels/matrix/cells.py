"""All cells of the matrix: per transfer syntax the layouts that DICOM allows there, and the oddities that occur."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import cycle

from . import cell as syntaxes
from .cell import ALL_HTJ2K, ALL_JPEG_2000, ALL_JPEG_LS, BIG_ENDIAN, DCT, LOSSLESS_JPEG, NATIVE, RLE, Cell
from .codings import (
    GREY,
    baseline_layouts,
    colour,
    extended_layouts,
    grey,
    greys,
    htj2k_layouts,
    irreversible_layouts,
    jpeg_2000_layouts,
    jpeg_ls_layouts,
    lossless_layouts,
    openjpeg_layouts,
    progressive_layouts,
    rle_layouts,
)

Geometry = tuple[int, int, int]
SMALL: Sequence[Geometry] = ((1, 7, 10), (3, 7, 10), (3, 33, 17), (1, 64, 96))
"""Frames, rows, columns: an odd number of rows, of columns, neither."""

COMPRESSED: Sequence[Geometry] = ((1, 7, 10), (3, 33, 17), (1, 64, 96))
BLOCKS: Sequence[Geometry] = ((3, 41, 53), (1, 64, 96))
"""Large enough that boxes grown to blocks leave something outside."""

EVEN: Sequence[Geometry] = ((1, 8, 10), (3, 34, 18))
TINY: Sequence[Geometry] = ((1, 1, 1), (3, 1, 9), (1, 9, 1), (2, 3, 2))
"""Smaller than any block, row or alignment; one rectangle covers all of it."""

LARGE: Geometry = (1, 1031, 1021)
"""More than 1 MiB a frame at 8 bits: larger than any chunk."""

_PLACES = (("basic", 1), ("none", 1), ("extended", 1), ("basic", 3), ("none", 2))


def _native_layouts() -> Iterator[Cell]:
    yield from greys(((8, 8), (8, 7), (16, 8), (16, 10), (16, 12), (16, 16), (32, 32), (32, 20)))
    for photometric in GREY:
        for stored, high_bit in ((12, 15), (12, 13), (10, 11)):
            for signed in (False, True):
                yield replace(grey(photometric, 16, stored, signed), high_bit=high_bit)
        yield grey(photometric, 16, 12, True, variant="bare-sign")
        for stored in (12, 10):
            for signed in (False, True):
                yield grey(photometric, 16, stored, signed, variant="overlay")
        yield grey(photometric, 1, 1, False)
        yield grey(photometric, 8, 8, False, variant="ow")
        yield grey(photometric, 8, 8, False, variant="was-lossy")
        for signed in (False, True):
            yield grey(photometric, 16, 12, signed, variant="inverse")
            yield grey(photometric, 16, 12, signed, variant="negative-slope")
        for allocated in (1, 8, 16):
            yield grey(photometric, allocated, allocated, False, variant="excess")
    for variant in ("", "+padding", "+excess"):
        yield grey("MONOCHROME2", 32, 32, True, variant=f"float{variant}")
        yield grey("MONOCHROME2", 64, 64, True, variant=f"double{variant}")
    yield colour("RGB", "excess")
    yield colour("YBR_FULL_422", "excess")
    yield colour("PALETTE COLOR", "unreachable")
    for variant in ("", "first", "lut8", "lut8+first", "segmented", "segmented+first", "indirect"):
        yield colour("PALETTE COLOR", variant)
        yield colour("PALETTE COLOR", variant, bits=16)
    yield colour("PALETTE COLOR", bits=16, stored=12)
    for planar in (0, 1):
        for photometric in ("RGB", "YBR_FULL"):
            yield colour(photometric, planar=planar)
            yield colour(photometric, bits=16, planar=planar)
            yield colour(photometric, bits=16, stored=12, planar=planar)
            yield colour(photometric, "ow", planar=planar)
    for photometric in ("YBR_FULL_422", "YBR_PARTIAL_422", "YBR_RCT", "YBR_ICT"):
        yield colour(photometric)
    yield Cell("", "RGB", signed=True)


def _tiny_layouts() -> Iterator[Cell]:
    yield grey("MONOCHROME2", 8, 8, False)
    yield grey("MONOCHROME1", 16, 12, True)
    yield colour("RGB")


def _placed(layouts: Iterator[Cell], syntax: str, geometries: Sequence[Geometry]) -> Iterator[Cell]:
    """Each layout in each geometry; offset tables and fragments take turns, RLE has a frame in one fragment."""
    places = cycle(place for place in _PLACES if syntax != RLE or place[1] == 1)
    for layout in layouts:
        for frames, rows, columns in geometries:
            table, fragments = next(places) if syntax not in NATIVE and "excess" not in layout.words else ("basic", 1)
            if rows * columns < 10:  # cut in two, a stream that is nearly all header can seem to begin twice
                fragments = 1
            yield replace(
                layout, transfer_syntax=syntax, frames=frames, rows=rows, columns=columns, table=table,
                fragments=fragments,
            )  # fmt: skip


def _every_place(layout: Cell, syntax: str) -> Iterator[Cell]:
    for frames, rows, columns in ((1, 16, 24), (3, 33, 17)):
        for table, fragments in (*_PLACES, ("none", 3), ("basic", 2)):
            if syntax != RLE or fragments == 1:
                yield replace(
                    layout, transfer_syntax=syntax, frames=frames, rows=rows, columns=columns, table=table,
                    fragments=fragments, variant="+".join([*layout.words, "says-1"] if frames == 1 else layout.words),
                )  # fmt: skip


def cells_of(syntax: str) -> list[Cell]:
    """All cells of one transfer syntax, each once."""
    return list(dict.fromkeys(_cells_of(syntax)))


def _cells_of(syntax: str) -> Iterator[Cell]:
    frames, rows, columns = LARGE
    large = replace(colour("MONOCHROME2"), transfer_syntax=syntax, frames=frames, rows=rows, columns=columns)
    if syntax in NATIVE:
        yield from _placed(_native_layouts(), syntax, SMALL[::2] if syntax == syntaxes.DEFLATED else SMALL)
        yield from _placed(iter([colour("YBR_PARTIAL_420")]), syntax, EVEN)
        yield from _placed(_tiny_layouts(), syntax, TINY)
        if syntax == BIG_ENDIAN:
            large = replace(large, variant="ow")
        yield large
        yield replace(large, photometric="RGB", rows=601, columns=599)
        return
    yield from _placed(_tiny_of(syntax), syntax, TINY)
    yield replace(large, variant="near2" if syntax == syntaxes.JPEG_LS_NEAR else "")
    if syntax in DCT:
        yield from _dct_cells(syntax)
    elif syntax in LOSSLESS_JPEG:
        yield from _placed(lossless_layouts(syntax), syntax, COMPRESSED)
        yield from _every_place(colour("RGB"), syntax)
        yield from _every_place(grey("MONOCHROME2", 16, 12, True), syntax)
    elif syntax in ALL_JPEG_LS:
        nears = ("near1", "near2", "near5", "near0") if syntax == syntaxes.JPEG_LS_NEAR else ("",)
        for near in nears:
            yield from _placed(jpeg_ls_layouts(near), syntax, COMPRESSED if not near else COMPRESSED[1:2])
        yield from _every_place(grey("MONOCHROME2", 16, 12, False, variant=nears[0]), syntax)
    elif syntax == RLE:
        yield from _placed(rle_layouts(), syntax, COMPRESSED)
        yield from _every_place(colour("RGB"), syntax)
    else:
        yield from _wavelet_cells(syntax)


def _tiny_of(syntax: str) -> Iterator[Cell]:
    for layout in _tiny_layouts():
        if syntax in ALL_HTJ2K and layout.samples == 3:  # OpenJPH's wrapper takes planes of one column for pixels
            layout = replace(layout, photometric="YBR_RCT")
        near = "near1" if syntax == syntaxes.JPEG_LS_NEAR else ""
        if syntax not in DCT or layout.stored == 8:
            yield replace(layout, variant=near)


def _dct_cells(syntax: str) -> Iterator[Cell]:
    layouts = baseline_layouts() if syntax == syntaxes.JPEG_BASELINE else extended_layouts()
    yield from _placed(layouts, syntax, BLOCKS)
    yield from _placed(progressive_layouts(), syntax, BLOCKS)
    yield from _every_place(colour("YBR_FULL_422", "422"), syntax)
    if syntax == syntaxes.JPEG_EXTENDED:
        yield from _every_place(colour("MONOCHROME2", bits=16, stored=12), syntax)


def _wavelet_cells(syntax: str) -> Iterator[Cell]:
    part_one = syntax in ALL_JPEG_2000
    layouts = jpeg_2000_layouts() if part_one else htj2k_layouts()
    yield from _placed(layouts, syntax, COMPRESSED)
    lossy = syntax in (syntaxes.JPEG_2000, syntaxes.HTJ2K)
    if lossy:
        yield from _placed(irreversible_layouts(part_one), syntax, BLOCKS)
        yield from _every_place(colour("MONOCHROME2", "irreversible"), syntax)
    elif part_one:
        yield from _placed(iter([colour("MONOCHROME2", "irreversible")]), syntax, BLOCKS)
    if part_one:
        yield from _placed(openjpeg_layouts("+irreversible" if lossy else ""), syntax, ((1, 64, 96), (3, 65, 70)))
    yield from _every_place(colour("YBR_RCT"), syntax)


def refused_cells() -> list[Cell]:
    """Of transfer syntaxes that are not read at all; a progressive process is one of the retired."""
    small = replace(colour("MONOCHROME2"), rows=33, columns=17)
    cells = [replace(small, transfer_syntax=syntax) for syntax in syntaxes.WITHOUT_ROUTE]
    return [*cells, *(replace(one, transfer_syntax=syntaxes.JPEG_PROGRESSIVE) for one in progressive_layouts())]


ALL_SYNTAXES = (*NATIVE, *DCT, *LOSSLESS_JPEG, *ALL_JPEG_LS, *ALL_JPEG_2000, *ALL_HTJ2K, RLE)
