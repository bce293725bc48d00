"""Identity of requests, and the owners whose sessions they may use.

Sessions belong to an *owner*, a stable name. On JupyterHub that is the server's owner and name: all users that the Hub
admits to a server act as its owner. Jupyter's stock identity provider has no users, it makes up a name per browser, so
there all browsers that are admitted are the one local owner. With any other provider each user is an owner.

Kernels authenticate by a token of their own, inherited through the environment: a server with a password, or without
authentication, has no token that a kernel could find. A kernel does not know for which user it runs, and all users of
the server can run code in its kernels; so sessions made by kernels belong to the server, and all its users may use
them.
"""

from __future__ import annotations

import getpass
import hmac
import os
import secrets
from dataclasses import dataclass
from typing import Any

from jupyter_server.auth.identity import IdentityProvider, LegacyIdentityProvider, PasswordIdentityProvider, User
from jupyter_server.auth.login import LegacyLoginHandler

TOKEN_VARIABLE = "OPENSPACE_KERNEL_TOKEN"
URL_VARIABLE = "OPENSPACE_SERVER_URL"


@dataclass(frozen=True)
class Ownership:
    """The owners of a request: new sessions belong to ``owner``, sessions of ``owners`` may be used."""

    owner: str
    owners: tuple[str, ...]


class KernelUser(User):
    """A kernel of this server."""


class KernelIdentity(IdentityProvider):
    """Identity provider of requests with the kernel token. A page can never have that token, so no XSRF check is
    needed; a foreign ``Origin`` is still refused."""

    def get_user(self, handler: Any) -> User:
        return KernelUser(_os_user(), "kernel")

    def is_token_authenticated(self, handler: Any) -> bool:
        return True

    def should_check_origin(self, handler: Any) -> bool:
        return True


class KernelTokenMixin:
    """For handlers, before JupyterHandler: accepts the kernel token in addition to the server's authentication."""

    request: Any
    settings: dict[str, Any]
    current_user: Any

    @property
    def identity_provider(self) -> IdentityProvider:
        if self._bears_kernel_token:
            return KernelIdentity(parent=self.settings["serverapp"])
        return super().identity_provider  # type: ignore[misc]

    def check_xsrf_cookie(self) -> None:
        """The server's XSRF check, except for kernels. JupyterHub replaces the check of ``JupyterHandler`` with its
        own, which does not ask ``identity_provider``."""
        if not self._bears_kernel_token:
            super().check_xsrf_cookie()  # type: ignore[misc]

    @property
    def _bears_kernel_token(self) -> bool:
        scheme, _, token = self.request.headers.get("Authorization", "").partition(" ")
        expected = self.settings["openspace"].kernel_token
        return scheme.lower() in ("bearer", "token") and hmac.compare_digest(token.strip().encode(), expected.encode())

    @property
    def ownership(self) -> Ownership:
        """The owners whose sessions the current user may use; only after ``prepare``."""
        server = server_owner()
        if _hub_user() or isinstance(self.current_user, KernelUser):
            return Ownership(server, (server,))
        if _stock(super().identity_provider):  # type: ignore[misc]
            return Ownership(server, (server,))
        own = f"user:{self.current_user.username}"
        return Ownership(own, (own, server))

    @property
    def is_admin(self) -> bool:
        """Whether the current user is an administrator; only after ``prepare``. On a single-user server that is its
        user; a kernel never is."""
        if isinstance(self.current_user, KernelUser):
            return False
        admins = self.settings["openspace"].admins
        if admins:
            return self.current_user.username in admins
        return not _hub_user() and _stock(super().identity_provider)  # type: ignore[misc]


def offer_kernel_token() -> str:
    """A new kernel token, set in the environment that kernels inherit."""
    os.environ[TOKEN_VARIABLE] = token = secrets.token_urlsafe(32)
    return token


def withdraw_kernel_token(token: str) -> None:
    if os.environ.get(TOKEN_VARIABLE) == token:
        del os.environ[TOKEN_VARIABLE]
        os.environ.pop(URL_VARIABLE, None)


def offer_server_url(serverapp: Any) -> None:
    """Set the server's local URL in the environment that kernels inherit. To be called once the server listens: its
    port is not known before."""
    os.environ[URL_VARIABLE] = server_url(serverapp)


def server_url(serverapp: Any) -> str:
    """The server's URL on this machine, independent of any proxy; ends with ``/``."""
    if serverapp.sock:
        url: str = serverapp.connection_url
        return url
    scheme = "https" if serverapp.certfile else "http"
    address = {"": "127.0.0.1", "*": "127.0.0.1", "0.0.0.0": "127.0.0.1", "localhost": "127.0.0.1", "::": "::1"}.get(
        serverapp.ip, serverapp.ip
    )
    host = f"[{address}]" if ":" in address else address
    return f"{scheme}://{host}:{serverapp.port}{serverapp.base_url}"


def server_owner() -> str:
    if hub_user := _hub_user():
        return f"hub:{hub_user}/{os.environ.get('JUPYTERHUB_SERVER_NAME', '')}"
    return f"local:{_os_user()}"


def _hub_user() -> str:
    """The owner of this server on JupyterHub. Empty elsewhere, and for a Hub service, where the variable is set but
    empty."""
    return os.environ.get("JUPYTERHUB_USER", "")


def _os_user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # in a container, the user id may have no name
        return str(os.getuid())


def _stock(provider: IdentityProvider) -> bool:
    """Whether ``provider`` makes up user names instead of authenticating users."""
    if type(provider) is LegacyIdentityProvider:
        return provider.login_handler_class is LegacyLoginHandler
    return type(provider) in (IdentityProvider, PasswordIdentityProvider)
