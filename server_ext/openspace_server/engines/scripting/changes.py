"""Scene changes as JSON, read from one instance and applied to another that replaces it after a crash.

``{"nodes": [table, …], "values": {uri: value}}``: the nodes that were added, in order, as OpenSpace's tables, and every
property that was set to something other than its first value. Triggers and properties that the engine itself keeps up
to date (anchor, time) are left out.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from openspace_server.engines.base import EngineError
from openspace_server.engines.scripting.library.properties import value_of
from openspace_server.engines.scripting.library.scene import add_scene_graph_node
from openspace_server.protocols.fields import ProtocolError, describe

if TYPE_CHECKING:
    from openspace_server.engines.scripting.script_host import ScriptHost

MAX_NODES_CHARACTERS = 128 * 1024
"""Of all tables together; the nodes added after that are left out."""
MOST_REFUSALS = 20
CATEGORY = "Changes"


def read_changes(script_host: ScriptHost) -> dict[str, Any]:
    """What was changed since the scene was opened."""
    nodes: list[dict[str, Any]] = []
    left = MAX_NODES_CHARACTERS
    for table in script_host.added.values():
        left -= len(json.dumps(table))
        if left < 0:
            script_host.log.warning(CATEGORY, f"more than {len(nodes)} added nodes are too much to keep for a restart")
            break
        nodes.append(table)
    return {
        "nodes": nodes,
        "values": {each.uri: value_of(each) for each in script_host.tree.root.walk() if each.chosen},
    }


def apply_changes(script_host: ScriptHost, changes: object) -> list[str]:
    """Apply what :func:`read_changes` returned; returns the reasons of what was refused.

    Raises:
        ProtocolError: ``changes`` is something else.
    """
    nodes = changes.get("nodes", []) if isinstance(changes, dict) else None
    values = changes.get("values", {}) if isinstance(changes, dict) else None
    if not isinstance(nodes, list) or not isinstance(values, dict):
        raise ProtocolError(f'properties: expected {{"nodes": […], "values": {{…}}}}, got {describe(changes)}')
    refused: list[str] = []
    for table in nodes:
        try:
            if not isinstance(table, dict):
                raise EngineError("a node is a table")
            add_scene_graph_node(script_host, table)
        except EngineError as error:
            refused.append(str(error))
    for uri, value in values.items():
        try:
            script_host.set_property(uri, value)
        except EngineError as error:
            refused.append(str(error))
    for reason in refused[:MOST_REFUSALS]:
        script_host.log.warning(CATEGORY, reason)
    return refused[:MOST_REFUSALS]
