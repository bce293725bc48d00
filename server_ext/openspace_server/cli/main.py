"""Command line parser of ``openspace-widget``. Heavy modules are imported by the commands that need them."""

from __future__ import annotations

import argparse
import os
import platform
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from openspace_server.cli import admin, points
from openspace_server.protocols.limits import (
    DEFAULT_SIZE,
    MAX_BIT_RATE,
    MAX_FRAME_RATE,
    MAX_SIDE,
    MIN_BIT_RATE,
    MIN_SIDE,
)
from openspace_server.protocols.supervisor import DEFAULT_API_PORT, DEFAULT_GATEWAY_PORT, DEFAULT_PORT

if TYPE_CHECKING:
    from openspace_server.render_host.agent import JoinSettings
    from openspace_server.render_host.settings import HostSettings

MAX_SLOTS = 256


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit code: 0 success, 1 failure, 2 impossible arguments."""
    arguments = build_parser().parse_args(argv)
    command: int = arguments.run(arguments)
    return command


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="openspace-widget", description="OpenSpace, live in a notebook: render hosts, administration and checks."
    )
    commands = parser.add_subparsers(required=True, metavar="command")
    _add_host(commands.add_parser("host", help="run a render host: supervisor, gateway and instances"))
    admin.add_hosts(commands.add_parser("hosts", help="list and change the render hosts of an orchestrator"))
    admin.add_sessions(commands.add_parser("sessions", help="list and end the sessions of all users"))
    admin.add_db(commands.add_parser("db", help="upgrade, check or export the orchestrator's database"))
    points.add_points(commands.add_parser("points", help="send or receive frames of points over WebRTC"))
    _add_doctor(commands.add_parser("doctor", help="check this machine and report what is missing"))
    return parser


def _add_host(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(run=_host)
    parser.formatter_class = _HelpFormatter
    parser.add_argument("--slots", type=_between(1, MAX_SLOTS), default=3, help="number of instances at the same time")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=_port, default=DEFAULT_PORT, help="supervisor port; 0 = a free one")
    parser.add_argument("--gateway-port", type=_port, default=DEFAULT_GATEWAY_PORT, help="gateway port; 0 = a free one")
    parser.add_argument(
        "--api-port", type=_port, default=DEFAULT_API_PORT, help="API port of slot 0, slot N uses N more; 0 = free ones"
    )
    parser.add_argument(
        "--api-tcp-port",
        type=_port,
        default=0,
        metavar="BASE",
        help="also serve the API over newline-delimited TCP, slot N at port BASE+N; 0 = no",
    )
    parser.add_argument("--engine", default="embedded", help="engine of instances whose START names none")
    side = _between(MIN_SIDE, MAX_SIDE)
    parser.add_argument(
        "--width", type=side, default=DEFAULT_SIZE[0], help="frame width in pixels of instances whose START sets none"
    )
    parser.add_argument(
        "--height", type=side, default=DEFAULT_SIZE[1], help="frame height in pixels of instances whose START sets none"
    )
    parser.add_argument(
        "--frame-rate",
        type=_between(1, MAX_FRAME_RATE),
        help="maximum frames per second; by default 60 where half a core is enough for that, else 30",
    )
    parser.add_argument(
        "--bit-rate",
        type=_between(MIN_BIT_RATE, MAX_BIT_RATE),
        help="bit rate of the video in bit/s; by default it follows the frame size",
    )
    parser.add_argument("--log-dir", type=Path, help="folder of the instances' logs; by default the user's log folder")
    parser.add_argument("--announce", action="store_true", help="print one JSON line on stdout once the host listens")
    parser.add_argument(
        "--linger", type=_seconds, default=0.0, metavar="S", help="end after S seconds without a command; 0 = never"
    )
    parser.add_argument("--end-with-stdin", action="store_true", help="end when stdin closes")
    parser.add_argument("--stamp", action="store_true", help="draw the frame number into each frame (for measurements)")
    parser.add_argument(
        "--allow-origin",
        action="append",
        default=[],
        metavar="ORIGIN",
        help="allow web pages of ORIGIN to use the gateway; may be repeated",
    )
    parser.add_argument(
        "--published-signaling",
        action="store_true",
        default=bool(os.environ.get("OPENSPACE_PUBLISHED_SIGNALING")),
        help="allow hosts and viewers of the published system, which have no secrets, to use the gateway although this "
        "host has one; also enabled by OPENSPACE_PUBLISHED_SIGNALING=1",
    )
    parser.add_argument(
        "--join",
        action="append",
        default=[],
        metavar="URL",
        help="dial out to the orchestrator of this Jupyter server; may be repeated",
    )
    parser.add_argument(
        "--offer-port", type=_port, metavar="PORT", help="receive points by POST /offer on this port; 0 = a free one"
    )
    parser.add_argument("--name", help="name given to hosts add --agent; by default this machine's name")
    for trait in ("region", "graphics-card", "ram", "storage", "engines"):
        parser.add_argument(f"--{trait}", default="", help="reported to the orchestrator with --join")


def _host(arguments: argparse.Namespace) -> int:
    import asyncio
    import logging

    from openspace_server.render_host.agent import Agent
    from openspace_server.render_host.host import RenderHost
    from openspace_server.render_host.settings import HostError, HostSettings, secret_from_environment

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    settings = HostSettings(
        slots=arguments.slots,
        host=arguments.host,
        port=arguments.port,
        gateway_port=arguments.gateway_port,
        api_port=arguments.api_port,
        api_tcp_port=arguments.api_tcp_port,
        engine=arguments.engine,
        width=arguments.width,
        height=arguments.height,
        frame_rate=arguments.frame_rate,
        bit_rate=arguments.bit_rate,
        stamp=arguments.stamp,
        log_dir=arguments.log_dir,
        announce=arguments.announce,
        linger=arguments.linger,
        end_with_stdin=arguments.end_with_stdin,
        allowed_origins=frozenset(arguments.allow_origin),
        secret=secret_from_environment(),
        published=arguments.published_signaling,
    )

    async def run() -> None:
        host = RenderHost(settings)
        work = [Agent(host, join).run() for join in _joins(arguments, settings)]
        if arguments.offer_port is not None:
            from openspace_server.cli import points_run

            work.append(points_run.take_offers(host, arguments.offer_port))
        await host.run(*work)

    try:
        asyncio.run(run())
    except HostError as problem:
        print(f"openspace-widget host: {problem}", file=sys.stderr)
        return 2
    return 0


def _joins(arguments: argparse.Namespace, settings: HostSettings) -> list[JoinSettings]:
    """The orchestrators to dial in to. Raises HostError."""
    from openspace_server.render_host.agent import JoinSettings
    from openspace_server.render_host.settings import SECRET_VARIABLE, HostError

    if arguments.join and not settings.secret:
        raise HostError(f"--join needs the secret that hosts add --agent printed, in {SECRET_VARIABLE}")
    names = ("region", "graphics_card", "ram", "storage", "engines")
    traits = {name: value for name in names if (value := getattr(arguments, name))}
    name = arguments.name or platform.node()
    joins = [JoinSettings(url, name, settings.secret or "", traits) for url in arguments.join]
    for join in joins:
        join.socket_url  # noqa: B018 -- refuses an invalid URL before any port is bound
    return joins


def _add_doctor(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(run=_doctor)
    parser.add_argument("--host", default="127.0.0.1", help="address that a host would listen on")


def _doctor(arguments: argparse.Namespace) -> int:
    from openspace_server.cli.doctor import examine

    return 0 if examine(arguments.host) else 1


class _HelpFormatter(argparse.ArgumentDefaultsHelpFormatter):
    """Shows defaults, except for options without a value."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        return super()._get_help_string(action) if action.default not in (None, False, "", []) else action.help


def _between(low: int, high: int) -> Callable[[str], int]:
    def parse(value: str) -> int:
        try:
            number = int(value)
        except ValueError:
            number = low - 1
        if not low <= number <= high:
            raise argparse.ArgumentTypeError(f"expected an integer from {low} to {high}, got {value}")
        return number

    return parse


def _seconds(value: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = -1.0
    if not 0 <= number < float("inf"):
        raise argparse.ArgumentTypeError(f"expected a number of seconds, 0 or more, got {value}")
    return number


_port = _between(0, 65535)
