"""`make bundle`: one archive that installs and updates the product on a machine without any network.

Inside: our wheel, the wheels of `requirements/base.txt` (by their hashes), what each part is licensed under, the
scripts and units of `deploy/`, the documents, and SHA256SUMS, which the installer looks at before anything else.
"""

from __future__ import annotations

import argparse
import email
import hashlib
import io
import json
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from email.message import Message
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
LICENCE: Final = re.compile(r"(licen[cs]e|copying|notice|authors)", re.IGNORECASE)


def main() -> None:
    """Build the archive and say where it is."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--source", type=Path, default=ROOT, help="дерево продукта (это)")
    parser.add_argument("--out", type=Path, default=ROOT / "dist", help="куда положить архив (dist)")
    parser.add_argument("--wheels", type=Path, default=ROOT / "build" / "wheels", help="где лежат скачанные пакеты")
    asked = parser.parse_args()
    made = bundle(asked.source.resolve(), asked.out, asked.wheels)
    print(f"{made} ({made.stat().st_size / 2**20:.0f} МБ)")  # noqa: T201


def bundle(source: Path, out: Path, wheels: Path | None) -> Path:
    """Build the archive of one tree.

    `wheels` keeps what was brought from the registry for the next time; None: without the wheels of others.
    """
    with tempfile.TemporaryDirectory(prefix="otklik-bundle-") as scratch:
        ours = _our_wheel(source, Path(scratch))
        version = ours.name.split("-")[1]
        top = Path(scratch, f"otklik-{version}")
        (top / "wheels").mkdir(parents=True)
        shutil.move(ours, top / "wheels" / ours.name)
        requirements = source / "requirements" / "base.txt"
        for wheel in _brought(requirements, wheels, Path(scratch, "brought")) if wheels else ():
            shutil.copy2(wheel, top / "wheels")
        own = f"otklik=={version} --hash=sha256:{_digest(top / 'wheels' / ours.name)}\n"
        others = requirements.read_text(encoding="utf-8") if wheels else ""
        (top / "requirements.txt").write_text(own + others, encoding="utf-8")
        _put_deploy(top)
        _put_documents(source, top)
        _put_licences(source, top)
        (top / "PYTHON").write_text(f"{sys.version_info.major}.{sys.version_info.minor}\n", encoding="utf-8")
        (top / "VERSION").write_text(f"{version}\n", encoding="utf-8")
        _put_sums(top)
        return _packed(top, out)


def _our_wheel(source: Path, scratch: Path) -> Path:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(scratch / "own")]
    subprocess.run(command, cwd=source, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603
    return next((scratch / "own").glob("otklik-*.whl"))


def _brought(requirements: Path, kept: Path, scratch: Path) -> list[Path]:
    """Return exactly the wheels of this list for this platform; those kept from the last time are not asked for."""
    kept.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-input"]
    command += ["--require-hashes", "--only-binary", ":all:", "--dest", str(scratch), "-r", str(requirements)]
    command += ["--find-links", kept.resolve().as_uri()]
    if subprocess.run([*command, "--no-index"], capture_output=True, check=False).returncode:  # noqa: S603
        subprocess.run(command, check=True)  # noqa: S603
    wheels = sorted(scratch.glob("*.whl"))
    for wheel in wheels:
        if not (kept / wheel.name).exists():
            shutil.copy2(wheel, kept)
    return wheels


def _put_deploy(top: Path) -> None:
    """Put scripts and units; the scripts stand at the top, where whoever unpacks the archive looks first."""
    shutil.copytree(ROOT / "deploy", top / "deploy", ignore=shutil.ignore_patterns("__pycache__"))
    for script in (top / "deploy").glob("*.sh"):
        script.chmod(0o755)
    for name in ("install.sh", "update.sh"):
        (top / name).write_text(f'#!/bin/sh\nexec "$(dirname "$0")/deploy/{name}" "$@"\n', encoding="utf-8")
        (top / name).chmod(0o755)


def _put_documents(source: Path, top: Path) -> None:
    ignored = shutil.ignore_patterns("pictures", "adr")
    shutil.copytree(source / "docs", top / "docs", ignore=ignored)
    for name in ("README.ru.md", "CHANGELOG.md", "LICENSE"):
        if (source / name).exists():
            shutil.copy2(source / name, top)


def _put_licences(source: Path, top: Path) -> None:
    """Write what each part is licensed under, out of its own metadata, and the texts that came with it."""
    folder = top / "licences"
    folder.mkdir()
    lines = ["# Лицензии того, что внутри", "", "| часть | версия | лицензия | тексты |", "|---|---|---|---|"]
    for wheel in sorted((top / "wheels").glob("*.whl"), key=lambda path: path.name.lower()):
        with zipfile.ZipFile(wheel) as archive:
            name, version, licence = _licence(archive)
            kept = _texts(archive, folder / f"{name}-{version}")
        lines.append(f"| {name} | {version} | {licence} | {', '.join(kept) or '—'} |")
    lines += [
        f"| {name} (страницы) | {version} | {licence} | в пакете otklik |" for name, version, licence in _front(source)
    ]
    (folder / "README.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _licence(wheel: zipfile.ZipFile) -> tuple[str, str, str]:
    said: Message = email.message_from_bytes(
        wheel.read(next(n for n in wheel.namelist() if n.endswith(".dist-info/METADATA")))
    )
    classified = [
        one.rsplit("::", 1)[1].strip()
        for one in said.get_all("Classifier", [])
        if one.startswith("License ::") and one.count("::") > 1
    ]
    free = (said.get("License") or "").strip()
    short = free if 0 < len(free) < 80 and "\n" not in free else ""
    licence = said.get("License-Expression") or short or ", ".join(classified) or "см. тексты"
    return str(said["Name"]), str(said["Version"]), str(licence).replace("|", "/")


def _texts(wheel: zipfile.ZipFile, folder: Path) -> list[str]:
    kept = []
    for name in wheel.namelist():
        inside, last = name.split("/", 1)[0], name.rsplit("/", 1)[-1]
        if inside.endswith(".dist-info") and last and LICENCE.search(last):
            folder.mkdir(exist_ok=True)
            place = folder / (last if not (folder / last).exists() else name.replace("/", "_"))
            place.write_bytes(wheel.read(name))
            kept.append(place.name)
    return kept


def _front(source: Path) -> list[tuple[str, str, str]]:
    """Return name, version and licence of each package the pages are made with."""
    wanted = json.loads((source / "package.json").read_text(encoding="utf-8")).get("dependencies", {})
    found = []
    for name in sorted(wanted):
        facts = json.loads((ROOT / "node_modules" / name / "package.json").read_text(encoding="utf-8"))
        found.append((name, str(facts["version"]), str(facts.get("license", "см. пакет"))))
    return found


def _put_sums(top: Path) -> None:
    files = sorted(path for path in top.rglob("*") if path.is_file())
    lines = [f"{_digest(path)}  {path.relative_to(top).as_posix()}\n" for path in files]
    (top / "SHA256SUMS").write_text("".join(lines), encoding="utf-8")


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _packed(top: Path, out: Path) -> Path:
    """Write the archive; the same tree and wheels make the same bytes. Wheels are packed already: a plain tar."""
    out.mkdir(parents=True, exist_ok=True)
    target = out / f"{top.name}-offline.tar"
    part = target.with_suffix(".part")
    with tarfile.open(part, "w") as archive:
        for path in sorted(top.rglob("*")):
            if path.is_file():
                info = tarfile.TarInfo(f"{top.name}/{path.relative_to(top).as_posix()}")
                content = path.read_bytes()
                info.size, info.mode = len(content), 0o755 if path.suffix == ".sh" else 0o644
                archive.addfile(info, io.BytesIO(content))
    part.replace(target)
    sums = target.with_name(f"{target.name}.sha256")
    sums.write_text(f"{_digest(target)}  {target.name}\n", encoding="utf-8")
    return target


if __name__ == "__main__":
    main()
