"""Pages outside notebooks: sessions, waiting, stream, administration. They contain no address, port or instance id, and
store nothing in the browser."""

from __future__ import annotations

import html
import json
from pathlib import Path
from typing import Any

from jupyter_server.auth.decorator import allow_unauthenticated, authorized
from jupyter_server.base.handlers import JupyterHandler
from tornado import web

from openspace_server.jupyter.base import RESOURCE, OrchestratorMixin
from openspace_server.jupyter.guests import GuestMixin
from openspace_server.orchestrator.errors import UnknownSession, UnknownShare

STATIC = Path(__file__).parent / "static"
"""The built files of the view."""
PAGES = STATIC / "pages"
"""The small pages' scripts and styles, built from ``js/pages``."""

_IN_A_NOTEBOOK = "<code>from openspace_widget import OpenSpace; OpenSpace()</code>"
_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
{head}</head>
<body>
{body}
</body>
</html>
"""


class Page(OrchestratorMixin, JupyterHandler):
    """Base of the pages: scripts and connections of this server only."""

    auth_resource = RESOURCE

    @property
    def content_security_policy(self) -> str:
        host = self.request.host
        return "; ".join(
            [
                super().content_security_policy,
                "default-src 'none'",
                "script-src 'self'",
                "style-src 'self' 'unsafe-inline'",
                "img-src 'self' data: blob:",
                "media-src 'self' blob:",
                "font-src 'self' data:",
                "worker-src 'self' blob:",
                # 'self' does not cover WebSockets in every browser.
                f"connect-src 'self' ws://{host} wss://{host}",
                "base-uri 'none'",
                "form-action 'none'",
            ]
        )

    def write_page(self, title: str, body: str, head: str = "") -> None:
        """Finish with a page; ``title`` is text, ``body`` and ``head`` are HTML."""
        self.xsrf_token  # noqa: B018 - sets the cookie that the page's requests need
        self.set_header("Content-Type", "text/html; charset=UTF-8")
        self.set_header("Cache-Control", "no-store")
        self.finish(_PAGE.format(title=html.escape(title), body=body, head=head))

    def link(self, path: str = "") -> str:
        """The path of one of our pages, escaped for HTML."""
        return html.escape(f"{self.base_url}openspace/{path}")

    def write_small_page(self, title: str, body: str, script: str, **data: str) -> None:
        """Finish with one of the small pages; ``data`` is for its script."""
        # "<" in a name must not end the script element.
        config = json.dumps({"baseUrl": self.base_url, **data}).replace("<", "\\u003c")
        where = self.link("pages/")
        self.write_page(
            title,
            f'{body}\n<script id="openspace-page" type="application/json">{config}</script>',
            f'<link rel="stylesheet" href="{where}pages.css">\n<script type="module" src="{where}{script}"></script>\n',
        )


class HomePage(Page):
    """``/openspace``: the user's sessions."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        admin = f'<a href="{self.link("admin")}">Administration</a>' if self.is_admin else ""
        self.write_small_page(
            "My sessions – OpenSpace",
            f'<main><header><h1>My sessions</h1>{admin}<button id="start" class="primary">New session</button></header>'
            '<p id="notice" role="status"></p>'
            '<p id="none" class="empty" hidden>You have no session. Start one here, or in a notebook: '
            f'{_IN_A_NOTEBOOK}</p><ul id="sessions" class="cards"></ul></main>',
            "home.js",
        )


class WaitPage(Page):
    """``/openspace/wait/<session>``: opens the stream page once the session runs."""

    @web.authenticated
    @authorized
    async def get(self, session: str) -> None:
        try:
            await (await self.orchestrator()).get(self.ownership.owners, session)
        except UnknownSession as problem:
            raise web.HTTPError(404, str(problem)) from None
        self.write_small_page(
            "Waiting – OpenSpace",
            '<main class="middle"><div class="panel"><div id="spinner" class="spinner"></div>'
            '<h1 id="title">One moment</h1><p id="notice" role="status">…</p><p class="actions">'
            f'<a class="button" href="{self.link()}">My sessions</a><button id="cancel" class="danger">Cancel</button>'
            "</p></div></main>",
            "wait.js",
            session=session,
        )


