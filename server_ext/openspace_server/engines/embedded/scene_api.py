"""The scene API of the embedded engine: nodes, points and assets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from openspace_server.engines.base import EngineError, UnknownTarget
from openspace_server.engines.embedded.camera_api import CameraApi
from openspace_server.engines.embedded.points.node import PointArrays
from openspace_server.engines.embedded.points.points import check_arrays
from openspace_server.engines.embedded.scene.scene import Scene
from openspace_server.engines.embedded.scene_graph.assets import ASSETS
from openspace_server.engines.embedded.scene_graph.nodes import Nodes
from openspace_server.engines.embedded.sky import simulation_clock as clocks
from openspace_server.engines.embedded.sky.bodies import BODIES, INDEX, find
from openspace_server.engines.embedded.sky.ephemeris import ephemeris_at
from openspace_server.engines.properties import PropertyOwner
from openspace_server.geometry.world import GALACTIC


class SceneApi(CameraApi):
    """Needs ``_nodes`` and, while open, ``_scene``."""

    _nodes: Nodes
    _scene: Scene

    def show(
        self, *, orbits: bool | None = None, labels: bool | None = None, constellations: bool | None = None
    ) -> None:
        """Switch all trails, names or constellation lines on or off; None leaves them."""
        self._opened()
        for body in BODIES:
            if orbits is not None and body.parent:
                self._nodes.set(f"{body.identifier}Trail.Renderable.Enabled", orbits)
            if labels is not None:
                self._nodes.set(f"{body.identifier}Label.Renderable.Enabled", labels)
        if constellations is not None:
            self._nodes.set("Constellations.Renderable.Enabled", constellations)

    def world_position(self, identifier: str) -> tuple[float, float, float]:
        self._opened()
        name = identifier.removesuffix("Trail").removesuffix("Label").removesuffix("Atmosphere")
        position = self._ephemeris.positions[INDEX[name]] if name in INDEX else np.zeros(3)
        x, y, z = (GALACTIC @ position).tolist()
        return x, y, z

    def world_rotation(self, identifier: str) -> np.ndarray:
        self._opened()
        if identifier not in INDEX:
            return np.eye(3)
        turned: np.ndarray = GALACTIC @ self._ephemeris.body_axes(INDEX[identifier])
        return turned

    def body_positions(self, targets: Sequence[str], time: str) -> tuple[np.ndarray, np.ndarray]:
        rows = [find(target) for target in targets]
        at = ephemeris_at(clocks.parse(time))
        turned = [GALACTIC @ at.body_axes(row) for row in rows]
        return at.positions[rows] @ GALACTIC.T, np.array(turned).reshape(-1, 3, 3)

    # -- nodes ----------------------------------------------------------------------------------------------------

    def add_node(self, node: dict[str, Any]) -> None:
        """``RenderablePointCloud`` nodes, and nodes without a renderable."""
        self._add(node, None)

    def add_points(
        self,
        node: dict[str, Any],
        positions: np.ndarray,
        columns: Mapping[str, np.ndarray],
        *,
        colors: np.ndarray | None = None,
        shown: np.ndarray | None = None,
    ) -> None:
        self._add(node, check_arrays(positions, columns, colors, shown))

    def update_points(
        self,
        identifier: str,
        positions: np.ndarray | None = None,
        columns: Mapping[str, np.ndarray] | None = None,
        *,
        colors: np.ndarray | None = None,
        shown: np.ndarray | None = None,
    ) -> None:
        self._opened()
        self._scene.points.update(identifier, positions, columns, colors, shown)
        self._dirty = True

    def color_points(self, identifier: str, mapping: Mapping[str, Any] | None) -> None:
        self._opened()
        self._scene.points.set_color_mapping(identifier, mapping)
        self._dirty = True

    @property
    def points_pending(self) -> bool:
        return self._is_open and self._scene.points.pending

    def _add(self, node: Mapping[str, Any], arrays: PointArrays | None) -> None:
        self._opened()
        identifier = node.get("Identifier")
        if not isinstance(identifier, str) or not identifier or self._nodes.scene.child(identifier) is not None:
            raise EngineError(f"a node needs an Identifier of its own, got {identifier!r}")
        renderable = node.get("Renderable")
        if renderable is None and arrays is None:
            self._nodes.scene.add(PropertyOwner(identifier))
            return
        kind = renderable.get("Type") if isinstance(renderable, Mapping) else renderable
        if kind != "RenderablePointCloud":
            raise EngineError(f"the embedded engine draws RenderablePointCloud nodes, not {str(kind)[:60]!r}")
        try:
            owner = self._scene.points.add(node, arrays)
        except (TypeError, ValueError, KeyError, IndexError) as error:
            raise EngineError(f"the node {identifier[:60]!r} cannot be made: {error}") from None
        try:
            self._nodes.scene.add(owner)
        except EngineError:
            self._scene.points.remove(identifier)
            raise

    def remove_node(self, identifier: str) -> None:
        """Of those that were added; built-in nodes can only be disabled."""
        self._opened()
        self._added(identifier)
        if identifier in self._scene.points:
            self._scene.points.remove(identifier)
        self._nodes.scene.remove(identifier)

    def set_parent(self, identifier: str, parent: str) -> None:
        self._opened()
        self._added(identifier)
        if identifier in self._scene.points:
            self._scene.points.set_parent(identifier, parent)
        self._dirty = True

    def _added(self, identifier: str) -> None:
        if self._nodes.scene.child(identifier) is None:
            raise UnknownTarget(identifier, [each.identifier for each in self._nodes.scene.owners])
        if identifier in self._nodes.fixed:
            raise EngineError(
                f"{identifier} comes with the embedded engine: set Scene.{identifier}.Renderable.Enabled instead"
            )

    def assets(self) -> dict[str, bool]:
        return {name: any(self._nodes.enabled(each) for each in parts) for name, parts in ASSETS.items()}

    def set_asset(self, name: str, loaded: bool) -> None:
        if name not in ASSETS:
            raise EngineError(f"there is no built-in asset {name[:100]!r}: there are {', '.join(ASSETS)}")
        for each in ASSETS[name]:
            self._nodes.set(f"{each}.Renderable.Enabled", loaded)
