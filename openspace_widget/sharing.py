"""Links that let others watch or steer a session."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import anywidget
import traitlets

from openspace_widget.client.mixin import Held
from openspace_widget.client.server import Connection
from openspace_widget.errors import RequestError, ServerError

ROLES = ("viewer", "controller")


async def make(connection: Connection, session: str, role: str, hours: float) -> dict[str, Any]:
    """A new link as the server tells it, key included. Raises RequestError, ServerError."""
    if role not in ROLES:
        raise RequestError(f"role: expected 'viewer' or 'controller', got {role!r}")
    try:
        return dict(await connection.request("POST", f"sessions/{session}/shares", {"role": role, "hours": hours}))
    except ServerError as problem:
        raise _refined(problem) from None


async def live(connection: Connection, session: str) -> list[dict[str, Any]]:
    """The links that are good now, oldest first, without their keys."""
    return list((await connection.request("GET", f"sessions/{session}/shares"))["shares"])


async def revoke(connection: Connection, session: str, share: str) -> None:
    """End a link; no error if it has ended already."""
    try:
        await connection.request("DELETE", f"sessions/{session}/shares/{share}")
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
        url: the link; empty for those that ``space.shares()`` lists, because nobody keeps their keys.
    """

    id: str
    role: str
    created: str
    expires: str
    url: str = field(default="", repr=False)
    path: str = field(default="", repr=False)
    _revoke: Callable[[str], None] = field(default=lambda share: None, repr=False, compare=False)

    def revoke(self) -> None:
        """End it now: nobody gets in by it any more, and who watches by it is sent away. Safe to call twice."""
        self._revoke(self.id)

    def _repr_mimebundle_(self, **options: Any) -> Any:
        if not self.url:
            return {"text/plain": repr(self)}
        return LinkView(self)._repr_mimebundle_(**options)


def share_of(told: dict[str, Any], revoke: Callable[[str], None]) -> Share:
    """A link as the server told it."""
    return Share(**told, _revoke=revoke)


class Sharing(Held):
    """The links of :class:`~openspace_widget.space.OpenSpace`."""

    _connection: Connection

    def share(self, role: str = "viewer", hours: float = 24) -> Share:
        """A link for others, to this session's stream page; shows itself, with a button to copy it.

        Args:
            role: ``"viewer"`` watches; ``"controller"`` may also steer when the owner lets go.
            hours: for how long it is good, 720 at most.

        Raises:
            RequestError: another role, or an impossible time.

        Example:
            >>> link = space.share(hours=1)
            >>> link.role
            'viewer'
            >>> link.revoke()
        """
        told = self._run(make(self._connection, self._session.id, role, hours))
        return share_of(told, self._end_share)

    def shares(self) -> list[Share]:
        """The links to this session that are good now, oldest first; each has ``revoke()``.

        Example:
            >>> space.shares()
            []
        """
        told = self._run(live(self._connection, self._session.id))
        return [share_of(one, self._end_share) for one in told]

    def _end_share(self, share: str) -> None:
        self._run(revoke(self._connection, self._session.id, share))


class LinkView(anywidget.AnyWidget):
    """Shows a link. The page asks for it when it shows it: a trait would be kept in the notebook's file."""

    _esm = """
    export default { render({ model, el }) {
      const link = document.createElement("a"), copy = document.createElement("button");
      const note = document.createElement("span");
      link.target = "_blank"; link.rel = "noopener noreferrer"; link.textContent = "…";
      copy.textContent = "Copy link"; copy.disabled = true; copy.style.margin = "0 0.75em";
      note.setAttribute("role", "status");
      const told = (message) => {
        if (message.type !== "link") return;
        const here = /^https?:$/.test(location.protocol) && document.getElementById("jupyter-config-data");
        link.href = here ? new URL(message.path, location.origin).href : message.url;
        link.textContent = link.href.replace(/#.*/, "");
        copy.disabled = false;
        note.textContent = message.note;
      };
      copy.addEventListener("click", () => navigator.clipboard.writeText(link.href).then(
        () => { copy.textContent = "Copied"; }, () => { link.textContent = link.href; }));
      model.on("msg:custom", told);
      el.append(link, copy, note);
      model.send({ type: "show" });
      return () => model.off("msg:custom", told);
    } };
    """

    expires = traitlets.Unicode("").tag(sync=True)

    def __init__(self, share: Share) -> None:
        super().__init__(expires=share.expires)
        self._share = share
        self.on_msg(self._asked)

    def _asked(self, _widget: Any, content: Any, _buffers: Any) -> None:
        if isinstance(content, dict) and content.get("type") == "show":
            share = self._share
            note = f"{share.role}, until {share.expires[:16].replace('T', ' ')} UTC"
            self.send({"type": "link", "path": share.path, "url": share.url, "note": note})


def _refined(problem: ServerError) -> Exception:
    return RequestError(str(problem)) if problem.status == 400 else problem
