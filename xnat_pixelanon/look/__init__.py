"""What all pages look like: the review page, the report, the worklist."""

from __future__ import annotations

from importlib import resources

BASE_CSS = resources.files("xnat_pixelanon.look").joinpath("base.css").read_text("utf-8")
"""Colours, type, cards, marks of decisions, tables, controls; each page adds its own after it."""
