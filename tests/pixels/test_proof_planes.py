"""The proof of JPEG frames by their planes: what it lets through, no comparison of pixels may object to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xnat_pixelanon.domain.rectangle import Rectangle
from xnat_pixelanon.pipeline.work import Cleaned
from xnat_pixelanon.pixels import dct, proof_decoded, proof_planes
from xnat_pixelanon.pixels.dct import blacken, effective_box, read_shape
from xnat_pixelanon.pixels.proof_boxes import Boxes, Seen, look
from xnat_pixelanon.pixels.proof_planes import compare_planes
from xnat_pixelanon.pixels.turbojpeg import Plane, Transformer, dc_pattern

from . import jpegs
from .jpegs import SAMPLINGS, by_cjpeg, colour_of_kind, encoded
from .mutation.cleaning import Bench
from .mutation.subjects import SUBJECTS

SIZE = (61, 83)
ASKED = (Rectangle(3, 5, 9, 60), Rectangle(50, 0, 61, 20))
OUTSIDE, NOT_ONE_VALUE = "pixels outside the boxes differ from the source's", "a box is not of one value in every frame"


@pytest.fixture(scope="module")
def transformer() -> Iterator[Transformer]:
    with Transformer() as one:
        yield one


def boxes_of(data: bytes, asked: tuple[Rectangle, ...] = ASKED) -> Boxes:
    return Boxes(tuple(effective_box(read_shape(data), box) for box in asked), asked)


def by_planes(kind: str, before: bytes, after: bytes, boxes: Boxes | None = None, size: tuple[int, int] = SIZE) -> Seen:
    seen = compare_planes(before, after, size, 1 if kind == "grey" else 3, boxes or boxes_of(before))
    assert seen is not None
    return seen


def by_pixels(before: bytes, after: bytes, boxes: Boxes) -> Seen:
    one, other = (jpegs.raw(data).copy() for data in (before, after))
    shape = (*one.shape[:2], -1)
    return look(one.reshape(shape), other.reshape(shape), boxes)


def edited(transformer: Transformer, data: bytes, kind: str, number: int, change: Callable[[Plane], Plane]) -> bytes:
    """Blackened by the writer, which has one component's edits wrong."""
    right = dct._planes

    def wrong(*given: Any) -> tuple[Plane, ...]:
        planes = list(right(*given))
        planes[number] = change(planes[number])
        return tuple(planes)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dct, "_planes", wrong)
        return blacken(transformer, data, ASKED, colour=colour_of_kind(kind), white=False)


def with_block(plane: Plane, row: int, column: int, value: int = 5) -> Plane:
    """One block more is made flat."""
    spans = [*plane.edits.get(row, ()), (column, dc_pattern(value, 1))]
    return replace(plane, edits={**plane.edits, row: tuple(spans)})


def without_row(plane: Plane, row: int) -> Plane:
    return replace(plane, edits={place: spans for place, spans in plane.edits.items() if place != row})


@pytest.mark.parametrize("kind", SAMPLINGS)
@pytest.mark.parametrize("size", [(1, 1), (8, 16), (61, 83), (33, 17), (16, 18)])
def test_planes_are_those_of_another_decoder(kind: str, size: tuple[int, int]) -> None:
    """Of components that are repeated by it, every sample."""
    data = encoded(kind, *size)
    if kind == "rgb":
        data = jpegs.with_adobe(data, 0)
    library, factors = proof_planes._loaded(), proof_planes._sampling_of(data)
    assert library is not None
    with proof_planes._handle(library) as handle:
        octets = proof_planes._decoded(library, handle, data, factors, size)
    assert octets is not None
    planes = proof_planes._planes(factors, size, Boxes((), ()))
    assert sum(plane.rows * plane.columns for plane in planes) == len(octets)
    spread = []
    for (h, v), plane in zip(factors, planes, strict=True):
        across, down = factors[0][0] // h, factors[0][1] // v
        spread.append(plane.of(octets)[..., 0].repeat(down, 0).repeat(across, 1)[: size[0], : size[1]])
    whole = np.stack(spread, axis=2)
    if kind in ("grey", "4:4:4", "rgb"):
        assert np.array_equal(whole.reshape(jpegs.raw(data).shape), jpegs.raw(data))
    else:
        assert np.array_equal(whole[..., 0], jpegs.raw(data)[..., 0])
        assert np.abs(_to_rgb(whole) - jpegs.djpeg_plain(data)).max() <= 1


