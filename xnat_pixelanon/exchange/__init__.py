"""Rectangles and rules of other tools, in and out: one module per format, found by its name in FORMATS."""

from __future__ import annotations

from xnat_pixelanon.exchange.formats import FORMATS, Format
from xnat_pixelanon.exchange.rules import free_id

__all__ = ["FORMATS", "Format", "free_id"]
