"""Rebuilds the vendored files from the npm packages named in PACKAGES; needs npm and python, nothing of the project.

    python static/vendor/build.py

The results are committed, so neither users nor CI need npm. What pages load of Tabler is cut out of it by purge.py. Source map comments go because the maps are not shipped and
the manifest storage refuses a stylesheet that points at a missing file.
"""

import hashlib
import re
import subprocess
import tarfile
import tempfile
from pathlib import Path

VENDOR = Path(__file__).parent
STATIC = VENDOR.parent
PACKAGES = {"@tabler/core": "1.6.1", "@tabler/icons": "3.51.0"}
# Tabler's script stays out: menus are <details>, dialogs are <dialog>.
FILES = {"dist/css/tabler.min.css": "tabler.min.css"}
# One line a family, so that a new icon is a one-word change.
ICONS = """
circle-check refresh moon sunrise alert-octagon alert-triangle git-compare hourglass device-floppy player-pause archive
ban file-off ghost heartbeat help photo-off server-off
circle-dashed circle help-circle wave-sine cloud-off plug-connected-x clock history eye-off
home server-2 list clipboard-list search user users logout settings contrast-2 sun lock shield-check robot coffee
chevron-right chevron-down chevron-up chevron-left arrow-right arrow-back-up arrow-up arrow-down external-link dots
plus minus check x
pencil copy download filter rotate-clockwise player-play terminal-2 versions file-text activity link eye info-circle
cpu box photo message calendar flag-3 trash restore pin signature stack-2 send adjustments layout-list
sitemap key tag world database bolt coin bookmark chart-histogram
"""


def fetch(name: str, version: str, into: Path) -> Path:
    """Unpacks one npm package and returns its root."""
    packed = subprocess.run(
        ["npm", "pack", "--silent", f"{name}@{version}"], cwd=into, check=True, capture_output=True, text=True
    )
    target = into / name.replace("/", "-")
    with tarfile.open(into / packed.stdout.split()[-1]) as archive:
        archive.extractall(target, filter="data")
    return target / "package"


def symbol(name: str, svg: str) -> str:
    shapes = re.findall(r"<(?:path|circle|rect|line|polyline)\b[^>]*/>", svg)
    drawn = [re.sub(r"\s+/>", "/>", shape) for shape in shapes if 'stroke="none"' not in shape]
    return f'<symbol id="{name}" viewBox="0 0 24 24">{"".join(drawn)}</symbol>'


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        core = fetch("@tabler/core", PACKAGES["@tabler/core"], Path(folder))
        icons = fetch("@tabler/icons", PACKAGES["@tabler/icons"], Path(folder))
        for source, target in FILES.items():
            text = (core / source).read_text("utf-8")
            (VENDOR / target).write_text(re.sub(r"(?m)^/[/*]# sourceMappingURL=.*\n?", "", text), "utf-8")
        outlines = icons / "icons" / "outline"
        symbols = [symbol(name, (outlines / f"{name}.svg").read_text("utf-8")) for name in sorted(set(ICONS.split()))]
        sprite = '<svg xmlns="http://www.w3.org/2000/svg">\n' + "\n".join(symbols) + "\n</svg>\n"
        (STATIC / "icons.svg").write_text(sprite, "utf-8")
        (VENDOR / "LICENSE-tabler-icons.txt").write_text((icons / "LICENSE").read_text("utf-8"), "utf-8")
    made = [VENDOR / target for target in FILES.values()] + [STATIC / "icons.svg"]
    lines = ["Vendored files, rebuilt by build.py in this folder. Both packages are MIT licensed.", ""]
    lines += [f"{name} {version}" for name, version in PACKAGES.items()]
    sums = {path.relative_to(STATIC): hashlib.sha256(path.read_bytes()).hexdigest() for path in made}
    lines += ["", *(f"sha256 {digest}  {path}" for path, digest in sums.items())]
    (VENDOR / "VERSIONS.txt").write_text("\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    main()
