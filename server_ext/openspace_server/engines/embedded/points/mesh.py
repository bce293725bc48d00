"""Meshes of points with positions and colours in Panda3D."""

from __future__ import annotations

from typing import Any

import numpy as np
from panda3d import core

from openspace_server.engines.embedded.points.chunks import POINT

_COLUMNS = core.GeomVertexArrayFormat()
_COLUMNS.add_column("vertex", 3, core.Geom.NT_float32, core.Geom.C_point)
_COLUMNS.add_column("color", 4, core.Geom.NT_uint8, core.Geom.C_color)
_FORMAT = core.GeomVertexFormat.register_format(core.GeomVertexFormat(_COLUMNS))


class PointMesh:
    """Points within a ball of radius 3**0.5, with a matrix of their own."""

    def __init__(self, parent: Any, name: str = "points") -> None:
        self._data = core.GeomVertexData(name, _FORMAT, core.Geom.UH_static)
        geom = core.Geom(self._data)
        geom.add_primitive(core.GeomPoints(core.Geom.UH_dynamic))
        self._node = core.GeomNode(name)
        self._node.add_geom(geom)
        self._node.set_bounds(core.BoundingSphere(core.LPoint3(0, 0, 0), 3.0**0.5 * 1.01))
        self._node.set_final(True)
        self.path = parent.attach_new_node(self._node)
        self.count, self._drawn, self._order = 0, -1, -1

    def fill(self, vertices: np.ndarray) -> None:
        """``vertices`` POINT ``(m,)``."""
        data = self._node.modify_geom(0).modify_vertex_data()
        data.unclean_set_num_rows(len(vertices))
        data.modify_array_handle(0).copy_data_from(vertices.view(np.uint8).reshape(-1))
        self.count, self._drawn = len(vertices), -1

    def vertices(self) -> np.ndarray:
        """As drawn, not to be written to: a view of Panda's own memory, as long as nothing is filled in."""
        array = self._node.get_geom(0).get_vertex_data().get_array(0)
        return np.frombuffer(memoryview(array).cast("B"), POINT)

    def show(self, count: int, order: int, matrix: Any) -> None:
        """Draw the first ``count`` of them after everything of lower ``order``."""
        if count != self._drawn:
            self._drawn = count
            self._node.modify_geom(0).modify_primitive(0).set_nonindexed_vertices(0, count)
        if order != self._order:
            self._order = order
            self.path.set_bin("fixed", order)
        self.path.set_mat(matrix)
