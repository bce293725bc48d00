"""``python -m openspace_server.instance``: started by a render host, with pipes on stdin and stdout."""

import sys

from openspace_server.instance.main import main

sys.exit(main())
