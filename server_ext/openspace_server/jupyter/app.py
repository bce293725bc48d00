"""The Jupyter server extension ``openspace``: settings, lifecycle of the orchestrator, and handlers.

Heavy modules are imported on first use only: a Jupyter server whose user never opens OpenSpace loads none of them.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_core.paths import jupyter_data_dir
from jupyter_server.extension.application import ExtensionApp
from traitlets import Bool, Enum, Float, Int, List, TraitError, Unicode, default, validate

from openspace_server.jupyter import (
    admin,
    agents,
    api,
    audit,
    guests,
    ice,
    identity,
    pages,
    shares,
    sockets,
    thumbnails,
)
from openspace_server.orchestrator.settings import HostAddress, Settings

if TYPE_CHECKING:
    from openspace_server.orchestrator.orchestrator import Orchestrator

SESSION = r"(?P<session>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"
HOST = SESSION.replace("session", "host")
SHARE = SESSION.replace("session", "share")
API = r"/openspace/api/v1"


_PASSED_ON = (
    *("exclusive_hosts", "quota", "idle_limit", "away_limit", "max_duration", "warning", "warm", "restart_limit"),
    *("snapshot_interval", "tick_interval", "probe_interval"),
)


class OpenSpaceExtension(ExtensionApp):
    """OpenSpace, live in a notebook."""

    name = "openspace"
    app_name = "OpenSpace"
    description = "OpenSpace, live in a notebook"

    slots = Int(3, min=1, max=64, help="Number of sessions that the local render host runs at the same time.").tag(
        config=True
    )
    hosts = List(
        Unicode(),
        help='Render hosts to use, each "address:port:gateway_port". Without any, one local host is started on demand.',
    ).tag(config=True)
    host_secret = Unicode(
        help="Secret of these hosts (their OPENSPACE_HOST_SECRET). Default: the environment variable of that name."
    ).tag(config=True)
    directory = Unicode(
        help="Folder of the database file and the local host's logs. Default: \"openspace\" in Jupyter's data folder."
    ).tag(config=True)
    db_url = Unicode(help="SQLAlchemy URL of the database, with an async driver. Default: SQLite in this folder.").tag(
        config=True
    )
    engine = Unicode("embedded", help="Engine of sessions that name none.").tag(config=True)
    engines = List(Unicode(), ["embedded", "openspace"], help="Engines that sessions may name.").tag(config=True)
    region = Unicode(help="Region of sessions that name none; preferred, not required.").tag(config=True)
    exclusive_hosts = Bool(
        False,
        help="Whether the configured hosts serve this database alone; if so, unknown instances on them are stopped.",
    ).tag(config=True)
    quota = Int(0, min=0, help="Maximum number of live sessions per user; 0 for no limit.").tag(config=True)
    idle_limit = Int(0, min=0, help="Seconds after which an unused session ends; 0 for never.").tag(config=True)
    away_limit = Int(0, min=0, help="Seconds after which a session without a viewer ends; 0 for never.").tag(
        config=True
    )
    max_duration = Int(0, min=0, help="Longest life of a session in seconds; 0 for no limit.").tag(config=True)
    warning = Float(120.0, min=0, help="Seconds by which users are warned before a limit ends their session.").tag(
        config=True
    )
    warm = Int(0, min=0, help="Number of idle sessions kept running so that new ones start immediately.").tag(
        config=True
    )
    restart_limit = Int(3, min=0, help="Maximum number of consecutive restarts of a crashed instance.").tag(config=True)
    snapshot_interval = Float(
        10.0,
        min=0,
        help="Seconds between snapshots of a session's camera and time, from which a restart restores them.",
    ).tag(config=True)
    probe_interval = Float(5.0, min=0.05, help="Seconds between probes of each render host.").tag(config=True)
    tick_interval = Float(2.0, min=0.05, help="Seconds between runs of the periodic background tasks.").tag(config=True)
    admins = List(
        Unicode(), help="Users who may see all sessions and hosts. Default on a single-user server: its user."
    ).tag(config=True)
    share_without_login = Bool(
        False,
        help="Whether share links admit people without a login on this server, to the shared session's stream only.",
    ).tag(config=True)
    public_url = Unicode(
        help="Public address of this server, such as https://hub.example.org, for share links made by kernels. "
        "Default: JUPYTERHUB_PUBLIC_URL, else the address that the server assumes."
    ).tag(config=True)
    ice_servers = List(Unicode(), help='STUN servers for WebRTC, each "stun:address:port". None by default.').tag(
        config=True
    )
    turn_servers = List(
        Unicode(),
        help='TURN servers for WebRTC, each "turn:address:port?transport=udp" (or tcp) or "turns:address:port"; each '
        "viewer gets its own credentials.",
    ).tag(config=True)
    turn_secret = Unicode(
        help="Secret shared with the TURN servers (coturn: static-auth-secret). Default: the environment variable "
        "OPENSPACE_TURN_SECRET."
    ).tag(config=True)
    turn_lifetime = Int(6 * 3600, min=60, help="Seconds for which TURN credentials are valid.").tag(config=True)
    ice_transport_policy = Enum(
        ice.POLICIES, "all", help='"relay": viewers use TURN only and do not try direct connections.'
    ).tag(config=True)
    ice_for_instances = Bool(
        False, help="Whether instances also use the STUN and TURN servers: for render hosts behind a NAT."
    ).tag(config=True)
    poll_interval = Float(5.0, min=0.05, help="Seconds between status polls of a running session.").tag(config=True)
    host_timeout = Float(10.0, min=0.1, help="Seconds without an answer after which a render host is lost.").tag(
        config=True
    )
    start_timeout = Float(120.0, min=1, help="Seconds within which a session must be running.").tag(config=True)
    linger = Float(
        60.0,
        min=1,
        help="Seconds for which the local render host outlives this server, so that a restarted one finds it.",
    ).tag(config=True)

    @default("host_secret")
    def _default_host_secret(self) -> str:
        return os.environ.get("OPENSPACE_HOST_SECRET", "")

    @default("turn_secret")
    def _default_turn_secret(self) -> str:
        return os.environ.get("OPENSPACE_TURN_SECRET", "")

    @default("directory")
    def _default_directory(self) -> str:
        return str(Path(jupyter_data_dir()) / "openspace")

    @validate("hosts")
    def _check_hosts(self, proposal: Any) -> list[str]:
        for host in proposal["value"]:
            try:
                HostAddress.parse(host)
            except ValueError as problem:
                raise TraitError(f"OpenSpaceExtension.hosts: {problem}") from None
        hosts: list[str] = proposal["value"]
        return hosts

    def initialize_settings(self) -> None:
        self._orchestrator: Orchestrator | None = None
        self._starting: asyncio.Task[Orchestrator] | None = None
        self._stopped = False
        self.sockets: weakref.WeakSet[sockets.SessionSocket] = weakref.WeakSet()
        self.agent_sockets: set[agents.AgentHandler] = set()
        self.ice = ice.IceSettings(
            self.ice_servers,
            self.turn_servers,
            self.turn_secret,
            self.turn_lifetime,
            self.ice_transport_policy,
            self.ice_for_instances,
        )
        try:
            self.ice.check()
        except ValueError as problem:
            raise TraitError(f"OpenSpaceExtension.{problem}") from None
        self.kernel_token = identity.offer_kernel_token()

    def initialize_handlers(self) -> None:
        self.handlers.extend(
            [
                (rf"{API}/sessions", api.SessionsHandler),
                (rf"{API}/sessions/{SESSION}", api.SessionHandler),
                (rf"{API}/sessions/{SESSION}/enter", guests.EnterHandler),
                (rf"{API}/sessions/{SESSION}/shares", shares.SharesHandler),
                (rf"{API}/sessions/{SESSION}/shares/{SHARE}", shares.ShareHandler),
                (rf"{API}/sessions/{SESSION}/thumbnail", thumbnails.ThumbnailHandler),
                (rf"{API}/sessions/{SESSION}/events", sockets.EventsHandler),
                (rf"{API}/sessions/{SESSION}/signaling", sockets.SignalingHandler),
                (rf"{API}/sessions/{SESSION}/bulk", sockets.BulkHandler),
                (rf"{API}/sessions/{SESSION}/media", sockets.MediaHandler),
                (rf"{API}/sessions/{SESSION}/api", sockets.ApiRelayHandler),
                (rf"{API}/hosts", admin.HostsHandler),
                (rf"{API}/hosts/{HOST}", admin.HostHandler),
                (rf"{API}/hosts/join", agents.AgentHandler),
                (rf"{API}/all-sessions", admin.AllSessionsHandler),
                (rf"{API}/all-sessions/{SESSION}", admin.AnySessionHandler),
                (rf"{API}/openapi.yaml", api.DescriptionHandler),
                (rf"{API}/.*", api.UnknownHandler),
                (r"/openspace/?", pages.HomePage),
                (rf"/openspace/wait/{SESSION}/?", pages.WaitPage),
                (r"/openspace/admin/?", pages.AdminPage),
                (r"/openspace/pages/(.*)", pages.PublicFiles, {"path": str(pages.PAGES)}),
                (r"/openspace/stream/(?P<session>[^/]+)/?", pages.StreamPage),
                (r"/openspace/static/(.*)", pages.PublicFiles, {"path": str(pages.STATIC)}),
            ]
        )

    async def orchestrator(self) -> Orchestrator:
        """The orchestrator, started on first use. Raises the start's exception; the next call tries again."""
        if self._orchestrator is not None:
            return self._orchestrator
        if self._stopped:
            raise RuntimeError("the server is stopping")
        if self._starting is None or (self._starting.done() and self._starting.exception() is not None):
            self._starting = asyncio.create_task(self._start())
        self._orchestrator = await asyncio.shield(self._starting)
        return self._orchestrator

    def close_share(self, share: str) -> None:
        """A share link was revoked: close the sockets of this process that were opened by it."""
        for socket in list(self.sockets):
            socket.close_share(share)

    def current_activity(self) -> dict[str, Any] | None:
        """Live sessions keep the server from shutting itself down for inactivity."""
        live = self._orchestrator.live if self._orchestrator is not None else []
        return {session: {"type": "openspace session"} for session in live} or None

    async def _start_jupyter_server_extension(self, serverapp: Any) -> None:
        identity.offer_server_url(serverapp)
        # There may be sessions of an earlier run; without a database file there are none, and nothing is started.
        if self._may_have_sessions():
            try:
                await self.orchestrator()
            except Exception:
                self.log.exception("OpenSpace: sessions of an earlier run could not be taken over")

    async def stop_extension(self) -> None:
        self._stopped = True
        identity.withdraw_kernel_token(self.kernel_token)
        for socket in list(self.sockets):
            socket.shut_down()
        for agent in list(self.agent_sockets):
            agent.shut_down()
        if self._starting is not None and not self._starting.done():
            with contextlib.suppress(Exception):
                await self._starting
        if self._orchestrator is None and self._starting is not None and self._starting.exception() is None:
            self._orchestrator = self._starting.result()
        if self._orchestrator is not None:
            await self._orchestrator.stop()
            self._orchestrator = None

    async def _start(self) -> Orchestrator:
        from openspace_server.orchestrator.orchestrator import Orchestrator

        orchestrator = Orchestrator(self._settings())
        assert self.serverapp is not None
        orchestrator.listen(audit.Audit(self.serverapp.event_logger).note)
        try:
            await orchestrator.start()
        except BaseException:
            await orchestrator.stop()
            raise
        return orchestrator

    def _may_have_sessions(self) -> bool:
        return bool(self.hosts or self.db_url or self._settings().file.exists())

    def _settings(self) -> Settings:
        return Settings(
            directory=Path(self.directory).expanduser(),
            db_url=self.db_url,
            hosts=tuple(HostAddress.parse(host) for host in self.hosts),
            host_secret=self.host_secret,
            slots=self.slots,
            engine=self.engine,
            engines=tuple(self.engines),
            poll_interval=self.poll_interval,
            host_timeout=self.host_timeout,
            start_timeout=self.start_timeout,
            linger=self.linger,
            **{name: getattr(self, name) for name in _PASSED_ON},
        )
