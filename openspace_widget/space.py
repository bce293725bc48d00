"""OpenSpace: the one object a user holds."""

from __future__ import annotations

import os
import weakref
from types import TracebackType
from typing import Any, Self

from openspace_server.protocols.limits import DEFAULT_SIZE
from openspace_server.protocols.sessions import SessionState
from openspace_widget.aio import AsyncOpenSpace
from openspace_widget.client import session
from openspace_widget.client.event_loop import background
from openspace_widget.client.openspace_api import OpenSpaceApi
from openspace_widget.client.server import Connection, ServerAddress, find_server, private_server
from openspace_widget.client.session_list import SessionList, list_sessions
from openspace_widget.errors import SessionError
from openspace_widget.frames.mixin import Pictures, checked_size
from openspace_widget.navigation import Navigation
from openspace_widget.points.mixin import PointClouds
from openspace_widget.scripting.mixin import Program
from openspace_widget.sharing import Sharing
from openspace_widget.stats import Statistics
from openspace_widget.timeline import Timeline
from openspace_widget.view.comm_tunnel import CommRoad
from openspace_widget.view.display import Shown
from openspace_widget.view.traits import LiveTraits
from openspace_widget.view.widget import OpenSpaceView


class OpenSpace(Navigation, Pictures, PointClouds, Program, Sharing, Statistics):
    """A session of OpenSpace: as a cell's last expression it shows the live view.

    Without ``session`` it rejoins the one this notebook had, else starts one. It returns at once; the view shows how
    the start goes on, and whatever needs the instance waits for it, ``timeout`` seconds at most.

    Args:
        session: id of one of my sessions to rejoin.
        engine: what draws; None is the host's default (the embedded engine unless configured).
        size: picture in pixels, ``(width, height)``, 64 to 8192 each, until a view reports its own.
        url: base URL of a Jupyter server with the extension, with ``?token=…`` where it needs one; None finds it.
        timeout: seconds to wait for the instance and for its answers.

    Raises:
        ServerError: no server, no free slot, or a server without the extension.
        RequestError: an impossible size or engine.

    Attributes:
        time: simulation time, see :class:`~openspace_widget.timeline.Timeline`.
        aio: the same calls as awaitables, see :class:`~openspace_widget.aio.AsyncOpenSpace`.
        widget: the view, an ipywidget.

    Example:
        >>> with OpenSpace(size=(320, 180)) as other:  # doctest: +SKIP
        ...     other.fly_to("Saturn", duration=4)
        ...     picture = other.frame()
    """

    def __init__(
        self,
        session: str | None = None,
        *,
        engine: str | None = None,
        size: tuple[int, int] = DEFAULT_SIZE,
        url: str | None = None,
        timeout: float = 60,
    ) -> None:
        self._size = checked_size(size)
        self._name = notebook_name()
        self._connection = Connection(_address(url))
        self.widget = OpenSpaceView(session_name=self._name)
        self._session = background().run(self._open(session, engine, float(timeout)))
        self._program = OpenSpaceApi(self._session)
        self.widget.session = self._session.id
        self.widget.road = CommRoad(self.widget, self._connection, self._session.id)
        self._traits = LiveTraits(self._session)
        self._session.heard = self._traits.hear
        self.aio = AsyncOpenSpace(self)
        self.time = Timeline(self._session)
        self._shown = Shown(self)
        # A cell run again makes a new object: the old one's sockets go with it, its session stays.
        weakref.finalize(self, _let_go, self._session).atexit = False

    async def _open(self, id: str | None, engine: str | None, timeout: float) -> session.Session:
        if id is not None:
            info = dict(await self._connection.request("GET", f"sessions/{id}"))
        else:
            info = await session.rejoin(self._connection, self._name) or await session.create(
                self._connection, self._name, engine, self._size, timeout
            )
        follow = weakref.WeakMethod(self._follow)

        def changed(state: SessionState, reason: str) -> None:
            if (tell := follow()) is not None:
                tell(state, reason)

        return session.Session(self._connection, info, timeout, changed)

    def _follow(self, state: SessionState, reason: str) -> None:
        """Tell the view; called on the background thread."""
        shown = {
            SessionState.RUNNING: "running",
            SessionState.DISCONNECTED: "running",
            SessionState.STOPPED: "closed",
            SessionState.FAILED: "failed",
            SessionState.LOST: "failed",
        }.get(state, "starting")
        with self.widget.hold_sync():
            self.widget.reason = reason
            self.widget.state = shown

    # ---- life

    @classmethod
    def attach(cls, id: str, *, url: str | None = None, timeout: float = 60) -> Self:
        """Join one of my running sessions by its id, such as another notebook's. The same as ``OpenSpace(id)``.

        Example:
            >>> OpenSpace.attach(space.session).focus == space.focus
            True
        """
        return cls(id, url=url, timeout=timeout)

    def sessions(self) -> SessionList:
        """My sessions on this session's server, the newest first.

        Example:
            >>> space.session in [each.id for each in space.sessions()]
            True
        """
        return background().run(list_sessions(self._connection))

    @property
    def session(self) -> str:
        """The session's id: ``OpenSpace(id)`` rejoins it."""
        return self._session.id

    @property
    def state(self) -> str:
        """``REQUESTED``, ``STARTING``, ``RUNNING``, …: the session's state as last heard.

        Example:
            >>> space.state
            'RUNNING'
        """
        return self._session.state.value

    @property
    def traits(self) -> LiveTraits:
        """What ipywidgets may be linked to: ``time``, ``rate``, ``paused``, ``focus``, ``size``; see
        :class:`~openspace_widget.view.traits.LiveTraits`. The first use waits for the instance.

        Raises:
            SessionError: it has ended. NotReadyError: no answer in time.
        """
        self._traits.follow()
        return self._traits

    @property
    def ready(self) -> bool:
        """Whether the instance runs now; :meth:`wait` waits for it."""
        return self._session.state.has_instance

    @property
    def closed(self) -> bool:
        """Whether the session has ended, however it did.

        Example:
            >>> space.ready, space.closed
            (True, False)
        """
        return self._session.state.is_ended

    def wait(self, timeout: float | None = None) -> Self:
        """Wait until the instance runs, ``timeout`` seconds at most (None: the object's own).

        Raises:
            SessionError: with the reason if it cannot. NotReadyError: too late.

        Example:
            >>> space.wait().ready
            True
        """
        background().run(self._session.running(timeout))
        return self

    def close(self) -> None:
        """End the session and its instance. Safe to call twice."""
        background().run(self._session.close())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # ---- in a cell

    def _repr_mimebundle_(self, **options: Any) -> Any:
        return self._shown.mimebundle(options)

    def __repr__(self) -> str:
        return f"<OpenSpace session {self.session[:8]} {self.state}>"


def sessions(url: str | None = None) -> SessionList:
    """My sessions, the newest first, without starting one.

    Args:
        url: base URL of a Jupyter server with the extension; None finds it.

    Raises:
        ServerError: no server.

    Example:
        >>> from openspace_widget import sessions
        >>> sessions()[0].state
        'RUNNING'
    """
    return background().run(list_sessions(Connection(_address(url))))


def _let_go(held: session.Session) -> None:
    background().submit(held.detach())


def notebook_name() -> str:
    """What this notebook's session is called: its path where the server told it, else the process."""
    return os.environ.get("JPY_SESSION_NAME") or f"python process {os.getpid()}"


def _address(url: str | None) -> ServerAddress:
    if url is None:
        return find_server() or private_server()
    base, _, query = url.partition("?")
    token = dict(part.partition("=")[::2] for part in query.split("&")).get("token", "")
    if not base.startswith(("http://", "https://")):
        raise SessionError(f"url: expected the base URL of a Jupyter server, http:// or https://, got {url!r}")
    return ServerAddress(base.rstrip("/") + "/", token)
