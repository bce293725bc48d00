"""Share links: let others watch or steer a session."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import anywidget
import traitlets

from openspace_widget.client.client import Client
from openspace_widget.client.event_loop import run
from openspace_widget.client.mixin import ClientMixin
from openspace_widget.errors import RequestError, ServerError

ROLES = ("viewer", "controller")


async def make(client: Client, role: str, hours: float) -> Share:
    """A new link, with its key. Raises RequestError, ServerError."""
    if role not in ROLES:
        raise RequestError(f"role: expected 'viewer' or 'controller', got {role!r}")
    try:
        message = await _request(client, "POST", body={"role": role, "hours": hours})
    except ServerError as problem:
        raise _refined(problem) from None
    return _share(client, message)


async def live(client: Client) -> list[Share]:
    """The links that are good now, oldest first, without their keys. Raises ServerError."""
    return [_share(client, message) for message in (await _request(client, "GET"))["shares"]]


async def revoke(client: Client, share: str) -> None:
    """End a link; no error if it has ended already. Raises ServerError."""
    try:
        await _request(client, "DELETE", f"/{share}")
    except ServerError as problem:
        if problem.status != 404:
            raise


@dataclass(frozen=True)
class Share:
    """A link to a session. As a cell's last expression it shows the link, with a button that copies it.

    The notebook's file keeps no link: what is shown is gone when the page is loaded again.

    Attributes:
        id: tells it from the session's other links.
        role: ``"viewer"`` watches and may ask for control; ``"controller"`` may also be given it by other guests, and
            steers while the owner is away.
        expires: ISO 8601 UTC.
        url: the link; empty for those that ``space.shares()`` lists, because their keys are kept nowhere.
    """

    id: str
    role: str
    created: str
    expires: str
    url: str = field(default="", repr=False)
    path: str = field(default="", repr=False)
    _revoke: Callable[[str], None] = field(default=lambda share: None, repr=False, compare=False)

    def revoke(self) -> None:
        """End it now: it admits no more guests, and those it has admitted are disconnected. Safe to call twice."""
        self._revoke(self.id)

    def _repr_mimebundle_(self, **options: Any) -> Any:
        if not self.url:
            return {"text/plain": repr(self)}
        return LinkView(self)._repr_mimebundle_(**options)


async def _request(client: Client, method: str, share: str = "", body: dict[str, Any] | None = None) -> Any:
    session = client.session
    return await session.connection.request(method, f"sessions/{session.id}/shares{share}", body)


def _share(client: Client, message: dict[str, Any]) -> Share:
    return Share(**message, _revoke=lambda share: run(revoke(client, share)))


class Sharing(ClientMixin):
    """The links of :class:`~openspace_widget.OpenSpace`."""

    def share(self, role: str = "viewer", hours: float = 24) -> Share:
        """A link for others, to this session's stream page; shows itself, with a button to copy it.

        Args:
            role: ``"viewer"`` watches; ``"controller"`` may also steer while the owner does not.
            hours: for how long it is good, 720 at most.

        Raises:
            RequestError: another role, or an impossible time.

        Example:
            >>> link = space.share(hours=1)
            >>> link.role
            'viewer'
            >>> link.revoke()
        """
        return run(make(self._client, role, hours))

    def shares(self) -> list[Share]:
        """The links to this session that are good now, oldest first; each has ``revoke()``.

        Example:
            >>> space.shares()
            []
        """
        return run(live(self._client))


class LinkView(anywidget.AnyWidget):
    """View of a link. Its page requests the link when shown: a trait would be kept in the notebook's file."""

    _esm = """
    export default { render({ model, el }) {
      const link = document.createElement("a"), copy = document.createElement("button");
      const note = document.createElement("span");
      link.target = "_blank"; link.rel = "noopener noreferrer"; link.textContent = "…";
      copy.textContent = "Copy link"; copy.disabled = true; copy.style.margin = "0 0.75em";
      note.setAttribute("role", "status");
      const onMessage = (message) => {
        if (message.type !== "link") return;
        const here = /^https?:$/.test(location.protocol) && document.getElementById("jupyter-config-data");
        link.href = here ? new URL(message.path, location.origin).href : message.url;
        link.textContent = link.href.replace(/#.*/, "");
        copy.disabled = false;
        note.textContent = message.note;
      };
      copy.addEventListener("click", () => navigator.clipboard.writeText(link.href).then(
        () => { copy.textContent = "Copied"; }, () => { link.textContent = link.href; }));
      model.on("msg:custom", onMessage);
      el.append(link, copy, note);
      model.send({ type: "show" });
      return () => model.off("msg:custom", onMessage);
    } };
    """

    expires = traitlets.Unicode("").tag(sync=True)

    def __init__(self, share: Share) -> None:
        super().__init__(expires=share.expires)
        self._share = share
        self.on_msg(self._on_message)

    def _on_message(self, _widget: Any, content: Any, _buffers: Any) -> None:
        if isinstance(content, dict) and content.get("type") == "show":
            share = self._share
            note = f"{share.role}, until {share.expires[:16].replace('T', ' ')} UTC"
            self.send({"type": "link", "path": share.path, "url": share.url, "note": note})


def _refined(problem: ServerError) -> Exception:
    return RequestError(str(problem)) if problem.status == 400 else problem
