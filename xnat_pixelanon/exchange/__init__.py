"""Rectangles and rules of other tools, in and out: one module per format, found by its name in FORMATS."""

from __future__ import annotations

from xnat_pixelanon.exchange.formats import FORMATS, Format

__all__ = ["FORMATS", "Format"]