def _to_rgb(ycc: np.ndarray) -> np.ndarray:
    """ISO 10918-5 (JFIF)."""
    luma, blue, red = (ycc[..., one].astype(np.float64) for one in range(3))
    rgb = (
        luma + 1.402 * (red - 128),
        luma - 0.344136 * (blue - 128) - 0.714136 * (red - 128),
        luma + 1.772 * (blue - 128),
    )
    return np.clip(np.rint(np.stack(rgb, axis=2)), 0, 255)


@pytest.mark.parametrize("kind", SAMPLINGS)
def test_a_right_copy_shows_nothing_but_its_black(kind: str, transformer: Transformer) -> None:
    before = encoded(kind, *SIZE)
    after = blacken(transformer, before, ASKED, colour=colour_of_kind(kind), white=False)
    assert by_planes(kind, before, after) == Seen((), bytes(jpegs.BLACK[colour_of_kind(kind)]))


@pytest.mark.parametrize("kind", SAMPLINGS)
def test_one_block_outside_is_found_in_every_component(kind: str, transformer: Transformer) -> None:
    before = encoded(kind, *SIZE)
    for number, component in enumerate(read_shape(before).components):
        rows, columns = read_shape(before).blocks(component)
        last, below = (
            partial(with_block, row=rows - 1, column=columns - 1),
            partial(with_block, row=rows // 3, column=0),
        )
        for change in (last, below):
            assert by_planes(kind, before, edited(transformer, before, kind, number, change)).findings == (OUTSIDE,)


@pytest.mark.parametrize("kind", SAMPLINGS)
def test_a_row_of_blocks_left_is_found_in_every_component(kind: str, transformer: Transformer) -> None:
    before = encoded(kind, *SIZE)
    for number in range(len(read_shape(before).components)):
        after = edited(transformer, before, kind, number, lambda plane: without_row(plane, 0))
        assert by_planes(kind, before, after).findings == (NOT_ONE_VALUE,)


@pytest.mark.parametrize("kind", SAMPLINGS)
def test_another_value_in_one_box_is_found(kind: str, transformer: Transformer) -> None:
    before = encoded(kind, *SIZE)
    after = edited(transformer, before, kind, -1, lambda plane: with_block(plane, plane.blocks_high - 1, 0))
    assert NOT_ONE_VALUE in by_planes(kind, before, after).findings


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_what_passes_by_planes_passes_by_pixels(drawn: st.DataObject) -> None:
    """Of copies that are right, and of copies with one block more: if pixels show it, planes do."""
    kind = drawn.draw(st.sampled_from(list(SAMPLINGS)))
    size = drawn.draw(st.integers(1, 60)), drawn.draw(st.integers(1, 60))
    before = encoded(kind, *size)
    top, left = (drawn.draw(st.integers(0, length - 1)) for length in size)
    box = Rectangle(top, left, drawn.draw(st.integers(top + 1, size[0])), drawn.draw(st.integers(left + 1, size[1])))
    boxes = boxes_of(before, (box,))
    with Transformer() as transformer:
        after = blacken(transformer, before, [box], colour=colour_of_kind(kind), white=False)
        assert by_planes(kind, before, after, boxes, size) == Seen((), bytes(jpegs.BLACK[colour_of_kind(kind)]))
        shape = read_shape(after)
        number = drawn.draw(st.integers(0, len(shape.components) - 1))
        planes = [Plane(*reversed(shape.blocks(one)), {}) for one in shape.components]
        rows, columns = shape.blocks(shape.components[number])
        place = drawn.draw(st.integers(0, rows - 1)), drawn.draw(st.integers(0, columns - 1))
        planes[number] = with_block(planes[number], *place)
        wrong = bytes(transformer.transform(after, *size, tuple(planes)))
    told = by_pixels(before, wrong, boxes)
    assert set(told.findings) <= set(by_planes(kind, before, wrong, boxes, size).findings)


@given(st.data())
def test_boxes_in_samples_are_what_their_words_say(drawn: st.DataObject) -> None:
    step, pixels = drawn.draw(st.sampled_from([1, 2, 4])), drawn.draw(st.integers(1, 40))
    first = drawn.draw(st.integers(0, pixels - 1))
    stop = drawn.draw(st.integers(first + 1, pixels))
    axis = proof_planes._Axis(step, -(-pixels // step), pixels)

    def reached(sample: int) -> set[int]:
        return set(range(step * sample - step // 2, step * sample + step + step // 2)) & set(range(pixels))

    wanted = set(range(first, stop))
    assert [one for one in range(axis.samples) if reached(one) <= wanted] == list(range(*axis.within(first, stop)))
    assert [one for one in range(axis.samples) if reached(one) & wanted] == list(range(*axis.reaching(first, stop)))


@pytest.mark.parametrize(
    "options",
    [["-sample", "3x1,3x1,3x1"], ["-sample", "2x2,1x2,1x2"], ["-grayscale", "-sample", "2x2"], ["-progressive"]],
)
def test_other_ways_to_write_the_sampling_are_left_to_pixels(options: list[str]) -> None:
    data = by_cjpeg(*SIZE, *options)
    assert compare_planes(data, data, SIZE, 1 if "-grayscale" in options else 3, boxes_of(data)) is None


def test_what_is_not_decoded_without_a_warning_is_left_to_pixels() -> None:
    data = encoded("4:2:2", *SIZE)
    short = data[: 3 * len(data) // 4] + b"\xff\xd9"
    assert imagecodecs.jpeg8_decode(short).shape == (*SIZE, 3)
    for before, after in ((data, short), (short, data), (short, short)):
        assert compare_planes(before, after, SIZE, 3, boxes_of(data)) is None


def test_frames_of_other_sizes_are_left_to_pixels() -> None:
    data, other = encoded("4:2:2", *SIZE), encoded("4:2:2", 61, 84)
    boxes = boxes_of(data)
    assert compare_planes(data, data, SIZE, 3, boxes) is not None
    assert compare_planes(data, other, SIZE, 3, boxes) is None
    assert compare_planes(data, data, (83, 61), 3, boxes) is None
    assert compare_planes(data, data, SIZE, 1, boxes) is None
    assert compare_planes(data, encoded("4:2:0", *SIZE), SIZE, 3, boxes) is None


def test_without_the_library_planes_are_not_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    data = encoded("4:2:2", *SIZE)
    monkeypatch.setattr(proof_planes, "_LIBRARY", "libturbojpeg-that-is-not-there.so")
    proof_planes._loaded.cache_clear()
    try:
        assert compare_planes(data, data, SIZE, 3, boxes_of(data)) is None
    finally:
        proof_planes._loaded.cache_clear()


@pytest.mark.parametrize("wrong", ["planes", "size", "header"])
def test_a_library_that_misbehaves_is_not_used(wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Planes that are not filled, another size, another header."""
    library = proof_planes._loaded()
    assert library is not None
    assert proof_planes._agrees(library)
    assert not proof_planes._agrees(replace(library, **{wrong: lambda *given: 0}))


@pytest.mark.parametrize(
    "name", ["baseline grey x3", "baseline RGB by Adobe x3", "baseline 4:2:0 x3", "baseline 4:2:2 x3"]
)
def test_frames_behind_the_first_are_compared_by_planes(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mutations of these phantoms would try nothing otherwise."""
    compared = []

    def counted(*given: Any) -> Seen | None:
        compared.append(compare_planes(*given))
        return compared[-1]

    monkeypatch.setattr(proof_decoded, "compare_planes", counted)
    bench = Bench(next(subject for subject in SUBJECTS if subject.name == name), tmp_path)
    assert isinstance(bench.clean(), Cleaned)
    assert len(compared) == 2
    assert all(seen is not None and not seen.findings for seen in compared)
