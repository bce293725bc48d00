"""Access control of a render host's sockets: holders of the secret, never a browser."""

from __future__ import annotations

import hmac
import time

from tornado.httputil import HTTPHeaders
from tornado.web import HTTPError

from openspace_server.protocols.credentials import Verifier


def same_secret(received: str | None, expected: str) -> bool:
    """Compare in constant time."""
    return received is not None and hmac.compare_digest(_bytes(received), _bytes(expected))


def _bytes(secret: str) -> bytes:
    return secret.encode(errors="surrogatepass")


def refuse_browsers(headers: HTTPHeaders, allowed: frozenset[str] = frozenset()) -> None:
    """Refuse requests of web pages: a page that a user merely visits must not reach a host on the user's machine.

    Raises:
        HTTPError: 403 for an ``Origin`` that is not in ``allowed``.
    """
    for origin in (headers.get("Origin"), headers.get("Sec-Websocket-Origin")):
        if origin is not None and origin not in allowed:
            raise HTTPError(403, "browsers are refused here", reason="Browsers are refused here")


def require_secret(headers: HTTPHeaders, secret: str | None, verifier: Verifier | None) -> str | None:
    """Accept requests that carry ``secret`` or are signed with it; all requests if there is none.

    Returns:
        The digest of the only message that may follow a signature; None if any may.

    Raises:
        HTTPError: 401.
    """
    if secret is None or verifier is None:
        return None
    header = headers.get("Authorization", "")
    scheme, _, token = header.partition(" ")
    if scheme.lower() == "bearer" and same_secret(token.strip(), secret):
        return None
    allowed = verifier.body_digest(header, time.time())
    if allowed is None:
        raise HTTPError(401, "wrong or missing secret", reason="Bearer secret required")
    return allowed
