"""Everything that runs neither in the kernel nor in the browser, from engines to the Jupyter server extension."""

__version__ = "0.1.0"


def _jupyter_server_extension_points() -> list[dict[str, object]]:
    from openspace_server.jupyter.app import OpenSpaceExtension

    return [{"module": "openspace_server", "app": OpenSpaceExtension}]
