"""Who may open a socket on a render host: holders of the secret, never a browser."""

from __future__ import annotations

import hmac
import time

from tornado.httputil import HTTPHeaders
from tornado.web import HTTPError

from openspace_server.protocols.credentials import Verifier


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


def require_secret(headers: HTTPHeaders, secret: str | None, verifier: Verifier | None) -> str | None:
    """Let in whoever carries ``secret`` (or everybody, if there is none), or has signed a message with it.

    Returns:
        The digest of the only message that may follow a signature; None if any may.

    Raises:
        HTTPError: 401.
    """
    if secret is None or verifier is None:
        return None
    header = headers.get("Authorization", "")
    scheme, _, given = header.partition(" ")
    if scheme.lower() == "bearer" and same_secret(given.strip(), secret):
        return None
    allowed = verifier.body_digest(header, time.time())
    if allowed is None:
        raise HTTPError(401, "wrong or missing secret", reason="Bearer secret required")
    return allowed
