"""Files that a stranger might bring, and harmless ones of every format; all made here."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Mapping
from typing import Final

import typst
from openpyxl import Workbook

WORDS: Final = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


def packed(parts: Mapping[str, str | bytes]) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return held.getvalue()


def paragraph(text: str) -> str:
    return f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>"


def table(*rows: tuple[str, ...]) -> str:
    """Return a table of Word; a cell may hold several paragraphs."""
    cells = ("".join(f"<w:tc>{''.join(map(paragraph, one.split('|')))}</w:tc>" for one in row) for row in rows)
    return f"<w:tbl>{''.join(f'<w:tr>{row}</w:tr>' for row in cells)}</w:tbl>"


def docx(body: str, extra: Mapping[str, str | bytes] | None = None) -> bytes:
    document = f'<w:document xmlns:w="{WORDS}"><w:body>{body}</w:body></w:document>'
    return packed({"[Content_Types].xml": "<Types/>", "word/document.xml": document} | dict(extra or {}))


def odt(text: str, extra: Mapping[str, str | bytes] | None = None, *, kind: str = "text") -> bytes:
    names = 'xmlns:o="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
    names += 'xmlns:t="urn:oasis:names:tc:opendocument:xmlns:text:1.0"'
    content = f"<o:document {names}><t:h>Заголовок</t:h><t:p>{text}<t:s/>конец</t:p></o:document>"
    mimetype = f"application/vnd.oasis.opendocument.{kind}"
    return packed({"mimetype": mimetype, "content.xml": content} | dict(extra or {}))


def xlsx(*rows: tuple[object, ...]) -> bytes:
    book = Workbook()
    for row in rows:
        book.active.append(row)
    held = io.BytesIO()
    book.save(held)
    return held.getvalue()


def pdf(text: str) -> bytes:
    """Return a PDF with a text layer; without words it has none, as a scan."""
    source = f"#{typst_string(text)}" if text else "#rect(width: 5cm, height: 5cm, fill: gray)"
    content = typst.compile(source.encode(), format="pdf", ignore_system_fonts=True)
    assert isinstance(content, bytes)
    return content


def typst_string(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def raw_pdf(body: bytes) -> bytes:
    return b"%PDF-1.7\n" + body + b"\ntrailer <<>>\nstartxref\n9\n%%EOF\n"


_LIST = zlib.compress(b"1 0 2 20 << /S /JavaScript /JS (app.alert(1)) >>")
LIVELY: Final[dict[str, tuple[str, bytes, str]]] = {
    "a program under another name": ("a.pdf", b"MZ" + b"\0" * 200, "это программа"),
    "an extension that lies": ("a.pdf", docx(paragraph("Текст")), "не соответствует расширению .pdf"),
    "a macro of Word": ("a.docx", docx("", {"word/vbaProject.bin": b"x"}), "макросы"),
    "a macro told by type": ("a.docx", docx("", {"[Content_Types].xml": "x.macroEnabled.main+xml"}), "макросы"),
    "a macro of Excel 4": ("a.xlsx", packed({"[Content_Types].xml": "", "xl/macrosheets/s.xml": ""}), "макросы"),
    "a template from elsewhere": (
        "a.docx",
        docx(
            "", {"word/_rels/settings.xml.rels": '<R Type="attachedTemplate" Target="http://x" TargetMode="External"/>'}
        ),
        "внешний шаблон",
    ),
    "an object of another program": ("a.docx", docx("", {"word/embeddings/oleObject1.bin": b"x"}), "объект"),
    "Basic of LibreOffice": ("a.odt", odt("", {"Basic/Standard/Module1.xml": "x"}), "макросы"),
    "a script of LibreOffice": ("a.odt", odt("", {"Scripts/python/x.py": "x"}), "макросы"),
    "a locked ODT": ("a.odt", odt("", {"META-INF/manifest.xml": "<manifest:encryption-data/>"}), "паролем"),
    "JavaScript in a PDF": ("a.pdf", raw_pdf(b"<< /S /JavaScript /JS (x) >>"), "программа"),
    "its name in code": ("a.pdf", raw_pdf(b"<< /S /J#61vaScript /JS (x) >>"), "программа"),
    "a program started by a PDF": ("a.pdf", raw_pdf(b"<< /S /Launch /F (x) >>"), "программа"),
    "a file inside a PDF": ("a.pdf", raw_pdf(b"<< /Names << /EmbeddedFiles 3 0 R >> >>"), "вложенный файл"),
    "packed objects of a PDF": (
        "a.pdf",
        raw_pdf(b"<< /Type /ObjStm /Filter /FlateDecode >> stream\n" + _LIST + b"\nendstream"),
        "программа",
    ),
    "a locked PDF": ("a.pdf", raw_pdf(b"trailer << /Encrypt 5 0 R >>"), "паролем"),
    "nothing at all": ("a.txt", b"", "пуст"),
}


def bomb() -> bytes:
    """Return a small document that takes 201 megabytes when it is opened."""
    return docx("", {"word/media/image1.bmp": b"\0" * (201 * 1024 * 1024)})
