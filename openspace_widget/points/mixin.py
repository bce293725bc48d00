"""Point clouds of a session: ``add_points`` and ``points``."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from openspace_widget.client.event_loop import run
from openspace_widget.client.mixin import ClientMixin
from openspace_widget.points.points import Points, PointsOfSpace, add
from openspace_widget.points.registry import CloudRegistry


class PointClouds(ClientMixin):
    """The user's own data in :class:`~openspace_widget.OpenSpace`."""

    @property
    def points(self) -> PointsOfSpace:
        """The points that this notebook added, by name."""
        return PointsOfSpace(self._registry)

    def add_points(
        self,
        name: str,
        xyz: Any,
        *,
        unit: Any = None,
        frame: str | None = None,
        parent: str | None = None,
        values: Any = None,
        colormap: Any = "viridis",
        range: tuple[float, float] | None = None,
        log: bool = False,
        colors: Any = None,
        color: Any = (1.0, 1.0, 1.0),
        size: float = 1.0,
        opacity: float = 1.0,
        visible: bool = True,
        filter: Any = None,
        invalid: str = "raise",
        precision: str = "float32",
        compress: bool | None = None,
        label: str | None = None,
    ) -> Points:
        """Show points of your own in the scene; points of the same name are replaced.

        Args:
            name: what they are called, here and in the scene.
            xyz: array ``(n, 3)``, float32 (sent as it is) or float64; an astropy ``Quantity``, ``SkyCoord`` with
                distances or ``Table``; a pandas ``DataFrame``; or the path of a ``.csv``, ``.speck``, ``.npy``,
                ``.npz``, VOTable, FITS or Parquet file. Tables have columns x, y, z, or ra, dec (degrees) and
                distance or parallax.
            unit: m (the default for bare numbers), km, au, ly, pc, kpc, Mpc, Gpc, Gly.
            frame: axes around the Sun: ``"galactic"`` (default), ``"icrs"``, ``"ecliptic"``, ``"supergalactic"``.
            parent: a body; positions are then in its own axes, which turn with it.
            values: one number per point, ``(n,)``, or the name of a column; coloured by ``colormap``.
            colormap: one of matplotlib's names, a matplotlib colour map, or colours ``(m, 3)``.
            range: ``(low, high)``, values of the first and last colour; those of the first frame by default.
            log: colours by the logarithm of the values.
            colors: colours of the points, ``(n, 3)`` or ``(n, 4)``, uint8 or 0 to 1, in place of values.
            color: of all points without values, ``"#rrggbb"`` or three numbers 0 to 1.
            size: pixels.
            opacity: 0 to 1.
            visible: whether they are drawn.
            filter: which points to show: bool ``(n,)``, ``(low, high)`` of the values, or a function of the values.
            invalid: ``"raise"`` an error for NaN and infinity, or ``"drop"`` those points.
            precision: ``"float32"``, ``"float64"``, or ``"16 bit"``, half the bytes (``points.sent.error_bound``).
            compress: True or False; None compresses where the connection is slow.
            label: for people; the name by default.

        Raises:
            PointsError: what cannot be shown, with the row. RequestError: unknown parent, or the name is in use by
                another program. SessionError, NotReadyError: it is gone, or did not answer.

        Example:
            >>> import numpy as np
            >>> xyz = np.random.default_rng(1).normal(scale=100, size=(1000, 3)).astype("float32")
            >>> galaxies = space.add_points("galaxies", xyz, unit="Mpc", values=xyz[:, 2])
            >>> galaxies.count
            1000
            >>> galaxies.remove()
        """
        return run(
            add(
                self._registry,
                name,
                xyz,
                unit=unit,
                frame=frame,
                parent=parent,
                values=values,
                colormap=colormap,
                range=range,
                log=log,
                colors=colors,
                color=color,
                size=size,
                opacity=opacity,
                visible=visible,
                filter=filter,
                invalid=invalid,
                precision=precision,
                compress=compress,
                label=label,
            )
        )

    @cached_property
    def _registry(self) -> CloudRegistry:
        return CloudRegistry(self._client.session)
