"""Write openspace_widget/points/colormaps.json: the few colour maps that come along where matplotlib is not installed.

    python tools/colormaps.py        # needs matplotlib

256 colours each, as hexadecimal RGB from low to high. Licences are in NOTICE.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from matplotlib import colormaps

NAMES = ("viridis", "plasma", "inferno", "magma", "twilight", "turbo", "gray", "hot", "cool")
TARGET = Path(__file__).parents[1] / "openspace_widget" / "points" / "colormaps.json"


def main() -> None:
    """Write the file."""
    maps = {name: np.uint8(np.round(colormaps[name](np.arange(256))[:, :3] * 255)).tobytes().hex() for name in NAMES}
    TARGET.write_text(json.dumps(maps, indent=1) + "\n")


if __name__ == "__main__":
    main()
