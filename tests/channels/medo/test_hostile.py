"""Packages made to harm: nothing is read from this machine, nothing grows without end, nothing leaves its folder."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from otklik.channels.medo import parse
from otklik.correspondence.channel import ParseError
from tests.channels.medo import packages
from tests.channels.medo.packages import PDF, Made, Sent

DTD = '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
LAUGHS = '<!DOCTYPE a [<!ENTITY x "ха"><!ENTITY b "&x;&x;&x;&x;&x;&x;&x;&x;">]>'


def kept(made: Made, folder: Path) -> Path:
    from otklik.channels.medo import package

    raw = folder / "raw.zip"
    package.bundle(made.write(folder / "there"), raw)
    return raw


@pytest.mark.parametrize("dtd", [DTD, LAUGHS])
@pytest.mark.parametrize(
    ("version", "name"), [("2.6", "document.xml"), ("2.7", "communication.xml"), ("2.7", "passport.xml")]
)
def test_xml_with_a_dtd_is_not_read(tmp_path, version, name, dtd):
    made = packages.made(Sent(version))
    files = made.inside if name in made.inside else made.files
    head, _, rest = files[name].partition(b"?>\n")
    files[name] = head + b"?>\n" + dtd.encode() + rest.replace(b"<xdms:organization>", b"<xdms:organization>&x;", 1)
    with pytest.raises(ParseError, match="DTD"):
        parse.parse(kept(made, tmp_path))


def test_a_file_that_unfolds_without_end_is_not_taken(tmp_path):
    made = packages.made(Sent("2.7", files=(("bomb.bin", bytes(60 * 1024 * 1024)),)))
    read = parse.parse(kept(made, tmp_path))
    try:
        problems = {one.name: one.problem for one in read.files}
        assert "разворачивается без меры" in problems["bomb.bin"]
        assert sum(one.content.stat().st_size for one in read.files if isinstance(one.content, Path)) < 1024 * 1024
    finally:
        forget(read)


def test_an_archive_that_is_one_big_bomb_is_not_unpacked(tmp_path):
    made = packages.made(Sent("2.7"))
    made.inside["passport.xml"] = b" " * (11 * 1024 * 1024) + made.inside["passport.xml"]
    with pytest.raises(ParseError, match=r"Проверка 7 .*больше 10 МБ"):
        parse.parse(kept(made, tmp_path))


@pytest.mark.parametrize(
    "name", ["../../../../tmp/otklik-escaped.pdf", "..\\..\\otklik-escaped.pdf", "/tmp/otklik-escaped.pdf"]
)
def test_names_that_lead_out_of_the_folder_are_told_and_not_followed(tmp_path, name):
    made = packages.made(Sent("2.7", files=((name, PDF),)))
    read = parse.parse(kept(made, tmp_path))
    try:
        assert any("имена ведут из каталога" in note for note in read.notes)
        [odd] = [one for one in read.files if "otklik-escaped" in one.name and one.problem][:1]
        assert odd.content == b""
        assert not list(Path("/tmp").glob("otklik-escaped*"))
    finally:
        forget(read)


def test_thousands_of_files_are_not_looked_through(tmp_path):
    made = packages.made(Sent("2.7"))
    made.inside |= {f"{number}.txt": b"" for number in range(3_000)}
    read = parse.parse(kept(made, tmp_path))
    forget(read)
    assert any("файлов больше" in note for note in read.notes)


def test_a_link_in_the_folder_is_not_followed(node):
    folder = node.give(Sent())
    (folder / "passwd.txt").symlink_to("/etc/passwd")
    (node.inbox / "elsewhere").symlink_to("/etc")
    assert node.visit() == ""
    from otklik.core import files
    from otklik.correspondence.models import IncomingMessage

    with zipfile.ZipFile(files.path_of(IncomingMessage.objects.get().raw)) as archive:
        assert "passwd.txt" not in archive.namelist()


def test_elements_a_thousand_deep_end_nothing(tmp_path):
    made = packages.made(Sent("2.6"))
    deep = b"<xdms:enclosures><xdms:enclosure>" * 3_000 + b"</xdms:enclosure></xdms:enclosures>" * 3_000
    made.files["document.xml"] = made.files["document.xml"].replace(
        b"<xdms:correspondents>", deep + b"<xdms:correspondents>"
    )
    read = parse.parse(kept(made, tmp_path))
    forget(read)
    assert any("Проверка 4" in note for note in read.notes)


def test_what_is_no_archive_goes_to_quarantine_in_words(tmp_path):
    raw = tmp_path / "raw"
    for content in (b"", b"PK\x05\x06", os.urandom(300)):
        raw.write_bytes(content)
        with pytest.raises(ParseError, match="Пакет МЭДО не прочитан"):
            parse.parse(raw)


def test_no_temporary_file_is_left(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    forget(parse.parse(kept(packages.made(Sent("2.7")), tmp_path)))
    broken = packages.made(Sent("2.7"))
    broken.inside.pop("passport.xml")
    (tmp_path / "b").mkdir()
    with pytest.raises(ParseError):
        parse.parse(kept(broken, tmp_path / "b"))
    assert not list((tmp_path / "temporary").iterdir())


MEASURED = """
import re, sys
from pathlib import Path
import django
django.setup()
from otklik.channels.medo import package, parse
folder, work = Path(sys.argv[1]), Path(sys.argv[2])
def most():
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) // 1024
before = most()
package.bundle(folder, work / "raw.zip")
read = parse.parse(work / "raw.zip")
assert len(read.files) == 3, read.files
for one in read.files:
    one.content.unlink()
print(before, most())
"""


def test_a_hundred_megabytes_take_less_than_three_hundred_of_memory(tmp_path):
    made = packages.made(Sent("2.7", files=(("large.bin", os.urandom(1024 * 1024) * 100),)))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for name, content in made.inside.items():
            archive.writestr(name, content)
    made = Made({**made.files, "document.edc.zip": packed.getvalue()})
    folder = made.write(tmp_path / "there")
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "otklik.config.settings", "PYTHONPATH": "."}
    command = [sys.executable, "-c", MEASURED, str(folder), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    before, most = map(int, done.stdout.split())
    assert most < 300, f"{before} -> {most} MB"


def forget(read) -> None:
    for one in read.files:
        if isinstance(one.content, Path):
            one.content.unlink()
