"""What people have changed in a scene, as JSON, and doing it again: for an instance that takes a crashed one's place.

``{"nodes": [table, …], "values": {uri: value}}``: the nodes that were added, in order, as OpenSpace's tables, and every
property that was set to something other than its first value. What the program itself keeps up to date (anchor, time)
and triggers are left out.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from openspace_server.engines.base import EngineError
from openspace_server.engines.scripting.library.properties import value_of
from openspace_server.engines.scripting.library.scene import add_scene_graph_node
from openspace_server.protocols.fields import ProtocolError, describe

if TYPE_CHECKING:
    from openspace_server.engines.scripting.program import Program

MAX_NODES_CHARACTERS = 128 * 1024
"""Of all tables together; the nodes added after that are left out."""
MOST_REFUSALS = 20
CATEGORY = "Changes"


def changes(program: Program) -> dict[str, Any]:
    """What was changed since the scene was opened."""
    nodes: list[dict[str, Any]] = []
    left = MAX_NODES_CHARACTERS
    for table in program.added.values():
        left -= len(json.dumps(table))
        if left < 0:
            program.log.warning(CATEGORY, f"more than {len(nodes)} added nodes are too much to keep for a restart")
            break
        nodes.append(table)
    return {"nodes": nodes, "values": {each.uri: value_of(each) for each in program.tree.root.walk() if each.chosen}}


def change_again(program: Program, told: object) -> list[str]:
    """Do what :func:`changes` told; what was refused, and why.

    Raises:
        ProtocolError: ``told`` is something else.
    """
    nodes = told.get("nodes", []) if isinstance(told, dict) else None
    values = told.get("values", {}) if isinstance(told, dict) else None
    if not isinstance(nodes, list) or not isinstance(values, dict):
        raise ProtocolError(f'properties: expected {{"nodes": […], "values": {{…}}}}, got {describe(told)}')
    refused: list[str] = []
    for table in nodes:
        try:
            if not isinstance(table, dict):
                raise EngineError("a node is a table")
            add_scene_graph_node(program, table)
        except EngineError as error:
            refused.append(str(error))
    for uri, value in values.items():
        try:
            program.set_property(uri, value)
        except EngineError as error:
            refused.append(str(error))
    for reason in refused[:MOST_REFUSALS]:
        program.log.warning(CATEGORY, reason)
    return refused[:MOST_REFUSALS]
