"""The contract every channel keeps, whatever the other side does: told once, tried on each adapter.

An adapter is registered by one file, `tests/channels/<code>/case.py`, with `CASE = <a subclass of Case>()`.
`python -m tests.channels.contract` writes the table of docs/channels/contract.md.
"""

from __future__ import annotations

import functools
import hashlib
import importlib
import io
import json
import random
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from django.utils import timezone

TEXT: Final = "Здравствуйте! Прошу предоставить сведения об аренде земельного участка и порядке выкупа."
SECRET: Final = "s3cr3t-0f-the-0ther-s1de"  # what an adapter is connected with: may stand in no error
RETRY_AFTER: Final = 7  # seconds the other side asks to wait
SECONDS: Final = (0.3, 0.3)  # for how long an adapter waits for a fake
TABLE: Final = Path(__file__).parents[2] / "docs" / "channels" / "contract.md"

# What the contract tries, by code. The first ten break what was kept, the others how it comes or goes.
CASES: Final = {
    "missing": "fields are missing",
    "unknown": "fields nobody knows",
    "types": "values of the wrong type",
    "huge": "a huge text",
    "empty": "nothing at all",
    "noise": "binary noise",
    "charset": "a wrong charset",
    "xxe": "XML entities that read files",
    "bomb": "a zip bomb",
    "dots": "`..` in file names",
    "duplicate": "the same message three times",
    "order": "messages out of order",
    "clock": "a clock that is wrong",
    "attachment": "an attachment that fails",
    "expired": "asking with expired credentials",
    "429": "asking: 429 with Retry-After",
    "5xx": "asking: 5xx",
    "timeout": "asking: no answer in time",
    "cut": "asking: the connection is cut in the middle",
    "replayed": "a webhook called again a day later",
    "secret": "a webhook called with a wrong secret",
    "send_expired": "sending with expired credentials",
    "send_429": "sending: 429 with Retry-After",
    "send_5xx": "sending: 5xx",
    "send_timeout": "sending: no answer in time",
    "send_cut": "sending: cut after the message was handed over",
}
READING: Final = ("missing", "unknown", "types", "huge", "empty", "noise", "charset", "xxe", "bomb", "dots")
ASKING: Final = ("expired", "429", "5xx", "timeout", "cut")
CALLING: Final = ("replayed", "secret")
SENDING: Final = ("send_expired", "send_429", "send_5xx", "send_timeout", "send_cut")

# Reasons that many channels share.
NEVER_ASKED: Final = dict.fromkeys(ASKING, "nobody is asked: messages come by themselves")
NOT_CALLED: Final = dict.fromkeys(CALLING, "no other server calls us")
SENDS_NOTHING: Final = dict.fromkeys(SENDING, "a person carries the answer")
NO_XML: Final = {"xxe": "no XML is read"}


@dataclass(frozen=True)
class Letter:
    """A message of the other side, as the contract tells it; a case writes it down in its channel's format."""

    number: int = 1
    text: str = TEXT
    files: Sequence[tuple[str, bytes]] = ()
    sent_at: datetime = field(default_factory=lambda: datetime(2026, 11, 24, 3, 0, tzinfo=UTC))
    reply_to: int = 0  # number of an earlier letter


