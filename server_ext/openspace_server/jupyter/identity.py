"""Who is asking, and whose sessions they may use.

Sessions belong to an *owner*, a stable name. On JupyterHub that is the server's owner and name: whoever the Hub lets
onto a server acts as its owner. Jupyter's stock identity provider has no users, it makes up a name per browser, so
there everybody who gets in is the one local owner. With any other provider each user is an owner.

Kernels get in with a token of their own, inherited through the environment: a server with a password, or with no
authentication at all, has no token that a kernel could find. A kernel does not know for which user it runs, and
whoever may use the server may run code in its kernels; so sessions made by kernels belong to the server, and every
user of the server may use them.
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
class Rights:
    """New sessions belong to ``owner``; those of ``owners`` may be used."""

    owner: str
    owners: tuple[str, ...]


class KernelUser(User):
    """A kernel of this server."""


class KernelIdentity(IdentityProvider):
    """Answers for one request that bears the kernel token. A page can never hold that token, so no XSRF check is due;
    a foreign ``Origin`` is still refused."""

    def get_user(self, handler: Any) -> User:
        return KernelUser(_os_user(), "kernel")

    def is_token_authenticated(self, handler: Any) -> bool:
        return True

    def should_check_origin(self, handler: Any) -> bool:
        return True


class KernelTokenMixin:
    """For handlers, before JupyterHandler: accepts the kernel token beside the server's own ways."""

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
        scheme, _, given = self.request.headers.get("Authorization", "").partition(" ")
        token = self.settings["openspace"].kernel_token
        return scheme.lower() in ("bearer", "token") and hmac.compare_digest(given.strip().encode(), token.encode())

    @property
    def rights(self) -> Rights:
        """What the current user may do; only after ``prepare``."""
        server = server_owner()
        if _hub_user() or isinstance(self.current_user, KernelUser):
            return Rights(server, (server,))
        if _stock(super().identity_provider):  # type: ignore[misc]
            return Rights(server, (server,))
        own = f"user:{self.current_user.username}"
        return Rights(own, (own, server))

    @property
    def administers(self) -> bool:
        """Whether the current user may see everything; only after ``prepare``. Where one user has the server for
        himself, that is he; a kernel never does."""
        if isinstance(self.current_user, KernelUser):
            return False
        admins = self.settings["openspace"].admins
        if admins:
            return self.current_user.username in admins
        return not _hub_user() and _stock(super().identity_provider)  # type: ignore[misc]


def offer_kernel_token() -> str:
    """A new kernel token, put where kernels inherit it."""
    os.environ[TOKEN_VARIABLE] = token = secrets.token_urlsafe(32)
    return token


def withdraw_kernel_token(token: str) -> None:
    if os.environ.get(TOKEN_VARIABLE) == token:
        del os.environ[TOKEN_VARIABLE]
        os.environ.pop(URL_VARIABLE, None)


def offer_server_url(serverapp: Any) -> None:
    """Where kernels on this machine reach the server, put where they inherit it. Once the server listens: before, its
    port is not known."""
    os.environ[URL_VARIABLE] = server_url(serverapp)


def server_url(serverapp: Any) -> str:
    """The server as this machine reaches it, whatever proxy stands before it; ends with ``/``."""
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
    except (OSError, KeyError):  # a container may run a number that has no name
        return str(os.getuid())


def _stock(provider: IdentityProvider) -> bool:
    """Whether it makes up users instead of knowing them."""
    if type(provider) is LegacyIdentityProvider:
        return provider.login_handler_class is LegacyLoginHandler
    return type(provider) in (IdentityProvider, PasswordIdentityProvider)
