"""Session of OpenSpace as an object: the view, the calls and their life."""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from openspace_server.protocols.limits import DEFAULT_SIZE
from openspace_server.protocols.sessions import SessionState
from openspace_widget.aio import AsyncOpenSpace
from openspace_widget.client.client import Client
from openspace_widget.client.event_loop import background, run
from openspace_widget.client.openspace_api import OpenSpaceApi
from openspace_widget.client.server import Connection, ServerAddress, find_server, private_server
from openspace_widget.client.session import Session, open_session
from openspace_widget.client.session_list import SessionList, list_sessions
from openspace_widget.errors import SessionError
from openspace_widget.frames.mixin import Frames
from openspace_widget.frames.requests import checked_size
from openspace_widget.navigation import Navigation
from openspace_widget.points.mixin import PointClouds
from openspace_widget.scripting.mixin import Scripting
from openspace_widget.sharing import Sharing
from openspace_widget.stats import Statistics
from openspace_widget.timeline import Timeline
from openspace_widget.view.comm_tunnel import CommTunnel
from openspace_widget.view.display import Display
from openspace_widget.view.traits import LiveTraits
from openspace_widget.view.widget import OpenSpaceView


class OpenSpace(Navigation, Frames, PointClouds, Scripting, Sharing, Statistics):
    """A session of OpenSpace: as a cell's last expression it shows the live view.

    Without ``session`` it rejoins the one this notebook had, else starts one. It returns at once; the view shows the
    progress of the start, and calls that need the instance wait for it, ``timeout`` seconds at most.

    Args:
        session: id of one of my sessions to rejoin.
        engine: what draws; None is the host's default (the embedded engine unless configured).
        size: ``(width, height)`` of the view in pixels, 64 to 8192 each, until a view in a browser reports its own.
        url: base URL of a Jupyter server with the extension, with ``?token=…`` where it needs one; None finds it.
        timeout: seconds to wait for the instance and for its answers.

    Raises:
        ServerError: no server, no free slot, or a server without the extension.
        RequestError: an impossible size or engine.

    Attributes:
        time: simulation time, see :class:`~openspace_widget.Timeline`.
        aio: the same calls as awaitables, see :class:`~openspace_widget.AsyncOpenSpace`.
        widget: the view, an ipywidget.

    Example:
        >>> with OpenSpace(size=(320, 180)) as other:  # doctest: +SKIP
        ...     other.fly_to("Saturn", duration=4)
        ...     frame = other.frame()
    """

    aio: AsyncOpenSpace[OpenSpace]
    time: Timeline
    widget: OpenSpaceView

    def __init__(
        self,
        session: str | None = None,
        *,
        engine: str | None = None,
        size: tuple[int, int] = DEFAULT_SIZE,
        url: str | None = None,
        timeout: float = 60,
    ) -> None:
        size = checked_size(size)
        name = notebook_name()
        connection = Connection(_address(url))
        self.widget = OpenSpaceView(session_name=name)
        opened = run(open_session(connection, session, name, engine, size, float(timeout), _weakly(self._follow)))
        self._client = Client(opened, OpenSpaceApi(opened))
        self.widget.session = opened.id
        CommTunnel(self.widget, connection, opened.id)
        self._traits = LiveTraits(opened)
        opened.on_state = self._traits.on_state
        self.aio = AsyncOpenSpace(self)
        self.time = Timeline(self._client)
        self._display = Display(self._client, self.widget)
        # Re-running a cell creates a new object: close the old sockets, keep the session.
        weakref.finalize(self, _detach, opened).atexit = False

    def _follow(self, state: SessionState, reason: str) -> None:
        """Update the view; called on the background loop."""
        view_state = {
            SessionState.RUNNING: "running",
            SessionState.DISCONNECTED: "running",
            SessionState.STOPPED: "closed",
            SessionState.FAILED: "failed",
            SessionState.LOST: "failed",
        }.get(state, "starting")
        with self.widget.hold_sync():
            self.widget.reason = reason
            self.widget.state = view_state

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
        return run(list_sessions(self._client.session.connection))

    @property
    def session(self) -> str:
        """The session's id: ``OpenSpace(id)`` rejoins it."""
        return self._client.session.id

    @property
    def state(self) -> str:
        """``REQUESTED``, ``STARTING``, ``RUNNING``, …: the session's state as last reported.

        Example:
            >>> space.state
            'RUNNING'
        """
        return self._client.session.state.value

    @property
    def traits(self) -> LiveTraits:
        """What ipywidgets may be linked to: ``time``, ``rate``, ``paused``, ``focus``, ``size``; see
        :class:`~openspace_widget.LiveTraits`. The first use waits for the instance.

        Raises:
            SessionError: it has ended. NotReadyError: no answer in time.
        """
        self._traits.follow()
        return self._traits

    @property
    def ready(self) -> bool:
        """Whether the instance runs now; :meth:`wait` waits for it."""
        return self._client.session.state.has_instance

    @property
    def closed(self) -> bool:
        """Whether the session has ended, however it did.

        Example:
            >>> space.ready, space.closed
            (True, False)
        """
        return self._client.session.state.is_ended

    def wait(self, timeout: float | None = None) -> Self:
        """Wait until the instance runs, ``timeout`` seconds at most (None: the object's own).

        Raises:
            SessionError: with the reason if it cannot. NotReadyError: too late.

        Example:
            >>> space.wait().ready
            True
        """
        run(self._client.session.wait_running(timeout))
        return self

    def close(self) -> None:
        """End the session and its instance. Safe to call twice."""
        run(self._client.session.close())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # ---- in a cell

    def _repr_mimebundle_(self, **options: Any) -> Any:
        return self._display.mimebundle(repr(self), options)

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
    return run(list_sessions(Connection(_address(url))))


def _weakly(method: Callable[[SessionState, str], None]) -> Callable[[SessionState, str], None]:
    """Calls ``method`` as long as its object is there, and does not keep the object."""
    reference = weakref.WeakMethod(method)

    def call(state: SessionState, reason: str) -> None:
        if (called := reference()) is not None:
            called(state, reason)

    return call


def _detach(session: Session) -> None:
    background().submit(session.detach())


def notebook_name() -> str:
    """Name of this notebook's session: its path where the server gave it, else the process."""
    return os.environ.get("JPY_SESSION_NAME") or f"python process {os.getpid()}"


def _address(url: str | None) -> ServerAddress:
    if url is None:
        return find_server() or private_server()
    base, _, query = url.partition("?")
    token = dict(part.partition("=")[::2] for part in query.split("&")).get("token", "")
    if not base.startswith(("http://", "https://")):
        raise SessionError(f"url: expected the base URL of a Jupyter server, http:// or https://, got {url!r}")
    return ServerAddress(base.rstrip("/") + "/", token)
