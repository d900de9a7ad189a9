"""What a writer could do wrong, done to a right copy: to which copies it applies, and what has to be found.

A row's `why_not` gives the reason where it does not apply: the table in the test's output shows it, so that nothing is
left out without a word.
"""

from __future__ import annotations

from .mutations_cells import CELLS
from .mutations_header import HEADERS
from .mutations_streams import STREAMS

MUTATIONS = (*CELLS, *STREAMS, *HEADERS)
