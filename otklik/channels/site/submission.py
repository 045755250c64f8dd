"""What a person sent by the site's form, as a value and as the bytes that are kept."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any, Final

SCHEMA: Final = "site.submission/1"


@dataclass(frozen=True)
class SentFile:
    """A file of the submission; its bytes are in the file store already."""

    sha256: str
    name: str
    size: int
    declared_type: str = ""


@dataclass(frozen=True)
class Submission:
    """One filled-in form. `answer_by` is a channel code; empty contacts were not asked for.

    `citizen` is the account of who was signed in, `continues` the mark of the conversation he goes on with.
    """

    form_id: str
    kind: str
    last_name: str
    first_name: str
    patronymic: str
    organisation: str
    answer_by: str
    email: str
    phone: str
    address: str
    text: str
    files: tuple[SentFile, ...] = ()
    citizen: str = ""
    continues: str = ""

    @property
    def name(self) -> str:
        """«Петрова Елена Викторовна», with the organisation or group before it."""
        person = " ".join(part for part in (self.last_name, self.first_name, self.patronymic) if part)
        return ", ".join(part for part in (self.organisation, person) if part)

    @property
    def answer_address(self) -> str:
        """Where the answer is to go; empty where it is read on the site."""
        return {"email": self.email, "post": self.address, "hotline": self.phone}.get(self.answer_by, "")

    def to_bytes(self) -> bytes:
        """Return the one way to write this submission down: a repeat gives the same bytes."""
        content = {"schema": SCHEMA, **asdict(self)}
        for name in ("citizen", "continues"):  # a form sent without an account is written as it always was
            if not content[name]:
                del content[name]
        return json.dumps(content, ensure_ascii=False, sort_keys=True, indent=1).encode()

    @property
    def digest(self) -> str:
        """SHA-256 of everything the person typed and attached."""
        return hashlib.sha256(self.to_bytes()).hexdigest()


def from_bytes(raw: bytes) -> Submission:
    """Read what `to_bytes` wrote; raise ValueError where it is something else."""
    content: Any = json.loads(raw)
    if not isinstance(content, dict) or content.pop("schema", None) != SCHEMA:
        raise ValueError("unknown schema")
    try:
        files = tuple(SentFile(**one) for one in content.pop("files"))
        sent = Submission(**content, files=files)
    except (TypeError, KeyError) as exc:
        raise ValueError("fields are missing or unknown") from exc
    words = [*content.values(), *(word for one in files for word in (one.sha256, one.name, one.declared_type))]
    if not all(isinstance(word, str) for word in words):
        raise ValueError("a field is no text")
    return sent
