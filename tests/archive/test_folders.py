"""What a folder destination swaps: only the session that was to be replaced is ever removed."""

from __future__ import annotations

from pathlib import Path

from xnat_pixelanon.archive import folders


def _folder(path: Path, text: str) -> Path:
    path.mkdir()
    (path / "receipt").write_text(text)
    return path


def test_a_rivals_session_that_went_aside_is_kept_when_a_third_takes_the_place(tmp_path: Path) -> None:
    building, final, aside = _folder(tmp_path / "b", "new"), _folder(tmp_path / "f", "old"), tmp_path / "a"
    reads = 0

    def receipt(path: Path) -> str:
        nonlocal reads
        reads += 1
        if reads == 1 and path == final:
            text = (path / "receipt").read_text()
            (path / "receipt").write_text("rival's")
            return text
        text = (path / "receipt").read_text()
        if not final.exists():
            _folder(final, "third")
        return text

    assert not folders.swap(building, final, aside, receipt, "old")
    assert (aside / "receipt").read_text() == "rival's"
    assert (final / "receipt").read_text() == "third"
    assert (building / "receipt").read_text() == "new"
