"""Whom we exchange with and through which folders: what an administrator has written down, as values."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from otklik.channels.medo import schema, versions
from otklik.channels.medo.versions import Version
from otklik.correspondence.channel import DeliveryError, SourceError
from otklik.correspondence.connections import Connecting
from otklik.people import staff

NODE: Final = re.compile(r"[^~\s;]{1,60}~[^~\s;]{1,60}")


@dataclass(frozen=True)
class Partner:
    """Another member of МЭДО. `node` is empty where nobody has written its address down."""

    uid: str
    node: str = ""
    organization: str = ""
    version: Version | None = None


@dataclass(frozen=True)
class Exchange:
    """Our folders, our names, and the list of others."""

    inbox: Path
    outbox: Path
    taken: Path
    uid: str
    node: str
    organization: str
    gate: str
    partners: Mapping[str, Partner]

    @classmethod
    def of(cls, there: Connecting) -> Exchange:
        """Return what is written down; lines of the list that say nothing are passed over (`wrong_lines` tells)."""
        inbox = Path(str(there["inbox"]).strip() or "/nowhere")
        named = [_partner(line) for line in str(there["partners"]).splitlines()]
        return cls(
            inbox=inbox,
            outbox=Path(str(there["outbox"]).strip() or "/nowhere"),
            taken=Path(str(there["taken"]).strip() or inbox / ".taken"),
            uid=str(there["uid"]).strip().lower(),
            node=str(there["node"]).strip(),
            organization=str(there["organization"]).strip() or staff.department().name,
            gate=str(there["gate"]).strip(),
            partners={one.uid: one for one in named if one},
        )

    def partner(self, recipient: str, *, organization: str = "") -> Partner:
        """Return who a message goes to: by his uid, or by a node written by hand. Raise DeliveryError."""
        key = recipient.strip().lower()
        if NODE.fullmatch(recipient.strip()):
            found = next((one for one in self.partners.values() if one.node.casefold() == key), None)
            if found is None:
                raise DeliveryError("Узла нет в списке участников МЭДО: допишите его в параметры канала.")
            return found
        if not schema.is_guid(key):
            raise DeliveryError("Получатель МЭДО указывается идентификатором (GUID) или адресом УЗЕЛ~ШЛЮЗ.")
        known = self.partners.get(key, Partner(key))
        if not (node := known.node or self.gate):
            raise DeliveryError(
                f"Неизвестен адрес участника МЭДО {key}: допишите его в список участников в параметрах канала."
            )
        return Partner(key, node, known.organization or organization or "Не указано", known.version)

    def trouble(self) -> str:
        """Return what hinders the exchange, in Russian; empty where nothing does."""
        if not schema.is_guid(self.uid):
            return "Наш идентификатор — не GUID (8-4-4-4-12 шестнадцатеричных знаков)."
        if not NODE.fullmatch(self.node):
            return "Наш адрес пишется как УЗЕЛ~ШЛЮЗ, например DIZO_S~MEDOGU."
        for name, folder in (("входящих", self.inbox), ("исходящих", self.outbox)):
            if not folder.is_dir():
                return f"Папки {name} нет или она недоступна."
            if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
                return f"Нет прав читать и писать в папке {name}."
        return ""


def wrong_lines(said: str) -> list[int]:
    """Return the numbers of the lines of the list that are not «GUID; УЗЕЛ~ШЛЮЗ; название; версия»."""
    lines = enumerate(said.splitlines(), 1)
    return [number for number, line in lines if line.strip() and _partner(line) is None]


def _partner(line: str) -> Partner | None:
    uid, node, organization, version = [*(part.strip() for part in line.split(";")), "", "", "", ""][:4]
    if not schema.is_guid(uid) or not NODE.fullmatch(node) or (version and version not in versions.VERSIONS):
        return None
    return Partner(uid.lower(), node, organization, versions.VERSIONS.get(version))


def hand_over(outbox: Path, name: str, files: Mapping[str, bytes | Path]) -> None:
    """Put a package into the folder of the transport, whole or not at all; one that is there already stays.

    Written under a name the transport passes over, then renamed. Raise DeliveryError where the folder refuses.
    """
    target, half = outbox / name, outbox / f".{name}.tmp"
    try:
        if target.exists():
            return
        shutil.rmtree(half, ignore_errors=True)
        half.mkdir()
        for one, content in files.items():
            with (half / one).open("wb") as out:
                if isinstance(content, Path):
                    with content.open("rb") as source:
                        shutil.copyfileobj(source, out, 1024 * 1024)
                else:
                    out.write(content)
                out.flush()
                os.fsync(out.fileno())
        half.rename(target)
    except OSError as failure:
        shutil.rmtree(half, ignore_errors=True)
        raise DeliveryError(f"Пакет не записан в папку исходящих МЭДО ({type(failure).__name__}).") from None


def put_aside(folder: Path, taken: Path) -> None:
    """Move a package that is ours now out of the transport's way. Raise SourceError where the folder refuses."""
    try:
        taken.mkdir(exist_ok=True)
        target, turn = taken / folder.name, 1
        while target.exists():
            turn += 1
            target = taken / f"{folder.name}.{turn}"
        shutil.move(folder, target)
    except OSError as failure:
        raise SourceError(
            f"Принятый пакет не перенесён из папки входящих МЭДО ({type(failure).__name__}). Проверьте права на папки."
        ) from None