class Case:
    """How one adapter is tried. Override what the channel does otherwise."""

    code: str  # of the channel its messages bear
    name: str  # in the table's head
    does_not_apply: Mapping[str, str] = {}  # case: why it makes no sense here
    carries_files = True  # a letter may have files
    threads = False  # `reply_to` finds its conversation even where the reply is read first

    # --- life ---

    def start(self) -> None:
        """Start the fake of the other side, once for all cases of this adapter."""

    def stop(self) -> None:
        """Stop it."""

    def open(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Before each case, with an empty database: connect the channel, let the fake forget everything."""

    # --- what is kept ---

    def raw(self, letter: Letter) -> bytes:
        """Return a letter as it is kept: what `parse` gets."""
        raise NotImplementedError

    def broken(self, case: str) -> Iterable[bytes]:
        """Return kept bytes broken as the case says; what is given suits any format whose bytes are a JSON object."""
        return broken_json(case, self.raw)

    def reader(self) -> Any:
        """Return who reads what was kept."""
        from otklik.channels.registry import all_readers

        return all_readers()[self.code]

    # --- how it comes ---

    def put(self, *letters: Letter) -> None:
        """Lay letters down at the source, where they wait for a visit."""
        raise NotImplementedError

    def visit(self) -> str:
        """Visit the source as a worker does; return what went wrong, in words for an administrator."""
        from otklik.channels.registry import all_connected
        from otklik.correspondence import connections
        from otklik.correspondence.models import Connection

        connections.visit(all_connected()[self.code])
        return Connection.objects.get(channel=self.code).error

    def pause(self) -> float:
        """Return for how many seconds the source is left alone now."""
        from otklik.correspondence.models import Connection

        until = Connection.objects.get(channel=self.code).not_before
        return (until - timezone.now()).total_seconds() if until else 0

    def pause_is_over(self) -> None:
        """Let the time pass for which the source is left alone."""
        from otklik.correspondence.models import Connection

        Connection.objects.filter(channel=self.code).update(not_before=None)

    def deliver(self, *letters: Letter, times: int = 1) -> None:
        """Let the other side give these letters in this order, `times` times over."""
        for _ in range(times):
            self.put(*letters)
            assert self.visit() == ""

    def trouble(self, kind: str) -> AbstractContextManager[None]:
        """Let the other side fail: "attachment" or one of ASKING and SENDING, with RETRY_AFTER where it says when."""
        raise NotImplementedError

    def call(self, letter: Letter, *, right: bool = True) -> int:
        """Call our address as the other side's server does, with the right or a wrong secret; return the status."""
        raise NotImplementedError

    # --- how it goes ---

    says_when = True  # the other side says after how many seconds to come again
    goes_to: Mapping[str, Any] = {}  # what a message of ours is queued with; nothing where a program sends none

    def send(self) -> str:
        """Hand one message over by the adapter's `send`."""
        raise NotImplementedError

    def got(self) -> int:
        """Return how many messages of ours the other side holds."""
        return len(self.held())

    def held(self) -> list[tuple[str, str]]:
        """Return the messages of ours the other side holds: words, and the id it knows a repeat by, if any."""
        raise NotImplementedError


# --- broken bytes ----------------------------------------------------------------------------------------------------


def broken_json(case: str, raw: Callable[[Letter], bytes]) -> Iterator[bytes]:
    """Break the JSON object a letter is kept as: each place of it in turn, however deep."""
    if case in {"bomb", "dots", "attachment"}:
        return
    if case == "empty":
        yield from (b"", b" ", b"{}", b"[]", b"null")
    elif case == "noise":
        yield from noise()
    elif case == "huge":
        yield raw(Letter(text="Очень длинно. " * 150_000))
        yield b"[" * 100_000
    elif case == "charset":
        # Escaped JSON is ASCII: only where its text stands as it is does a charset matter.
        plain = json.dumps(json.loads(raw(Letter())), ensure_ascii=False)
        yield from (plain.encode(one) for one in ("cp1251", "koi8-r", "utf-16"))
        yield plain.encode() + b"\xff\xfe"
        yield json.dumps({"text": "\ud800\x00"}).encode()
    elif case == "xxe":
        yield xxe()
    else:
        whole = json.loads(raw(Letter()))
        yield from (json.dumps(one).encode() for one in _mutants(case, whole))


def noise(count: int = 12) -> Iterator[bytes]:
    """Return the same binary noise at every run, of every small size and one big."""
    dice = random.Random(8)
    yield from (dice.randbytes(size) for size in (*range(1, count), 65_536))


def xxe() -> bytes:
    """Return XML that asks to read a file of this machine and to grow a thousandfold."""
    entities = "".join(f'<!ENTITY b{n} "{f"&b{n - 1};" * 10}">' for n in range(1, 9))
    head = f'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd"><!ENTITY b0 "ха">{entities}]>'
    return f'<?xml version="1.0" encoding="utf-8"?>{head}<a>&x;&b8;</a>'.encode()


@functools.cache
def bomb() -> bytes:
    """Return a small archive that holds 64 MB of nothing."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.txt", bytes(64 * 1024 * 1024))
    return made.getvalue()


def archive(*names: str) -> bytes:
    """Return an archive whose files are called so: with `..` in them, too."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as there:
        for name in names:
            there.writestr(name, "text")
    return made.getvalue()


ESCAPED: Final = "otklik-escaped.zip"
TRICKY: Final = (f"../../../../tmp/{ESCAPED}", f"..\\..\\{ESCAPED}", f"/tmp/{ESCAPED}", "...zip")
OTHERS: Final = (None, True, 10**30, "\x00", [None], {"a": [1]}, "9" * 400)


def _mutants(case: str, whole: Any) -> Iterator[Any]:
    for path in _paths(whole):
        if case == "missing":
            yield _changed(whole, path, None, drop=True)
        elif case == "types":
            yield from (_changed(whole, path, other) for other in OTHERS)
    if case == "unknown":
        yield from (_changed(whole, (*path, "nobody_knows"), {"a": 1}) for path in [(), *_paths(whole, objects=True)])


def _paths(there: Any, *, objects: bool = False, before: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    inside = there.items() if isinstance(there, dict) else enumerate(there) if isinstance(there, list) else ()
    for key, value in inside:
        if not objects or isinstance(value, dict):
            yield (*before, key)
        yield from _paths(value, objects=objects, before=(*before, key))


def _changed(whole: Any, path: tuple[Any, ...], value: Any, *, drop: bool = False) -> Any:
    made = json.loads(json.dumps(whole))
    place = made
    for key in path[:-1]:
        place = place[key]
    if drop:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return made


# --- what must hold --------------------------------------------------------------------------------------------------


def hold(case: Case, code: str) -> None:
    """Try one case of the contract on an adapter."""
    if code in READING:
        _reading(case, code)
    elif code in ASKING:
        _asking(case, code)
    elif code in SENDING:
        _sending(case, code)
    else:
        {
            "duplicate": _duplicate, "order": _order, "clock": _clock, "attachment": _attachment,
            "replayed": _replayed, "secret": _secret,
        }[code](case)  # fmt: skip


def _reading(case: Case, code: str) -> None:
    """Whatever was kept is read or goes to quarantine with a reason; the good one after it is read."""
    from otklik.correspondence.models import IncomingFile

    bad = _keep(case, case.broken(code))
    if code in {"bomb", "dots"} and case.carries_files:
        names = TRICKY if code == "dots" else ("bomb.zip",)
        content = bomb() if code == "bomb" else archive(*TRICKY)
        case.deliver(Letter(7, files=[(name, content) for name in names]))
        bad += [one for one in _messages(case) if one not in bad]
    assert bad, "the case makes nothing: say in `does_not_apply` why"
    [good] = _keep(case, [case.raw(Letter(9_000))], "good")
    _read_all(case)
    good.refresh_from_db()
    assert (good.state, TEXT in good.text) == ("new", True), good.problem
    for one in bad:
        one.refresh_from_db()
        assert one.state in {"new", "quarantined"}, one.state
        assert one.state == "new" or _in_russian(one.problem), one.problem
        assert not one.problem.startswith("Программа не смогла"), f"{one.problem}: {_raw_of(one)[:300]!r}"
        assert "root:" not in one.text
        assert "\x00" not in one.text
        assert code != "unknown" or (one.state, one.text) == ("new", good.text)
        assert code not in {"empty", "noise"} or not one.text or one.state == "new"
    papers = IncomingFile.objects.filter(message__in=bad).select_related("stored")
    if code == "bomb":
        assert sum(paper.stored.size for paper in papers) < 4 * 1024 * 1024
    assert not list(Path("/tmp").glob(ESCAPED))


def _duplicate(case: Case) -> None:
    case.deliver(Letter(1), times=3)
    case.deliver(Letter(2), Letter(1))
    _read_all(case)
    assert [one.state for one in _messages(case)] == ["new", "new"]
    assert len({one.external_id for one in _messages(case)}) == 2


def _order(case: Case) -> None:
    early = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
    case.deliver(
        Letter(2, "Дополняю: " + TEXT, sent_at=early + timedelta(days=1), reply_to=1), Letter(1, sent_at=early)
    )
    _read_all(case)
    rows = _messages(case)
    assert sorted(one.state for one in rows) == ["new", "new"]
    assert sorted(TEXT in one.text for one in rows) == [True, True]
    assert not case.threads or len({one.thread_id for one in rows}) == 1


def _clock(case: Case) -> None:
    """A source whose clock is wrong says when it was written; when it came, we say ourselves."""
    now = timezone.now()
    case.deliver(
        Letter(1, sent_at=now + timedelta(days=400)), Letter(2, sent_at=datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC))
    )
    _read_all(case)
    rows = _messages(case)
    assert [one.state for one in rows] == ["new", "new"]
    assert all(one.received_at <= timezone.now() for one in rows)


def _attachment(case: Case) -> None:
    """A file that cannot be had costs nobody the words it came with."""
    if not _keep(case, case.broken("attachment")):
        with case.trouble("attachment"):
            case.deliver(Letter(1, files=[("план.pdf", b"%PDF-1.7 plan")]))
    _read_all(case)
    rows = _messages(case)
    assert rows
    for one in rows:
        assert one.state in {"new", "quarantined"}
        told = [paper.problem for paper in one.files.all() if paper.problem] + [*one.notes, one.problem]
        assert any(map(_in_russian, told)), told
        assert one.state == "quarantined" or TEXT in one.text


def _asking(case: Case, kind: str) -> None:
    """The source fails: it is said in plain words, without a secret; mended, it gives everything once."""
    case.put(Letter(1), Letter(2))
    with case.trouble(kind):
        said = case.visit()
    assert _in_russian(said), said
    assert SECRET not in said
    if kind == "429":
        assert 0 < case.pause() <= RETRY_AFTER
    case.pause_is_over()
    assert case.visit() == ""
    assert case.visit() == ""
    _read_all(case)
    assert [one.state for one in _messages(case)] == ["new", "new"]


def _replayed(case: Case) -> None:
    for _ in range(3):
        assert case.call(Letter(1)) in {200, 201}
    _read_all(case)
    assert [one.state for one in _messages(case)] == ["new"]


def _secret(case: Case) -> None:
    assert case.call(Letter(1), right=False) in {401, 403}
    assert not _messages(case)
    assert case.call(Letter(1)) in {200, 201}
    assert len(_messages(case)) == 1


def _sending(case: Case, kind: str) -> None:
    """What failed is told apart: refused and safe to repeat, or handed over and not known to have arrived."""
    from otklik.correspondence.channel import DeliveryError, DeliveryUnknown

    with case.trouble(kind), pytest.raises((DeliveryError, DeliveryUnknown)) as told:
        case.send()
    assert SECRET not in str(told.value)
    assert _in_russian(str(told.value)), str(told.value)
    if kind == "send_429":
        assert isinstance(told.value, DeliveryError)
        assert not told.value.permanent
        assert not case.says_when or told.value.retry_after == RETRY_AFTER
    if kind == "send_cut":
        assert isinstance(told.value, DeliveryUnknown)
    if kind == "send_expired":
        assert isinstance(told.value, DeliveryError)
    before = case.got()
    assert case.send()
    assert case.got() == before + 1


# --- tools -----------------------------------------------------------------------------------------------------------


def _keep(case: Case, raws: Iterable[bytes], name: str = "bad") -> list[Any]:
    from otklik.correspondence import inbox
    from otklik.correspondence.channel import Arrived

    arrivals = [
        Arrived(case.code, f"{name}-{number}", hashlib.sha256(raw).hexdigest(), raw, timezone.now())
        for number, raw in enumerate(raws)
    ]
    return [one.message for one in inbox.accept_each(arrivals)]


def _raw_of(message: Any) -> bytes:
    from otklik.core import files

    return files.path_of(message.raw).read_bytes()


def _read_all(case: Case) -> None:
    from otklik.correspondence import inbox

    while inbox.parse_next({case.code: case.reader()}):
        pass


def _messages(case: Case) -> list[Any]:
    from otklik.correspondence.models import IncomingMessage

    return list(IncomingMessage.objects.filter(channel=case.code).order_by("pk"))


def _in_russian(text: str) -> bool:
    return bool(re.search("[а-яё]{3}", text.lower()))


# --- adapters and the table ------------------------------------------------------------------------------------------


@functools.cache
def cases() -> tuple[Case, ...]:
    """Return the adapters that are tried: every `tests/channels/*/case.py`."""
    folders = sorted(path.parent.name for path in Path(__file__).parent.glob("*/case.py"))
    return tuple(importlib.import_module(f"tests.channels.{one}.case").CASE for one in folders)


def tried() -> Iterator[tuple[Case, str]]:
    """Return every adapter with every case that makes sense for it."""
    yield from ((case, code) for case in cases() for code in CASES if code not in case.does_not_apply)


def table() -> str:
    """Return docs/channels/contract.md."""
    reasons = sorted({why for case in cases() for why in case.does_not_apply.values()})
    lines = [
        "# The contract of channels",
        "",
        "What the other side may do, and which adapters are tried with it. Written by",
        "`python -m tests.channels.contract`; `tests/channels/test_contract.py` tries every «yes» and compares this",
        "page. A number: the case makes no sense for the channel; why stands below.",
        "",
        f"| case | {' | '.join(case.name for case in cases())} |",
        f"|---|{'---|' * len(cases())}",
    ]
    for code, words in CASES.items():
        told = (case.does_not_apply.get(code) for case in cases())
        marks = (f"({reasons.index(why) + 1})" if why else "yes" for why in told)
        lines.append(f"| {words} | {' | '.join(marks)} |")
    lines += ["", *(f"{number}. {why}" for number, why in enumerate(reasons, start=1))]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    TABLE.parent.mkdir(exist_ok=True)
    TABLE.write_text(table())
