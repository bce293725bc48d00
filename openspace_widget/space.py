"""OpenSpace: the one object a user holds."""

from __future__ import annotations

import asyncio
import os
import weakref
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Self, TypeVar

import numpy as np

from openspace_server.protocols.fields import ProtocolError
from openspace_server.protocols.picture import DEFAULT_SIZE, check_size
from openspace_server.protocols.sessions import SessionState
from openspace_widget import frames, navigation, session, sharing
from openspace_widget.background import background
from openspace_widget.connection import Connection, ServerAddress, find_server, private_server
from openspace_widget.errors import RequestError, SessionError
from openspace_widget.sharing import Share
from openspace_widget.timeline import Timeline
from openspace_widget.widget import OpenSpaceView

T = TypeVar("T")


class OpenSpace:
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

    Example:
        >>> space = OpenSpace()
        >>> space.fly_to("Saturn", duration=4)
        >>> picture = space.frame()
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
        self._size = _checked(size)
        self._name = notebook_name()
        address = _address(url) if url else find_server() or private_server()
        self._connection = Connection(address)
        self.widget = OpenSpaceView(session_name=self._name)
        self._session = background().run(self._open(session, engine, float(timeout)))
        self.widget.session = self._session.id
        self.aio = AsyncOpenSpace(self)
        self.time = Timeline(self._ask)
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

    @property
    def session(self) -> str:
        """The session's id: ``OpenSpace(id)`` rejoins it."""
        return self._session.id

    @property
    def state(self) -> str:
        """``REQUESTED``, ``STARTING``, ``RUNNING``, …: the session's state as last heard."""
        return self._session.state.value

    def wait(self) -> Self:
        """Wait until the instance runs. Raises SessionError with the reason if it cannot, NotReadyError if too late."""
        background().run(self._session.running())
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

    # ---- camera

    def fly_to(self, target: str, duration: float = 4, distance: float | None = None) -> bool:
        """Fly to ``target`` and wait until there.

        Args:
            target: a name such as ``"Mars"``; ``targets`` lists them.
            duration: seconds; 0 jumps.
            distance: metres from the target's centre; None shows it well.

        Returns:
            False if something else, such as a viewer's mouse, took the camera on the way.

        Raises:
            RequestError: unknown target (near names are listed) or impossible distance.
        """
        return background().run(navigation.fly_to(self._session, target, duration, distance))

    def home(self) -> None:
        """Fly back to the first view; returns at once."""
        self._ask("home")

    @property
    def focus(self) -> str:
        """Identifier of the body the camera orbits; set it to turn to another one."""
        return str(self._ask("state")["focus"])

    @focus.setter
    def focus(self, target: str) -> None:
        self._ask("set_focus", target=target)

    @property
    def camera(self) -> dict[str, Any]:
        """The navigation state: ``Anchor``, ``Position`` (metres from it), ``Up``, ``ReferenceFrame``. May be set."""
        return dict(self._ask("camera"))

    @camera.setter
    def camera(self, state: dict[str, Any]) -> None:
        self._ask("set_camera", camera=state)

    @property
    def targets(self) -> list[str]:
        """Everything the camera can fly to."""
        return background().run(navigation.target_names(self._session))

    # ---- picture

    @property
    def resolution(self) -> tuple[int, int]:
        """``(width, height)`` of the picture in pixels; setting it holds until ``follow_view()``."""
        state = self._ask("state")
        return int(state["width"]), int(state["height"])

    @resolution.setter
    def resolution(self, size: tuple[int, int]) -> None:
        width, height = _checked(size)
        self._ask("resolution", width=width, height=height)

    def follow_view(self) -> None:
        """Let the size of the view in the browser decide the resolution again."""
        self._ask("follow")

    def frame(self) -> np.ndarray:
        """The exact pixels of the next drawn frame.

        Returns:
            uint8 ``(height, width, 3)``, RGB, top row first, read-only.

        Raises:
            SessionError: the session ended. NotReadyError: no frame within ``timeout`` seconds.
        """
        pixels, _ = background().run(frames.grab(self._session))
        return pixels

    # ---- people

    def share(self, role: str = "viewer", hours: float = 24) -> Share:
        """A link for others, to this session's stream page; shows itself, with a button to copy it.

        Args:
            role: ``"viewer"`` watches; ``"controller"`` may also steer when the owner lets go.
            hours: for how long it is good, 720 at most.

        Raises:
            RequestError: another role, or an impossible time.
        """
        told = background().run(sharing.make(self._connection, self.session, role, hours))
        return sharing.share_of(told, self._revoke)

    def shares(self) -> list[Share]:
        """The links to this session that are good now, oldest first; each has ``revoke()``."""
        told = background().run(sharing.live(self._connection, self.session))
        return [sharing.share_of(one, self._revoke) for one in told]

    def _revoke(self, share: str) -> None:
        background().run(sharing.revoke(self._connection, self.session, share))

    # ---- plumbing

    def _ask(self, verb: str, **arguments: Any) -> Any:
        return background().run(self._session.ask(verb, **arguments))

    def _repr_mimebundle_(self, **options: Any) -> Any:
        return self.widget._repr_mimebundle_(**options)

    def __repr__(self) -> str:
        return f"<OpenSpace session {self.session[:8]} {self.state}>"


class AsyncOpenSpace:
    """``space.aio``: the same calls as awaitables that do not block the caller's event loop."""

    def __init__(self, space: OpenSpace) -> None:
        self._space = space

    async def wait(self) -> None:
        """Wait until the instance runs. Raises SessionError, NotReadyError."""
        await _elsewhere(self._space._session.running())

    async def fly_to(self, target: str, duration: float = 4, distance: float | None = None) -> bool:
        """As :meth:`OpenSpace.fly_to`."""
        return await _elsewhere(navigation.fly_to(self._space._session, target, duration, distance))

    async def frame(self) -> np.ndarray:
        """As :meth:`OpenSpace.frame`."""
        pixels, _ = await _elsewhere(frames.grab(self._space._session))
        return pixels

    async def close(self) -> None:
        """As :meth:`OpenSpace.close`."""
        await _elsewhere(self._space._session.close())


async def _elsewhere(work: Coroutine[Any, Any, T]) -> T:
    """Await ``work``, which runs on the background loop."""
    return await asyncio.wrap_future(background().submit(work))


def _let_go(held: session.Session) -> None:
    background().submit(held.detach())


def notebook_name() -> str:
    """What this notebook's session is called: its path where the server told it, else the process."""
    return os.environ.get("JPY_SESSION_NAME") or f"python process {os.getpid()}"


def _checked(size: tuple[int, int]) -> tuple[int, int]:
    try:
        width, height = size
        return check_size({"width": width, "height": height})
    except (TypeError, ValueError) as problem:
        reason = problem if isinstance(problem, ProtocolError) else f"expected (width, height), got {size!r}"
        raise RequestError(f"size: {reason}") from None


def _address(url: str) -> ServerAddress:
    base, _, query = url.partition("?")
    token = dict(part.partition("=")[::2] for part in query.split("&")).get("token", "")
    if not base.startswith(("http://", "https://")):
        raise SessionError(f"url: expected the base URL of a Jupyter server, http:// or https://, got {url!r}")
    return ServerAddress(base.rstrip("/") + "/", token)
