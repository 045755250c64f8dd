"""Words for what the journals write."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import otklik
from otklik.appeals.models import Approval
from otklik.core.actions import CHAINS, FACTS, NAMES, chain_of, name_of, told
from otklik.correspondence.models import IncomingMessage
from otklik.knowledge.models import ReviewItem

pytestmark = pytest.mark.once

CODE = re.compile(r"[a-z_]+\.[a-z_]+")
WRITERS = {"record", "record_each", "_record", "looked", "move", "_move", "_change", "_decide"}


def written() -> Iterator[str]:
    """Yield every action named in a call that writes a journal."""
    for path in Path(otklik.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) in WRITERS:
                given = [*node.args, *(one.value for one in node.keywords if one.arg == "action")]
                texts = (part.value for one in given for part in ast.walk(one) if isinstance(part, ast.Constant))
                yield from (text for text in texts if isinstance(text, str) and CODE.fullmatch(text))


def test_every_action_the_code_writes_has_russian_words() -> None:
    State, Decision, Checked = IncomingMessage.State, Approval.Decision, ReviewItem.State
    composed = {f"message.{state}" for state in (State.REGISTERED, State.JOINED)}
    composed |= {f"appeal.{decision}" for decision in (Decision.APPROVED, Decision.RETURNED)}
    composed |= {f"review.{state}" for state in (Checked.CONFIRMED, Checked.CHANGED, Checked.ARCHIVED)}
    actions = set(written()) | composed
    assert len(actions) > 50
    assert not actions - set(NAMES)
    # What a move is called when its caller gives no name.
    assert not set(NAMES) - actions - {"appeal.moved", "reception.moved"}


def test_every_fact_written_beside_an_action_is_called_in_russian() -> None:
    facts = {
        one.arg
        for path in Path(otklik.__file__).parent.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"journal.record", "journal.looked", "_record"}
        for one in node.keywords
    }
    assert len(facts) > 60
    assert facts - {None, "chain", "by", "on_behalf_of"} <= set(FACTS)


def test_facts_and_chains_are_read_without_brackets_and_codes() -> None:
    assert told(["password", "webauthn"]) == "пароль, ключ входа"
    assert told({"was": None, "now": [True]}) == "было: нет; стало: да"
    assert told([]) == told({}) == told("") == told(False) == "нет"
    assert chain_of("employee:19") == "сотрудник 19"
    assert chain_of("access:2026-11-26") == "доступ за 26.11.2026"
    assert told("2026-11-26") == "26.11.2026"
    assert told("О-2026-000005") == "О-2026-000005"
    assert chain_of("dictionaries") == "справочники"
    assert chain_of("unheard:1") == "unheard 1"


def test_every_chain_that_is_written_has_a_name() -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in Path(otklik.__file__).parent.rglob("*.py"))
    assert set(re.findall(r'\bchain ?= ?f?"([a-z_]+)', code)) <= set(CHAINS)


def test_rows_of_dictionaries_and_wagtails_own_actions_have_words_too() -> None:
    assert name_of("termrule.changed").startswith("изменено: ")
    assert name_of("wagtail.publish") != "wagtail.publish"
    assert name_of("unheard.of") == "unheard.of"
