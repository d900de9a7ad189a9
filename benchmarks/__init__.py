"""Measure, then claim: this tool beside `cp`, a naive pydicom loop and deid, on seeded corpora. Run `make bench`."""
