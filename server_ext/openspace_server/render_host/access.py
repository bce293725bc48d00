"""Who may open a socket on a render host: holders of the secret, never a browser."""

from __future__ import annotations

import hmac

from tornado.httputil import HTTPHeaders
from tornado.web import HTTPError


def same_secret(given: str | None, expected: str) -> bool:
    """Compare in constant time."""
    return given is not None and hmac.compare_digest(_bytes(given), _bytes(expected))


def _bytes(secret: str) -> bytes:
    return secret.encode(errors="surrogatepass")


def refuse_browsers(headers: HTTPHeaders, allowed: frozenset[str] = frozenset()) -> None:
    """A web page that a user merely visits must not reach a host on the user's machine.

    Raises:
        HTTPError: 403 for an ``Origin`` that is not in ``allowed``.
    """
    for origin in (headers.get("Origin"), headers.get("Sec-Websocket-Origin")):
        if origin is not None and origin not in allowed:
            raise HTTPError(403, "browsers are refused here", reason="Browsers are refused here")


def require_bearer(headers: HTTPHeaders, secret: str | None) -> None:
    """Raises HTTPError 401 unless the request carries ``secret`` (or there is none)."""
    if secret is None:
        return
    scheme, _, given = headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not same_secret(given.strip(), secret):
        raise HTTPError(401, "wrong or missing bearer secret", reason="Bearer secret required")
