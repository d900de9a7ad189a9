"""What the markers of one DCT frame say about its coefficients (ISO 10918-1 annex B), and how far an edit reaches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from xnat_pixelanon.domain.rectangle import Rectangle
from xnat_pixelanon.errors import InstanceError
from xnat_pixelanon.pixels.jpeg_segments import marker_at, next_marker, segment_end, segments
from xnat_pixelanon.pixels.structure import damaged

Colour = Literal["grey", "rgb", "ybr"]
Process = Literal["baseline", "extended", "progressive"]

SOS, DHT, DQT, DNL, APP0, APP14 = 0xDA, 0xC4, 0xDB, 0xDC, 0xE0, 0xEE
PROCESSES: dict[int, Process] = {0xC0: "baseline", 0xC1: "extended", 0xC2: "progressive"}
LOSSLESS = 0xC3
_OTHER_FRAME_HEADERS = frozenset(range(0xC3, 0xD0)) - {DHT, 0xC8, 0xCC}
# Sampling factors (h, v) of the first component and of both others that libturbojpeg knows: 4:2:2, 4:2:0, 4:4:0, 4:1:1,
# and two ways in which 4:2:2 and 4:4:0 are written too. Factors that are all alike are 4:4:4, with 10 blocks in an MCU
# at most.
_SAMPLINGS = frozenset(
    {((2, 1), (1, 1)), ((2, 2), (1, 1)), ((1, 2), (1, 1)), ((4, 1), (1, 1)), ((2, 2), (1, 2)), ((2, 2), (2, 1))}
)
_LARGEST_STEP = 2048
"""A DC step beyond it puts black so far below 0 that decoders without saturation wrap around."""


@dataclass(frozen=True, slots=True)
class Component:
    """A component as the frame header has it; `step` is the DC entry of its quantisation table."""

    id: int
    h: int
    v: int
    table: int
    step: int


@dataclass(frozen=True, slots=True)
class JpegShape:
    """The frame's own header: sizes in pixels, `rows` 0 where a DNL segment tells; `scans` by component id.

    `late`: quantisation tables, or the number of lines, come after the first scan. `coded`: each scan has its Huffman
    tables from this frame; libraries take what is missing from the frame before.
    """

    rows: int
    columns: int
    precision: int
    process: Process
    components: tuple[Component, ...]
    scans: tuple[tuple[int, ...], ...]
    late: bool = False
    coded: bool = True

    @property
    def largest(self) -> tuple[int, int]:
        """The largest sampling factors, vertical and horizontal."""
        return max(one.v for one in self.components), max(one.h for one in self.components)

    @property
    def mcu(self) -> tuple[int, int]:
        """Rows and columns of pixels of a minimum coded unit; of one component it is a block (A.2.2)."""
        if len(self.components) == 1:
            return 8, 8
        v, h = self.largest
        return 8 * v, 8 * h

    @property
    def ring(self) -> tuple[int, int]:
        """Rows and columns of pixels over which a decoder may mix the chroma of neighbouring MCUs."""
        v, h = self.largest
        fewest_v, fewest_h = min(one.v for one in self.components), min(one.h for one in self.components)
        return v // fewest_v // 2, h // fewest_h // 2

    def blocks(self, component: Component) -> tuple[int, int]:
        """Rows and columns of blocks of a component (A.1.1, A.2.3): those that hold at least one sample."""
        v, h = self.largest
        return -(-self.rows * component.v // (8 * v)), -(-self.columns * component.h // (8 * h))


def read_shape(data: bytes) -> JpegShape:
    """The shape of a frame from SOI to EOI. InstanceError("damaged") where its markers do not make a frame."""
    if not data.startswith(b"\xff\xd8\xff") or not data.endswith(b"\xff\xd9"):
        raise damaged("a frame's JPEG stream does not go from SOI to EOI")
    steps, header, process = dict[int, int](), b"", None
    tables, scan, end = set[int](), _NO_SCAN, 0
    for marker, start, end in segments(data):
        payload = data[start + 4 : end]
        if marker == DQT:
            steps.update(_dc_steps(payload))
        elif marker == DHT:
            tables |= _huffman_tables(payload)
        elif marker in PROCESSES and process is None:
            header, process = payload, PROCESSES[marker]
        elif marker in PROCESSES or marker in _OTHER_FRAME_HEADERS:
            raise damaged("a frame's JPEG stream has two frame headers, or one of another process")
        elif marker == SOS:
            scan = _scan(payload, tables)
    if process is None or len(header) < 6 or len(header) != 6 + 3 * header[5]:
        raise damaged("a frame's JPEG stream has no frame header before its image")
    components = tuple(_component(header[at : at + 3], steps) for at in range(6, len(header), 3))
    ids = tuple(one.id for one in components)
    rows, columns = int.from_bytes(header[1:3], "big"), int.from_bytes(header[3:5], "big")
    if not components or not columns or len(set(ids)) != len(ids):
        raise damaged("a frame's JPEG header is not well-formed")
    late, others = (False, []) if scan.ids == ids else _after_first_scan(data, end, tables)
    scans = (scan, *others)
    coded = all(one.coded for one in scans)
    return JpegShape(rows, columns, header[0], process, components, tuple(one.ids for one in scans), late, coded)


@dataclass(frozen=True, slots=True)
class _Scan:
    ids: tuple[int, ...]
    coded: bool


_NO_SCAN = _Scan((), coded=False)


def _dc_steps(payload: bytes) -> Iterator[tuple[int, int]]:
    at = 0
    while at < len(payload):
        width = 1 + (payload[at] >> 4)
        if width > 2 or payload[at] & 15 > 3 or at + 1 + 64 * width > len(payload):
            raise damaged("a quantisation table of a frame's JPEG stream is not well-formed")
        yield payload[at] & 15, int.from_bytes(payload[at + 1 : at + 1 + width], "big")
        at += 1 + 64 * width


def _component(entry: bytes, steps: dict[int, int]) -> Component:
    one = Component(entry[0], entry[1] >> 4, entry[1] & 15, entry[2], steps.get(entry[2], 0))
    if not (1 <= one.h <= 4 and 1 <= one.v <= 4 and one.table <= 3):
        raise damaged("a frame's JPEG header is not well-formed")
    return one


def _huffman_tables(payload: bytes) -> set[int]:
    """Class and number of each table, as in the first byte of its definition (B.2.4.2)."""
    found, at = set[int](), 0
    while at < len(payload):
        found.add(payload[at])
        at += 17 + sum(payload[at + 1 : at + 17])
    if at != len(payload):
        raise damaged("a Huffman table of a frame's JPEG stream is not well-formed")
    return found


def _scan(payload: bytes, tables: set[int]) -> _Scan:
    if not payload or len(payload) != 4 + 2 * payload[0]:
        raise damaged("a scan header of a frame's JPEG stream is not well-formed")
    selectors = payload[2 : 1 + 2 * payload[0] : 2]
    coded = all(one >> 4 in tables and 0x10 | one & 15 in tables for one in selectors)
    return _Scan(tuple(payload[1 : 1 + 2 * payload[0] : 2]), coded)


def _after_first_scan(data: bytes, at: int, tables: set[int]) -> tuple[bool, list[_Scan]]:
    """Whether tables of quantisation or the number of lines follow the first scan, and the scans that follow."""
    late, scans = False, list[_Scan]()
    while True:
        at, marker = next_marker(data, at), 0
        if at < 0:
            raise damaged("a frame's JPEG stream is truncated: no EOI")
        while marker != SOS and data[at : at + 2] != b"\xff\xd9":
            start, marker = marker_at(data, at)
            at = segment_end(data, start)
            late = late or marker in (DQT, DNL)
            if marker == DHT:
                tables |= _huffman_tables(data[start + 4 : at])
            elif marker == SOS:
                scans.append(_scan(data[start + 4 : at], tables))
        if marker != SOS:
            if at + 2 != len(data):
                raise damaged("a frame's JPEG stream does not go from SOI to EOI")
            return late, scans


def colour_of(data: bytes, photometric: str) -> Colour:
    """How decoders take the components: by JFIF, Adobe's transform flag, the ids R, G, B, at last by the header.

    `photometric` is Photometric Interpretation. InstanceError("pixel-format") where nothing tells.
    """
    jfif, adobe, ids = False, -1, b""
    for marker, start, end in segments(data):
        payload = data[start + 4 : end]
        if marker == APP0 and payload.startswith(b"JFIF\0") and len(payload) >= 14:
            jfif = True
        elif marker == APP14 and payload.startswith(b"Adobe") and len(payload) >= 12:
            adobe = payload[11]
        elif marker in PROCESSES or marker == LOSSLESS:
            ids = payload[6::3]
    if len(ids) == 1:
        return "grey"
    if len(ids) == 3 and (jfif or adobe > 0):
        return "ybr"
    if len(ids) == 3 and (adobe == 0 or ids == b"RGB" or photometric == "RGB"):
        return "rgb"
    if len(ids) == 3 and photometric.startswith("YBR_"):
        return "ybr"
    raise InstanceError("pixel-format", "nothing tells the colours of a JPEG frame")


def editable(shape: JpegShape) -> str:
    """Empty, or why this frame cannot be edited in its coefficients: for people, it holds no value of the file."""
    ids = sorted(one.id for one in shape.components)
    checks = (
        (shape.precision == 8, "its samples are not of 8 bits"),
        (shape.process != "progressive", "it is progressive"),
        (shape.rows > 0, "its number of lines comes after the image"),
        (not shape.late, "tables change, or the number of lines comes, after its first scan"),
        (shape.coded, "it has not all Huffman tables that it uses"),
        (_known_sampling(shape), "its components are sampled in a way that the JPEG library does not know"),
        (sorted(one for scan in shape.scans for one in scan) == ids, "a component has no scan, or two"),
        (all(0 < one.step <= _LARGEST_STEP for one in shape.components), "a quantisation step is 0 or far too large"),
    )
    return next((why for holds, why in checks if not holds), "")


def _known_sampling(shape: JpegShape) -> bool:
    if len(shape.components) == 1:
        return True  # the factors of a single component mean nothing (A.2.2)
    factors = [(one.h, one.v) for one in shape.components]
    if len(factors) != 3 or factors[1] != factors[2]:
        return False
    return (factors[0], factors[1]) in _SAMPLINGS or (factors[0] == factors[1] and factors[0][0] * factors[0][1] <= 3)


def edited_box(shape: JpegShape, rectangle: Rectangle) -> Rectangle:
    """The whole MCUs that are overwritten: the rectangle grown by the ring, then outward to their grid, not clipped."""
    (high, wide), (over, beside) = shape.mcu, shape.ring
    return Rectangle(
        max(rectangle.top - over, 0) // high * high,
        max(rectangle.left - beside, 0) // wide * wide,
        -(-(rectangle.bottom + over) // high) * high,
        -(-(rectangle.right + beside) // wide) * wide,
    )


def effective_box(shape: JpegShape, rectangle: Rectangle) -> Rectangle:
    """The box outside which every pixel decodes to what it was: the overwritten MCUs and the ring around them.

    Inside the rectangle that was asked for everything is black; between the two a pixel may have either's chroma.
    """
    box, (over, beside) = edited_box(shape, rectangle), shape.ring
    return Rectangle(
        max(box.top - over, 0),
        max(box.left - beside, 0),
        min(box.bottom + over, shape.rows),
        min(box.right + beside, shape.columns),
    )
