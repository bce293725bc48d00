"""An engine whose scene is nothing but points, which it keeps instead of drawing them."""

from __future__ import annotations

import os
import time as clock
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np

from openspace_server.engines.base import EngineError
from openspace_server.engines.properties import Property, PropertyOwner, PropertyTree
from openspace_server.engines.scene_engine import SceneEngine
from tests.instance.engines import MovingEngine

UPDATE_SECONDS = float(os.environ.get("TEST_ENGINE_UPDATE_SECONDS", "0"))


class CloudEngine(MovingEngine, SceneEngine):
    """Picks the point whose index is 1000 times how far right the pointer is."""

    name: ClassVar[str] = "clouds"
    points_pending = False

    def __init__(self) -> None:
        self._tree = PropertyTree()
        self._scene = PropertyOwner("Scene")
        self._tree.root.add(self._scene)
        self._clouds: dict[str, tuple[np.ndarray, Mapping[str, np.ndarray]]] = {}

    @property
    def tree(self) -> PropertyTree:
        return self._tree

    def advance(self, now: float) -> None:
        self._advance(now)

    def add_points(
        self, node: dict[str, Any], positions: np.ndarray, columns: Mapping[str, np.ndarray], *, colors: Any = None
    ) -> None:
        table = node["Renderable"]
        if node["Parent"] == "Nowhere":
            raise EngineError("there is no Nowhere")
        owner, renderable = PropertyOwner(node["Identifier"]), PropertyOwner("Renderable")
        sizes, colouring = PropertyOwner("SizeSettings"), PropertyOwner("Coloring")
        renderable.add(Property("Enabled", "Bool", table["Enabled"]))
        renderable.add(Property("Opacity", "Float", table["Opacity"], low=0, high=1))
        sizes.add(Property("MaxSize", "Float", table["SizeSettings"]["MaxSize"], low=1, high=8))
        colouring.add(Property("FixedColor", "Vec3", table["Coloring"]["FixedColor"]))
        renderable.add(sizes)
        renderable.add(colouring)
        owner.add(renderable)
        self._scene.add(owner)
        self._clouds[node["Identifier"]] = (positions, columns)

    def update_points(
        self, identifier: str, positions: np.ndarray, columns: Mapping[str, np.ndarray], *, colors: Any = None
    ) -> None:
        until = clock.monotonic() + UPDATE_SECONDS
        while clock.monotonic() < until:
            pass
        self._clouds[identifier] = (positions, columns)

    def color_points(self, identifier: str, mapping: Mapping[str, Any] | None) -> None:
        if mapping is not None and len(mapping["Colors"]) < 2:
            raise EngineError("one color is no map")

    def remove_node(self, identifier: str) -> None:
        self._scene.remove(identifier)
        del self._clouds[identifier]

    def pick(self, x: float, y: float) -> Any:
        for identifier, (positions, columns) in self._clouds.items():
            index = int(1000 * x)
            if index < len(positions):
                value = float(columns["values"][index]) if "values" in columns else None
                return SimpleNamespace(identifier=identifier, index=index, value=value, values={})
        return None
