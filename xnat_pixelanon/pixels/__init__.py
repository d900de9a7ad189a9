"""Pixel data: read and walked without decoding, blackened in a stream, proved by code of its own."""

from __future__ import annotations

from xnat_pixelanon.pixels.digest import pixel_digest
from xnat_pixelanon.pixels.facts import read_facts
from xnat_pixelanon.pixels.pictures import PICTURE, ScanPictures, Shown, scan_pictures
from xnat_pixelanon.pixels.preview import render_frame
from xnat_pixelanon.pixels.proof import PixelProof, prove_opened, prove_pixels, reopened
from xnat_pixelanon.pixels.proof_read import Reopened
from xnat_pixelanon.pixels.routes import TransferSyntax, transfer_syntaxes
from xnat_pixelanon.pixels.snapshots import shots
from xnat_pixelanon.pixels.source import PixelSource, open_source
from xnat_pixelanon.pixels.writer import PixelPlan, WrittenPixels, plan_pixels, write_instance

__all__ = [
    "PICTURE",
    "PixelPlan",
    "PixelProof",
    "PixelSource",
    "Reopened",
    "ScanPictures",
    "Shown",
    "TransferSyntax",
    "WrittenPixels",
    "open_source",
    "pixel_digest",
    "plan_pixels",
    "prove_opened",
    "prove_pixels",
    "read_facts",
    "render_frame",
    "reopened",
    "scan_pictures",
    "shots",
    "transfer_syntaxes",
    "write_instance",
]
