"""A letter of fifty megabytes is read within 300 MB of memory, its files whole."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

from otklik.channels.mail.parse import parse

MEASURE = """
import json, re, sys
from hashlib import sha256
from pathlib import Path
import django
django.setup()
from otklik.channels.mail.identity import identify
from otklik.channels.mail.parse import parse
raw = Path(sys.argv[1])
identity = identify(raw)
parsed = parse(raw)
sums = []
for paper in parsed.files:
    content = paper.content
    sums.append(sha256(content if isinstance(content, bytes) else content.read_bytes()).hexdigest())
    if isinstance(content, Path):
        content.unlink()
# Not ru_maxrss: a child inherits its parent's peak, and the parent of this one is a large test process.
peak = int(re.search(r"VmHWM:\\s*(\\d+)", Path("/proc/self/status").read_text()).group(1)) // 1024
print(json.dumps([peak, parsed.text, sums]))
"""


def large(path: Path, blocks: list[bytes], *, inside: bool = False) -> None:
    """Write a letter with base64 attachments, piece by piece."""
    with path.open("wb") as file:
        file.write(b"From: a@b.example\r\nSubject: big\r\nMIME-Version: 1.0\r\n")
        file.write(
            b"Content-Type: multipart/mixed; boundary=XX\r\n\r\n--XX\r\nContent-Type: text/plain\r\n\r\nsmall text\r\n"
        )
        for number, content in enumerate(blocks):
            if inside:
                file.write(b"--XX\r\nContent-Type: message/rfc822\r\n\r\nFrom: c@d.example\r\nSubject: inner\r\n")
            else:
                file.write(b"--XX\r\n")
            file.write(b"Content-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n")
            file.write(b"Content-Disposition: attachment; filename=f%d.pdf\r\n\r\n" % number)
            file.write(base64.encodebytes(content))
        file.write(b"--XX--\r\n")


def test_fifty_megabytes_are_read_within_three_hundred(tmp_path):
    blocks = [bytes([65 + number]) * (9 * 1024 * 1024) for number in range(4)]
    path = tmp_path / "big.eml"
    large(path, blocks)
    assert path.stat().st_size > 48 * 1024 * 1024
    done = subprocess.run([sys.executable, "-c", MEASURE, str(path)], capture_output=True, check=True)
    megabytes, text, sums = json.loads(done.stdout.splitlines()[-1])
    sys.stdout.write(f"a letter of {path.stat().st_size // 1024 // 1024} MB: peak memory {megabytes} MB\n")
    assert megabytes < 300
    assert text == "small text"
    assert sums == [sha256(block).hexdigest() for block in blocks]


def test_a_large_letter_inside_a_large_letter_keeps_its_bytes(tmp_path):
    path = tmp_path / "forwarded.eml"
    large(path, [b"x" * (17 * 1024 * 1024)], inside=True)
    [inner] = parse(path).files
    assert inner.name.endswith(".eml")
    content = inner.content if isinstance(inner.content, bytes) else inner.content.read_bytes()
    assert b"Subject: inner" in content
    assert len(content) > 20 * 1024 * 1024
