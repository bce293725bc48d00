"""A render host with the stand-in instance: ``host_program.py LOG_DIR SETTINGS_AS_JSON``."""

import asyncio
import json
import logging
import sys
from pathlib import Path

from openspace_server.render_host.host import RenderHost
from openspace_server.render_host.settings import HostSettings, Timings, secret_from_environment

values = json.loads(sys.argv[2])
command = (sys.executable, str(Path(__file__).with_name("standin.py")))
if values.pop("real", False):
    command = HostSettings().instance_command
settings = HostSettings(
    log_dir=Path(sys.argv[1]),
    instance_command=command,
    timings=Timings(stop=values.pop("stop", 3.0)),
    secret=secret_from_environment(),
    **values,
)
logging.basicConfig(level=logging.INFO)


async def main() -> None:
    await RenderHost(settings).run()


asyncio.run(main())
