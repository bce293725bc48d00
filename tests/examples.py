"""How many examples Hypothesis tries."""

from __future__ import annotations

from hypothesis import settings

FAST = "fast"
"""The profile of `make test-fast`."""


def examples(count: int) -> int:
    """``count``, and a tenth of it under the profile :data:`FAST`."""
    return max(1, count // 10) if settings.get_current_profile_name() == FAST else count
