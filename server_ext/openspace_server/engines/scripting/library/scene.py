"""Scene graph nodes, in the root library."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from openspace_server.engines.base import EngineError, UnknownTarget
from openspace_server.engines.properties import PropertyOwner
from openspace_server.engines.scripting.registry import function

if TYPE_CHECKING:
    from openspace_server.engines.scripting.script_host import ScriptHost


def _nodes(script_host: ScriptHost) -> list[PropertyOwner]:
    scene = script_host.tree.owner("Scene")
    return scene.owners if scene is not None else []


def _node(script_host: ScriptHost, identifier: str) -> PropertyOwner:
    scene = script_host.tree.owner("Scene")
    node = scene.child(identifier) if scene is not None else None
    if node is None:
        raise UnknownTarget(identifier, [each.identifier for each in _nodes(script_host)])
    return node


def _identifier(node: str | dict[str, Any]) -> str:
    identifier = node if isinstance(node, str) else node.get("Identifier")
    if not isinstance(identifier, str) or not identifier:
        raise EngineError("the node needs an Identifier")
    return identifier


@function("", "addSceneGraphNode")
def add_scene_graph_node(script_host: ScriptHost, node: dict[str, Any]) -> None:
    """Add a node: Identifier, and Parent, Transform, Renderable, Tag and GUI as OpenSpace has them. Files in it
    must be below the user folder; their paths may have tokens such as ${USER}."""
    identifier = _identifier(node)
    if any(c in identifier for c in ". \t\n"):
        raise EngineError(f"an identifier must have neither dots nor blanks: {identifier[:60]!r}")
    if any(each.identifier == identifier for each in _nodes(script_host)):
        raise EngineError(f"there already is a scene graph node {identifier[:60]!r}")
    script_host.engine.add_node(_admitted(script_host, node))
    script_host.added[identifier] = node


def _admitted(script_host: ScriptHost, value: Any, key: str = "") -> Any:
    """The table ``value`` with every path checked: each ``File``, and each other text that only a path can be. ``GUI``
    has paths of menus. Raises EngineError."""
    if isinstance(value, dict):
        return {name: item if name == "GUI" else _admitted(script_host, item, name) for name, item in value.items()}
    if isinstance(value, list):
        return [_admitted(script_host, item, key) for item in value]
    if not isinstance(value, str):
        return value
    if key == "File":
        return script_host.paths.file(value)
    is_path = "${" in value or Path(value).is_absolute() or ".." in Path(value).parts
    return str(script_host.paths.inside(value)) if is_path else value


@function("", "removeSceneGraphNode")
def remove_scene_graph_node(script_host: ScriptHost, node: str | dict[str, Any]) -> None:
    """Remove a node, given its identifier or its table."""
    identifier = _node(script_host, _identifier(node)).identifier
    script_host.engine.remove_node(identifier)
    script_host.added.pop(identifier, None)


@function("", "hasSceneGraphNode")
def has_scene_graph_node(script_host: ScriptHost, identifier: str) -> bool:
    """Whether there is a node of that identifier."""
    return any(each.identifier == identifier for each in _nodes(script_host))


@function("", "sceneGraphNodes")
def scene_graph_nodes(script_host: ScriptHost) -> list[str]:
    """The identifiers of all nodes."""
    return [each.identifier for each in _nodes(script_host)]


@function("", "setParent")
def set_parent(script_host: ScriptHost, identifier: str, parent: str) -> None:
    """Move a node below another one."""
    script_host.engine.set_parent(_node(script_host, identifier).identifier, _node(script_host, parent).identifier)


@function("", "worldPosition")
def world_position(script_host: ScriptHost, identifier: str) -> list[float]:
    """The position {x, y, z} of a node in metres, in world coordinates."""
    return list(script_host.engine.world_position(_node(script_host, identifier).identifier))


@function("", "worldRotation")
def world_rotation(script_host: ScriptHost, identifier: str) -> list[float]:
    """The rotation matrix from a node's own axes to world axes: nine numbers, column after column."""
    turned = script_host.engine.world_rotation(_node(script_host, identifier).identifier)
    return [float(number) for number in turned.T.reshape(-1)]


@function("", "boundingSphere", "interactionSphere")
def bounding_sphere(script_host: ScriptHost, identifier: str) -> float:
    """The radius in metres of the sphere around a node; 0 for nodes that are no bodies."""
    known = _node(script_host, identifier).identifier
    return next((each.radius for each in script_host.engine.targets() if each.identifier == known), 0.0)


@function("", "addTag")
def add_tag(script_host: ScriptHost, uri: str, tag: str) -> None:
    """Give a tag to an owner, such as "Scene.Earth"."""
    owner = script_host.tree.owner(uri) if uri else None
    if owner is None:
        raise EngineError(f"there is no property owner {uri[:200]!r}")
    if len(tag) > 200 or len(owner.tags) >= 1000:
        raise EngineError("the tag is too long, or there are too many")
    if tag not in owner.tags:
        owner.tags.append(tag)


@function("", "removeTag")
def remove_tag(script_host: ScriptHost, uri: str, tag: str) -> None:
    """Take a tag from an owner."""
    owner = script_host.tree.owner(uri) if uri else None
    if owner is None or tag not in owner.tags:
        raise EngineError(f"{uri[:200]!r} has no tag {tag[:200]!r}")
    owner.tags.remove(tag)
