"""What holds for all tests."""

from __future__ import annotations

from hypothesis import settings

# A busy machine is no finding: what takes too long is pytest-timeout's to say.
settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")
