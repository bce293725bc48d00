"""Token buckets."""

from __future__ import annotations

from openspace_server.instance.viewers.rate_limit import RateLimit


def test_a_rate_limit_allows_bursts_and_holds_the_rate() -> None:
    limit = RateLimit(rate=10, burst=5)
    assert [limit.allows(0.0) for _ in range(6)] == [True] * 5 + [False]
    assert limit.allows(0.1)
    assert not limit.allows(0.1)
    assert [limit.allows(100.0, cost=5), limit.allows(100.0)] == [True, False]
