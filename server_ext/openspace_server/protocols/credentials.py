"""Signed commands: proof of a host's secret without sending it, by HMAC-SHA256 over nonce, time and body digest.

One command per connection: ``Authorization: OpenSpace-HMAC <time>.<nonce>.<body digest>.<mac>`` on the upgrade
request, and then exactly that body as the only message.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections import OrderedDict

SCHEME = "openspace-hmac"
WINDOW = 120
"""Seconds by which the two clocks may differ; nonces are remembered for as long."""
MAX_NONCES = 65_536


def mac(secret: str, *parts: str | bytes) -> str:
    """Hexadecimal MAC of ``parts`` and of where each begins."""
    digest = hmac.new(_bytes(secret), digestmod=hashlib.sha256)
    for part in parts:
        raw = _bytes(part)
        digest.update(len(raw).to_bytes(8, "big") + raw)
    return digest.hexdigest()


def same(received: str, expected: str) -> bool:
    """Compare in constant time."""
    return hmac.compare_digest(_bytes(received), _bytes(expected))


def digest(body: str | bytes) -> str:
    return hashlib.sha256(_bytes(body)).hexdigest()


def sign(secret: str, body: str | bytes, now: float) -> str:
    """The value of the header ``Authorization`` for sending ``body`` now (seconds since 1970)."""
    parts = (str(int(now)), secrets.token_hex(16), digest(body))
    return f"OpenSpace-HMAC {'.'.join(parts)}.{mac(secret, 'command', *parts)}"


class Verifier:
    """Accepts each signature once."""

    def __init__(self, secret: str) -> None:
        self._secret = secret
        self._nonces: OrderedDict[str, float] = OrderedDict()

    def body_digest(self, authorization: str, now: float) -> str | None:
        """The digest of the one body that the header allows; None if it proves nothing."""
        scheme, _, signature = authorization.partition(" ")
        parts = signature.strip().split(".")
        if scheme.lower() != SCHEME or len(parts) != 4 or not parts[0].isdecimal() or len(parts[0]) > 12:
            return None
        time, nonce, body, proof = parts
        if not same(proof, mac(self._secret, "command", time, nonce, body)) or abs(now - int(time)) > WINDOW:
            return None
        while self._nonces and next(iter(self._nonces.values())) < now - 2 * WINDOW:
            self._nonces.popitem(last=False)
        if nonce in self._nonces or len(self._nonces) >= MAX_NONCES:
            return None
        self._nonces[nonce] = now
        return body


def _bytes(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode(errors="surrogatepass")
