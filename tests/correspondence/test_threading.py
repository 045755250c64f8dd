"""A reply finds its conversation; doubt goes to a person."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otklik.correspondence import delivery, threading
from otklik.correspondence.models import ChannelCode, IncomingMessage
from otklik.correspondence.text import subject_base
from tests.correspondence.builders import FakeChannel, come, letter, parsed

Match = IncomingMessage.Match
ANNA, OLEG = "anna@citizen.example", "oleg@citizen.example"
SUBJECTS = ("Аренда участка", "О выкупе доли", "", "Вопрос по кадастру № 54:35", "Жалоба на соседа: забор", "Re-survey")
MARKS = (
    "Re: ",
    "RE: ",
    "Re[2]: ",
    "Отв: ",
    "Ответ: ",
    "HA: ",
    "НА: ",
    "Fwd: Re: ",
    "FW: ",
    "AW: ",
    "re:re: ",
    "Пересл: ",
)


OTHERS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("only references", "join", {"references": ["<x@y>", "OURS"]}),
    ("only plus-address", "join", {"recipients": ["info+TOKEN@d.example"]}),
    ("to her own letter", "join", {"in_reply_to": "<first@c>"}),
    ("address in capitals", "join", {"sender_address": ANNA.upper(), "in_reply_to": "OURS"}),
    ("another sender", "ask", {"sender_address": OLEG, "in_reply_to": "OURS"}),
    ("another subject", "ask", {"in_reply_to": "OURS", "subject": "Совсем другое дело"}),
    ("a token known to a stranger", "ask", {"sender_address": OLEG, "recipients": ["info+TOKEN@d.example"]}),
    ("a newsletter", "ask", {"in_reply_to": "OURS", "machine": "bulk"}),
    ("no sender", "ask", {"sender_address": "", "in_reply_to": "OURS"}),
    ("a fresh letter", "new", {}),
    ("a fresh letter of a stranger", "new", {"sender_address": OLEG}),
    ("an unknown reference", "new", {"in_reply_to": "<nobody@knows>"}),
    ("a token of nobody", "new", {"recipients": ["info+zzzzzzzzzz@d.example"]}),
)


@dataclass
class Chain:
    """A first letter, our answer, and the letter in question with what is right for it."""

    name: str
    right: str
    reply: dict[str, Any]
    subject: str = SUBJECTS[0]
    sender: str = ANNA


def _chains() -> list[Chain]:
    """Return the golden set: every way replies come, and every way strangers look like replies."""
    chains: list[Chain] = []
    for subject in SUBJECTS:
        for mark in MARKS:
            reply = {"sender_address": ANNA, "subject": f"{mark}{subject} [#TOKEN]", "in_reply_to": "OURS"}
            chains.append(Chain(f"reply {mark!r} to {subject!r}", "join", reply, subject))
        chains += [Chain(name, right, {"subject": f"Re: {subject}", **reply}, subject) for name, right, reply in OTHERS]
    return chains


@pytest.mark.django_db
def test_of_the_golden_chains_none_is_joined_wrongly_and_none_missed():
    channel, chains = FakeChannel(), _chains()
    assert len(chains) >= 100
    wrong, missed, unasked = [], [], []
    for number, chain in enumerate(chains):
        first_id = f"<first{number}@c>"
        first = come(channel, message_id=first_id, sender_address=chain.sender, subject=chain.subject)
        answer = letter(thread=first.thread, recipient=chain.sender, subject=f"Re: {chain.subject}")
        words = {"OURS": answer.message_id, "TOKEN": first.thread.token, "<first@c>": first_id}
        fields = {"sender_address": ANNA, **chain.reply}
        reply = come(channel, **{name: _filled(value, words) for name, value in fields.items()})
        joined = reply.match == Match.CERTAIN
        if joined and (chain.right != "join" or reply.thread != first.thread):
            wrong.append(chain.name)
        if not joined and chain.right == "join":
            missed.append(chain.name)
        if chain.right == "ask" and (reply.match, reply.candidate_thread) != (Match.DOUBTFUL, first.thread):
            unasked.append(chain.name)
        if chain.right == "new" and reply.match != Match.NONE:
            wrong.append(chain.name)
    sys.stdout.write(f"golden set: {len(chains)} chains, wrong joins {len(wrong)}, missed {len(missed)}\n")
    assert (wrong, unasked) == ([], [])
    assert len(missed) <= 2, missed


def _filled(value: Any, words: dict[str, str]) -> Any:
    if isinstance(value, list):
        return [_filled(one, words) for one in value]
    for word, meaning in words.items():
        value = value.replace(word, meaning)
    return value


@pytest.mark.django_db
def test_people_who_answer_one_newsletter_are_not_one_conversation():
    channel = FakeChannel()
    replies = [
        come(channel, sender_address=f"p{number}@c.example", subject="Re: Новости", in_reply_to="<news@list>")
        for number in range(5)
    ]
    assert len({reply.thread_id for reply in replies}) == 5
    assert {reply.match for reply in replies} == {Match.NONE}


@pytest.mark.django_db
def test_a_reply_that_comes_before_the_letter_it_answers_is_found():
    channel = FakeChannel()
    reply = come(channel, sender_address=ANNA, subject="Re: Участок", message_id="<2@c>", in_reply_to="<1@c>")
    first = come(channel, sender_address=ANNA, subject="Участок", message_id="<1@c>")
    assert (first.match, first.thread) == (Match.CERTAIN, reply.thread)


@pytest.mark.django_db
def test_a_letter_that_points_at_two_conversations_asks_a_person():
    channel = FakeChannel()
    one, two = (come(channel, sender_address=ANNA, subject="Тема", message_id=f"<{n}@c>") for n in "12")
    both = come(channel, sender_address=ANNA, subject="Re: Тема", references=["<1@c>", "<2@c>"])
    assert (both.match, both.candidate_thread) in {(Match.DOUBTFUL, one.thread), (Match.DOUBTFUL, two.thread)}
    assert both.thread not in {one.thread, two.thread}


@pytest.mark.django_db
def test_a_rejected_stranger_does_not_become_a_known_sender():
    channel = FakeChannel()
    first = come(channel, sender_address=ANNA, subject="Тема", message_id="<1@c>")
    answer = letter(thread=first.thread, recipient=ANNA, subject="Re: Тема")
    for _ in range(2):
        reply = come(channel, sender_address=OLEG, subject="Re: Тема", in_reply_to=answer.message_id)
        assert reply.match == Match.DOUBTFUL


@pytest.mark.django_db
def test_what_we_send_carries_what_a_reply_is_known_by():
    row = letter(subject="Ответ")
    item = delivery.to_send(row)
    subject = threading.mark(item.subject, item.token)
    assert threading.mark(subject, item.token) == subject
    address = threading.plus_address("info@dep.example", item.token)
    for reply in (parsed(subject=f"Re: {subject}"), parsed(recipients=[address])):
        found = threading.match(reply)
        assert found.candidate == row.thread
    assert row.channel == ChannelCode.EMAIL


words = st.text(alphabet="абвгд еёж abc 123 №«»-", max_size=40)
marks = st.lists(st.sampled_from(MARKS), max_size=5).map("".join)


@given(subject=words, mark=marks, token=st.text(alphabet="abcdefghjkmnpqrstuvwxyz23456789", min_size=10, max_size=10))
def test_marks_of_replying_and_of_ours_do_not_change_what_a_subject_is_about(subject, mark, token):
    assert subject_base(f"{mark}{subject} [#{token}]") == subject_base(subject)


@given(st.text(max_size=200))
def test_any_subject_has_a_base_and_the_base_is_its_own(subject):
    base = subject_base(subject)
    assert subject_base(base) == base
