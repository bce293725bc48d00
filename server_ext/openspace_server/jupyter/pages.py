"""The stream page of a session, and the built JavaScript and styles that it and nobody else needs."""

from __future__ import annotations

import html
import json
from pathlib import Path
from typing import Any

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import JupyterHandler
from tornado import web

from openspace_server.jupyter.base import RESOURCE, OrchestratorMixin
from openspace_server.orchestrator.errors import UnknownSession

STATIC = Path(__file__).parent / "static"

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="stylesheet" href="{static}page.css">
{head}</head>
<body>
{body}
</body>
</html>
"""


class Page(OrchestratorMixin, JupyterHandler):
    """Base of the pages: own scripts only, connections to this server only."""

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
        self.set_header("Content-Type", "text/html; charset=UTF-8")
        self.set_header("Cache-Control", "no-store")
        static = html.escape(f"{self.base_url}openspace/static/")
        self.finish(_PAGE.format(title=html.escape(title), static=static, body=body, head=head))


class StreamPage(Page):
    """``/openspace/stream/<session>``: the view of one of my sessions, filling the window."""

    @web.authenticated
    @authorized
    async def get(self, session: str) -> None:
        try:
            view = await (await self.orchestrator()).get(self.rights.owners, session)
        except UnknownSession:
            self.set_status(404)
            self.write_page(
                "OpenSpace: no such session",
                "<main class='openspace-message'><h1>No such session</h1>"
                "<p>There is no session of yours at this address. Start one in a notebook: "
                "<code>from openspace_widget import OpenSpace; OpenSpace()</code></p></main>",
            )
            return
        # "<" in a name must not end the script element.
        data = json.dumps({"baseUrl": self.base_url, "session": view.id}).replace("<", "\\u003c")
        self.write_page(
            f"{view.name} – OpenSpace" if view.name else "OpenSpace",
            f'<main id="openspace-view"></main>\n<script id="openspace-page" type="application/json">{data}</script>',
            f'<script type="module" src="{html.escape(self.base_url)}openspace/static/page.js"></script>\n',
        )


class StaticFiles(OrchestratorMixin, JupyterHandler, web.StaticFileHandler):
    """The view's built files, for those who may see a session."""

    auth_resource = RESOURCE

    @web.authenticated
    @authorized
    async def get(self, path: str) -> None:  # type: ignore[override]
        await web.StaticFileHandler.get(self, path)

    @web.authenticated
    @authorized
    async def head(self, path: str) -> None:  # type: ignore[override]
        await web.StaticFileHandler.get(self, path, include_body=False)

    def get_content_type(self) -> str:
        # The machine's own table may call JavaScript text/plain, which browsers refuse to run as a module.
        return "text/javascript" if str(self.absolute_path).endswith((".js", ".mjs")) else super().get_content_type()

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        web.RequestHandler.write_error(self, status_code, **kwargs)
