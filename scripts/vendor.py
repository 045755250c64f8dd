"""Copy from `node_modules` what pages use into `otklik/static/vendor`, which the wheel carries.

Of the icons only those that a template or a module names: they are drawn into the page, not served.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MODULES = ROOT / "node_modules"
VENDOR = ROOT / "otklik" / "static" / "vendor"
FONTS = [f"golos-text-{script}-{weight}-normal.woff2" for script in ("cyrillic", "latin") for weight in (400, 500, 600)]


def wanted() -> Iterator[tuple[Path, Path]]:
    """Yield each file with its place in the vendor folder."""
    yield MODULES / "@tabler/core/dist/css/tabler.min.css", Path("tabler/css/tabler.min.css")
    yield MODULES / "htmx.org/dist/htmx.min.js", Path("htmx/htmx.min.js")
    yield MODULES / "htmx.org/LICENSE", Path("htmx/LICENSE")
    yield MODULES / "@fontsource/golos-text/LICENSE", Path("fonts/golos-text/LICENSE")
    for name in FONTS:
        yield MODULES / "@fontsource/golos-text/files" / name, Path("fonts/golos-text", name)
    yield MODULES / "@tabler/icons/LICENSE", Path("icons/LICENSE")
    for name in sorted(named_icons()):
        yield MODULES / f"@tabler/icons/icons/outline/{name}.svg", Path(f"icons/outline/{name}.svg")


def named_icons() -> set[str]:
    """Return names of icons that stand in quotes anywhere in our sources."""
    have = {file.stem for file in (MODULES / "@tabler/icons/icons/outline").glob("*.svg")}
    sources = (file for kind in ("*.html", "*.py") for file in (ROOT / "otklik").rglob(kind))
    return {word for file in sources for word in re.findall(r"[\"']([a-z0-9-]+)[\"']", file.read_text("utf-8"))} & have


def copy(source: Path, target: Path) -> None:
    """Copy a file that changed; source maps stay behind, and with them the line that names them."""
    content = source.read_bytes()
    if target.suffix in {".css", ".js"}:
        content = re.sub(rb"\n?(/\*# sourceMappingURL=[^*]*\*/|//# sourceMappingURL=\S*)\s*$", b"\n", content)
    if not target.exists() or target.read_bytes() != content:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)


def main() -> None:
    """Bring the vendor folder in line with `node_modules`; what is no longer used goes."""
    if not MODULES.is_dir():
        raise SystemExit("Нет node_modules. Выполните: make assets")
    places = {place: source for source, place in wanted()}
    for place, source in places.items():
        copy(source, VENDOR / place)
    for file in [file for file in VENDOR.rglob("*") if file.is_file()]:
        if file.relative_to(VENDOR) not in places:
            file.unlink()
    for folder in sorted((folder for folder in VENDOR.rglob("*") if folder.is_dir()), reverse=True):
        if not any(folder.iterdir()):
            shutil.rmtree(folder)


if __name__ == "__main__":
    main()
