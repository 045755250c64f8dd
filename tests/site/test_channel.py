"""The site as a channel: a pure reader of stored submissions, whatever the bytes are."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otklik.channels.site import submission
from otklik.channels.site.adapter import SiteChannel
from otklik.channels.site.submission import SentFile, Submission
from otklik.correspondence.channel import ParseError

words = st.text(max_size=60)
submissions = st.builds(
    Submission,
    form_id=words,
    kind=st.sampled_from(["person", "entrepreneur", "organisation", "collective"]),
    last_name=words,
    first_name=words,
    patronymic=words,
    organisation=words,
    answer_by=st.sampled_from(["email", "post", "hotline", "website"]),
    email=words,
    phone=words,
    address=words,
    text=words,
    files=st.lists(st.builds(SentFile, sha256=words, name=words, size=st.integers(0), declared_type=words)).map(tuple),
)


@given(submissions)
def test_what_is_written_down_is_read_back_and_a_repeat_gives_the_same_bytes(sent):
    assert submission.from_bytes(sent.to_bytes()) == sent
    assert sent.to_bytes() == submission.from_bytes(sent.to_bytes()).to_bytes()


@given(st.binary(max_size=200))
def test_any_other_bytes_are_refused_as_unreadable_never_a_crash(content):
    with pytest.raises(ValueError, match=r"."):
        submission.from_bytes(content)


@pytest.mark.parametrize(
    "content", [{}, [], 7, {"schema": submission.SCHEMA}, {"schema": submission.SCHEMA, "files": [{"x": 1}]}]
)
def test_json_of_another_shape_goes_to_quarantine_with_a_reason(tmp_path, content):
    raw = tmp_path / "raw"
    raw.write_text(json.dumps(content))
    with pytest.raises(ParseError, match="не запись формы"):
        SiteChannel().parse(raw)


def test_a_submission_whose_file_is_gone_goes_to_quarantine(db, tmp_path):
    sent = Submission(
        "1", "person", "П", "П", "", "", "website", "", "", "", "текст", (SentFile("0" * 64, "а.pdf", 1),)
    )
    raw = tmp_path / "raw"
    raw.write_bytes(sent.to_bytes())
    with pytest.raises(ParseError, match=r"а\.pdf"):
        SiteChannel().parse(raw)