class AdminPage(Page):
    """``/openspace/admin``: all hosts and sessions."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        if not self.is_admin:
            raise web.HTTPError(403, "for administrators only (OpenSpaceExtension.admins)")
        heads = (
            ("Hosts", "hosts", ("Host", "Kind", "Region", "Graphics card", "State", "Busy", "Reason", "")),
            ("Sessions", "sessions", ("Session", "Owner", "Engine", "State", "Host", "Reason", "")),
        )
        tables = "".join(
            f'<section><h2>{title}</h2><div class="table"><table id="{id}-table"><thead><tr>'
            f"{''.join(f'<th>{cell}</th>' for cell in cells)}</tr></thead>"
            f'<tbody id="{id}"></tbody></table></div></section>'
            for title, id, cells in heads
        )
        self.write_small_page(
            "Administration – OpenSpace",
            f'<main><header><h1>Administration</h1><a href="{self.link()}">My sessions</a></header>'
            f'<p id="notice" role="status"></p>{tables}</main>',
            "admin.js",
        )


class StreamPage(GuestMixin, Page):
    """``/openspace/stream/<session>``: the view of one session, filling the window.

    Callers without access get the entry page instead. Its script exchanges the key of a share link (``guests.py``),
    which only the browser has, for a cookie, or else opens the login. The query ``login`` requests the login.
    """

    @allow_unauthenticated
    async def get(self, session: str) -> None:
        if self.current_user is None and "login" in self.request.query_arguments:
            web.authenticated(lambda _: None)(self)
            return
        try:
            access = await self.access(session)
            view = access.redacted(await (await self.orchestrator()).get(access.owners, session))
        except (UnknownSession, UnknownShare) as problem:
            self.set_status(404)
            self._write_entry_page(session, "No such session", str(problem))
            return
        except web.HTTPError as problem:
            if self.current_user is not None:
                raise
            self.set_status(problem.status_code)
            self._write_entry_page(session, "OpenSpace", "You are not logged in.")
            return
        # "<" in a name must not end the script element.
        config = {
            "baseUrl": self.base_url,
            "session": view.id,
            "running": view.state.has_instance,
            "guest": not access.is_owner,
        }
        data = json.dumps(config).replace("<", "\\u003c")
        self.write_page(
            f"{view.name} – OpenSpace" if view.name else "OpenSpace",
            f'<main id="openspace-view"></main>\n<script id="openspace-page" type="application/json">{data}</script>',
            f'<link rel="stylesheet" href="{self.link("static/page.css")}">\n'
            f'<script type="module" src="{self.link("static/page.js")}"></script>\n',
        )

    def _write_entry_page(self, session: str, title: str, reason: str) -> None:
        start = (
            f'<p class="actions"><a class="button primary" href="{self.link()}">My sessions</a></p>'
            f'<p class="quiet">Or start one in a notebook: {_IN_A_NOTEBOOK}</p>'
            if self.current_user is not None
            else '<p class="actions"><a class="button primary" href="?login">Log in</a></p>'
        )
        self.write_small_page(
            f"{title} – OpenSpace",
            f'<main class="middle"><div class="panel"><h1>{html.escape(title)}</h1>'
            f'<p id="notice" role="status">{html.escape(reason)}</p>{start}</div></main>',
            "door.js",
            session=session,
            user="" if self.current_user is None else "yes",
        )


class PublicFiles(JupyterHandler, web.StaticFileHandler):
    """Scripts and styles of the pages, served without a login; they hold no secrets.

    Browsers fetch module scripts in CORS mode. JupyterHub accepts its login cookie in that mode only with an XSRF
    header, which a script element cannot send, and would redirect such requests to its login without end.
    """

    @allow_unauthenticated
    async def get(self, path: str) -> None:  # type: ignore[override]
        await web.StaticFileHandler.get(self, path)

    @allow_unauthenticated
    async def head(self, path: str) -> None:
        await web.StaticFileHandler.get(self, path, include_body=False)

    def get_content_type(self) -> str:
        # The machine's MIME types may declare JavaScript as text/plain, which browsers refuse to run as a module.
        return "text/javascript" if str(self.absolute_path).endswith((".js", ".mjs")) else super().get_content_type()

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        web.RequestHandler.write_error(self, status_code, **kwargs)
