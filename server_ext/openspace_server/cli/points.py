"""Arguments of ``openspace-widget points send | receive``."""

from __future__ import annotations

import argparse
from pathlib import Path

from openspace_server.protocols.units import POINT_UNITS


def add_points(parser: argparse.ArgumentParser) -> None:
    """Add the subcommands of ``points``."""
    commands = parser.add_subparsers(required=True, metavar="direction")
    send = commands.add_parser("send", help="send frames of points to a receiver")
    send.set_defaults(run=_send)
    send.add_argument("file", type=Path, metavar="FILE.npy", help="(n, 3) float32 or float64, or (t, n, 3): t frames")
    send.add_argument("--to", required=True, metavar="URL", help="the receiver's URL, such as http://127.0.0.1:4695")
    send.add_argument("--hz", type=float, default=4.0, help="frames per second; 0 = as fast as possible (default 4)")
    send.add_argument("--seconds", type=float, default=60.0, help="duration (default 60)")
    send.add_argument("--name", default="points", help="name of the points (default points)")
    send.add_argument(
        "--quantise", action="store_true", help="send 16 bits per number; the report states the error bound"
    )
    send.add_argument("--compress", action="store_true", help="compress losslessly where that makes frames smaller")
    send.add_argument("--unit", default="m", help=f"unit of the positions: {', '.join(POINT_UNITS)} (default m)")
    send.add_argument(
        "--session", default="", help="id of the session of the receiving render host that shows the points"
    )
    receive = commands.add_parser("receive", help="receive frames of points and count them")
    receive.set_defaults(run=_receive)
    receive.add_argument("--host", default="127.0.0.1", help="address to listen on")
    receive.add_argument("--port", type=int, default=4695, help="0 = a free one (default 4695)")
    receive.add_argument("--seconds", type=float, default=0.0, help="duration; 0 = until interrupted")
    receive.add_argument("--stall", type=float, default=0.0, help="seconds to wait at each frame (for tests)")
    for each in (send, receive):
        each.add_argument("--webrtc", choices=("auto", "aiortc", "wrtc"), default="auto", help="WebRTC library")
        each.add_argument("--report", type=Path, metavar="FILE", help="write the report to FILE as JSON")


def _send(arguments: argparse.Namespace) -> int:
    from openspace_server.cli import points_run

    return points_run.run(points_run.send(arguments))


def _receive(arguments: argparse.Namespace) -> int:
    from openspace_server.cli import points_run

    return points_run.run(points_run.receive(arguments))
