"""Access to the API: by address, by password, and, for browsers, by the origin of the page."""

from __future__ import annotations

import hmac
import ipaddress
from enum import Enum
from urllib.parse import urlsplit

from openspace_server.instance.api.settings import ANY_ORIGIN, ApiSettings


class Admission(Enum):
    """What a new connection is allowed."""

    AUTHORIZED = "authorized"
    PASSWORD = "password"
    REFUSED = "refused"


def admission(settings: ApiSettings, address: str, authorization: str = "") -> Admission:
    """What a connection from ``address`` (an IP address; empty when unknown) with that HTTP header is allowed."""
    if settings.secret and hmac.compare_digest(authorization.encode(), f"Bearer {settings.secret}".encode()):
        return Admission.AUTHORIZED
    if settings.trust_loopback and is_loopback(address):
        return Admission.AUTHORIZED
    return Admission.PASSWORD if settings.password is not None else Admission.REFUSED


def is_loopback(address: str) -> bool:
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(parsed, "ipv4_mapped", None)
    return (mapped or parsed).is_loopback


def is_right_password(settings: ApiSettings, password: str) -> bool:
    return settings.password is not None and hmac.compare_digest(settings.password.encode(), password.encode())


def is_origin_allowed(settings: ApiSettings, origin: str | None) -> bool:
    """Whether a page of that origin may connect. Programs other than browsers send none.

    A page whose host name is this server's is not trusted for that: its name may have been pointed here only now.
    """
    if origin is None or ANY_ORIGIN in settings.allowed_origins:
        return True
    parts = urlsplit(origin)
    plain = f"{parts.scheme}://{parts.netloc}".lower()
    return plain in {each.lower().rstrip("/") for each in settings.allowed_origins}
