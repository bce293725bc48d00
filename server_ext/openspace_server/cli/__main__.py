"""Entry point of ``python -m openspace_server.cli``."""

import sys

from openspace_server.cli.main import main

sys.exit(main())
