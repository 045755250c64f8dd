"""A click is not a signature: what is frozen is hashed, what is signed is exactly that."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime, timedelta
from io import BytesIO

import gostcrypto
import pypdf
import pytest
from asn1crypto import algos, cms, keys, x509
from django.core.files.base import ContentFile
from django.utils import timezone

from otklik.appeals import drafting, signature, transitions, ukep
from otklik.appeals.errors import NotAllowed, NotYours, WrongDate
from otklik.appeals.letters import compose, render
from otklik.appeals.models import Appeal, FrozenAnswer, Signature
from otklik.core import files
from otklik.core.models import Regime
from otklik.people import declension
from otklik.people.models import RoleAssignment

S = Appeal.Status
SHA256, STREEBOG = "2.16.840.1.101.3.4.2.1", "1.2.643.7.1.1.2.2"


def _pdf_text(answer) -> str:
    reader = pypdf.PdfReader(BytesIO(files.path_of(answer.letter).read_bytes()))
    return "\n".join(page.extract_text() for page in reader.pages)


def _certificate() -> x509.Certificate:
    name = x509.Name.build({"common_name": "Волкова Анна Петровна", "organization_name": "Департамент"})
    issuer = x509.Name.build({"common_name": "Удостоверяющий центр"})
    key = keys.PublicKeyInfo(
        {"algorithm": {"algorithm": "rsa"}, "public_key": keys.RSAPublicKey({"modulus": 15, "public_exponent": 3})}
    )
    now = datetime.now(UTC).replace(microsecond=0)
    body = x509.TbsCertificate(
        {
            "version": "v3",
            "serial_number": 77,
            "signature": {"algorithm": "sha256_rsa"},
            "issuer": issuer,
            "validity": {
                "not_before": x509.Time({"utc_time": now - timedelta(days=1)}),
                "not_after": x509.Time({"utc_time": now + timedelta(days=365)}),
            },
            "subject": name,
            "subject_public_key_info": key,
        }
    )
    return x509.Certificate(
        {"tbs_certificate": body, "signature_algorithm": {"algorithm": "sha256_rsa"}, "signature_value": b"\0" * 8}
    )


def _signature_file(content: bytes, *, algorithm: str = SHA256, attached: bool = False) -> bytes:
    digest = ukep.DIGESTS[algorithm](content) if algorithm in ukep.DIGESTS else hashlib.md5(content).digest()
    certificate = _certificate()
    info = cms.SignerInfo(
        {
            "version": "v1",
            "sid": cms.SignerIdentifier(
                {"issuer_and_serial_number": {"issuer": certificate.issuer, "serial_number": 77}}
            ),
            "digest_algorithm": algos.DigestAlgorithm({"algorithm": algorithm}),
            "signed_attrs": [
                {"type": "content_type", "values": ["data"]},
                {"type": "message_digest", "values": [digest]},
            ],
            "signature_algorithm": {"algorithm": "rsassa_pkcs1v15"},
            "signature": b"\0" * 8,
        }
    )
    signed = cms.SignedData(
        {
            "version": "v1",
            "digest_algorithms": [{"algorithm": algorithm}],
            "encap_content_info": {
                "content_type": "data",
                **({"content": content} if attached else {}),
            },
            "certificates": [certificate],
            "signer_infos": [info],
        }
    )
    return cms.ContentInfo({"content_type": "signed_data", "content": signed}).dump()


def _letter(answer) -> bytes:
    return files.path_of(answer.letter).read_bytes()


# Freezing


def test_the_frozen_letter_says_who_to_whom_what_and_who_signs(world):
    answer = world.frozen()
    text = _pdf_text(answer)
    for part in (
        "ДЕПАРТАМЕНТ ИМУЩЕСТВА",
        "Красный проспект, 18",
        f"№ {answer.appeal.number}",
        "Ивановой М. П.",
        "Уважаемая Мария Петровна!",
        "Договор продлён.",
        "Руководитель департамента",
        "А. П. Волкова",
        "Сидорова Анна Петровна",
    ):
        assert part in text
    assert answer.appeal.status == S.SIGNING
    assert answer.digest == signature._digest(answer.manifest)


def test_no_text_is_ever_code(world):
    evil = (
        '#panic("x") #read("/etc/passwd") *не жирно* $x$ @ref <label> `raw` // c\n\n= Не заголовок\n- не список\n\\ "'
    )
    appeal = world.drafted(text=evil)
    letter = compose.letter_of(appeal, evil, [], world.signer, on=timezone.localdate())
    content = render.pdf(letter, on=timezone.localdate())
    text = pypdf.PdfReader(BytesIO(content)).pages[0].extract_text()
    for part in (
        '#panic("x")',
        '#read("/etc/passwd")',
        "*не жирно*",
        "$x$",
        "@ref",
        "<label>",
        "= Не заголовок",
        "// c",
    ):
        assert part in text


def test_a_letter_carries_its_fonts_breaks_words_and_is_the_same_twice(world):
    appeal = world.assigned()
    long = "Предоставление земельного участка без проведения торгов осуществляется уполномоченным органом. " * 80
    letter = compose.letter_of(appeal, long, [], world.signer, on=timezone.localdate())
    content = render.pdf(letter, on=timezone.localdate())
    assert content == render.pdf(letter, on=timezone.localdate())
    reader = pypdf.PdfReader(BytesIO(content))
    assert len(reader.pages) > 1
    assert "-\n" in reader.pages[0].extract_text()
    fonts = {
        str(font.get_object()["/BaseFont"]) for page in reader.pages for font in page["/Resources"]["/Font"].values()
    }
    assert fonts
    assert all("Libertinus" in font for font in fonts)


def test_only_an_approved_text_is_frozen(world, trace):
    appeal = world.asked()
    before = trace()
    with pytest.raises(signature.NotApproved):
        signature.freeze(appeal, signer=world.signer, by=world.executor)
    assert trace() == before
    drafted = world.drafted()
    with pytest.raises(signature.NotApproved):
        signature.freeze(drafted, signer=world.signer, by=world.executor)


def test_only_a_signing_official_of_that_day_signs(world, trace):
    appeal = world.approved()
    before = trace()
    with pytest.raises(signature.UnfitSigner):
        signature.freeze(appeal, signer=world.executor, by=world.executor)
    with pytest.raises(signature.UnfitSigner):
        signature.freeze(appeal, signer=world.head, by=world.executor)
    assert trace() == before


def test_a_deputy_signs_as_acting(world):
    deputy = world.employee("deputy", "Соколова", world.law, ["executor"], "Начальник юридического отдела")
    world.stands_in(deputy, world.signer2)
    appeal = world.approved()
    assert deputy in signature.signers(appeal)
    answer = signature.freeze(appeal, signer=deputy, by=world.executor)
    text = _pdf_text(answer)
    assert "И. о. заместителя руководителя" in text
    assert "А. П. Соколова" in text


@pytest.mark.parametrize(
    ("post", "expected"),
    [
        ("Руководитель департамента", "руководителя департамента"),
        ("Первый заместитель руководителя", "первого заместителя руководителя"),
        ("Начальник отдела аренды", "начальника отдела аренды"),
        ("", ""),
    ],
)
def test_posts_decline(post, expected):
    assert declension.post(post)("gent").text.lower() == expected


def test_a_withdrawn_answer_stays_in_history_and_a_new_one_is_frozen(world):
    answer = world.frozen()
    appeal = answer.appeal
    signature.withdraw(answer, by=world.executor)
    assert world.again(appeal).status == S.DRAFTING
    second = signature.freeze(world.again(appeal), signer=world.signer2, by=world.executor)
    assert FrozenAnswer.objects.filter(appeal=appeal).count() == 2
    assert signature.frozen_of(appeal) == second


def test_a_withdrawn_answer_still_names_its_files_by_their_hashes(world):
    answer = world.frozen()
    signature.withdraw(answer, by=world.executor)
    assert signature.names(answer.letter)
    assert not signature.names(files.store(b"of nobody's answer"))


# Ways of signing


@pytest.mark.parametrize("algorithm", [SHA256, STREEBOG])
@pytest.mark.parametrize("form", ["der", "pem", "base64"])
def test_a_detached_signature_of_exactly_the_frozen_letter_is_taken(world, algorithm, form):
    answer = world.frozen()
    raw = _signature_file(_letter(answer), algorithm=algorithm)
    if form != "der":
        body = base64.encodebytes(raw)
        raw = b"-----BEGIN PKCS7-----\n" + body + b"-----END PKCS7-----\n" if form == "pem" else body
    row = signature.sign_ukep(answer, ContentFile(raw, "letter.sig"), by=world.signer)
    assert (row.way, row.signer) == ("ukep", world.signer)
    assert "Волкова" in row.certificate["subject"]
    assert "Удостоверяющий центр" in row.certificate["issuer"]
    assert row.certificate["valid_to"] > timezone.now().isoformat()[:10]
    assert world.again(answer.appeal).status == S.SIGNED


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda letter: _signature_file(letter + b" "), "другой файл"),
        (lambda letter: _signature_file(letter, attached=True), "присоединённая"),
        (lambda letter: letter, "не файл электронной подписи"),
        (lambda letter: b"", "пустой"),
        (lambda letter: b"\x30\x82\xff\xff junk", "не файл электронной подписи"),
        (lambda letter: b"0" * (ukep.MAX_BYTES + 1), "слишком большой"),
        (lambda letter: _signature_file(letter, algorithm="1.2.840.113549.2.5"), "неизвестным способом"),
        (lambda letter: _certificate().dump(), "не файл электронной подписи"),
        (lambda letter: _signature_file(letter)[:-100], "не файл электронной подписи"),
    ],
)
def test_any_other_file_is_refused_in_words_and_leaves_no_trace(world, trace, make, why):
    answer = world.frozen()
    before = trace()
    with pytest.raises(ukep.BadSignatureFile, match=why):
        signature.sign_ukep(answer, ContentFile(make(_letter(answer)), "letter.sig"), by=world.signer)
    assert trace() == before
    assert world.again(answer.appeal).status == S.SIGNING


def test_streebog_is_the_standards(world):
    # ГОСТ Р 34.11-2012, control example 1 (message M1), 256 bits.
    message = b"012345678901234567890123456789012345678901234567890123456789012"
    expected = "9d151eefd8590b89daa6ba6cb74af9275dd051026bb149a452fd84e5e57b5500"
    assert ukep.DIGESTS[STREEBOG](message).hex() == expected
    assert gostcrypto.gosthash.new("streebog256", data=bytearray(message)).hexdigest() == expected


def test_a_scan_is_attested_by_a_clerk(world, trace):
    answer = world.frozen()
    scan = lambda: ContentFile(_letter(answer), "скан.pdf")  # noqa: E731
    today = timezone.localdate()
    before = trace()
    with pytest.raises(NotAllowed):
        signature.sign_paper(answer, scan(), signed_on=today, by=world.executor)
    with pytest.raises(WrongDate):
        signature.sign_paper(answer, scan(), signed_on=today + timedelta(days=1), by=world.clerk)
    with pytest.raises(WrongDate):
        signature.sign_paper(answer, scan(), signed_on=today - timedelta(days=1), by=world.clerk)
    with pytest.raises(files.Refused):
        signature.sign_paper(answer, ContentFile(b"", "скан.pdf"), signed_on=today, by=world.clerk)
    with pytest.raises(files.Refused):
        signature.sign_paper(answer, None, signed_on=today, by=world.clerk)
    assert trace() == before
    row = signature.sign_paper(answer, scan(), signed_on=today, by=world.clerk)
    assert (row.way, row.recorded_by, row.signer) == ("paper", world.clerk, world.signer)


def test_a_signature_in_sed_has_a_number(world, trace):
    answer = world.frozen()
    before = trace()
    with pytest.raises(signature.SedNumberNeeded):
        signature.sign_sed(answer, number=" ", signed_on=timezone.localdate(), by=world.clerk)
    assert trace() == before
    row = signature.sign_sed(answer, number="01-23/45", signed_on=timezone.localdate(), by=world.clerk)
    assert row.sed_number == "01-23/45"


def test_the_right_to_sign_is_asked_on_the_day_of_signing(world, trace):
    answer = world.frozen()
    RoleAssignment.objects.filter(employee=world.signer).update(valid_to=timezone.localdate() - timedelta(days=1))
    before = trace()
    with pytest.raises(signature.UnfitSigner):
        signature.sign_sed(answer, number="1", signed_on=timezone.localdate(), by=world.clerk)
    assert trace() == before


def test_an_answer_is_signed_once(world, trace):
    answer = world.frozen()
    stale = FrozenAnswer.objects.get(pk=answer.pk)
    assert stale.appeal.status == S.SIGNING
    signature.sign_sed(answer, number="1", signed_on=timezone.localdate(), by=world.clerk)
    before = trace()
    with pytest.raises(signature.AlreadySigned):
        signature.sign_sed(stale, number="2", signed_on=timezone.localdate(), by=world.clerk2)
    assert trace() == before
    assert Signature.objects.get().sed_number == "1"


def test_a_withdrawn_answer_is_not_signed(world, trace):
    answer = world.frozen()
    stale = FrozenAnswer.objects.get(pk=answer.pk)
    assert stale.appeal.status == S.SIGNING
    signature.withdraw(answer, by=world.executor)
    before = trace()
    with pytest.raises((transitions.MoveRefused, signature.AlreadySigned)):
        signature.sign_sed(stale, number="2", signed_on=timezone.localdate(), by=world.clerk)
    assert trace() == before


def test_the_head_approves_dispatch_only_where_the_regime_allows_it(world, trace):
    statutory = world.frozen()
    before = trace()
    with pytest.raises(signature.SignatureWayRefused):
        signature.approve_by_head(statutory, by=world.signer)
    assert trace() == before
    appeal = world.approved(world.registered_email())
    answer = signature.freeze(appeal, signer=world.head, by=world.executor)
    with pytest.raises((NotAllowed, NotYours)):
        signature.approve_by_head(answer, by=world.executor)
    row = signature.approve_by_head(answer, by=world.head)
    assert (row.way, row.signer) == ("head", world.head)
    assert Regime.objects.get(code="59fz").head_may_approve_dispatch is False


# What is stored is what was frozen


def test_a_changed_file_or_list_is_noticed(world):
    answer = signature.frozen_of(world.signed())
    signature.verify_frozen(answer)
    path = files.path_of(answer.letter)
    content = path.read_bytes()
    path.chmod(0o600)
    path.write_bytes(content + b" ")
    with pytest.raises(signature.FrozenAnswerChanged):
        signature.verify_frozen(answer)
    path.write_bytes(content)
    answer.manifest["files"][0]["name"] = "другое.pdf"
    with pytest.raises(signature.FrozenAnswerChanged):
        signature.verify_frozen(answer)


def test_a_later_edit_of_names_does_not_touch_what_was_frozen(world):
    answer = world.frozen()
    before = _letter(answer)
    world.signer.post = "Другая должность"
    world.signer.save()
    drafting.draft_of(answer.appeal)
    assert _letter(FrozenAnswer.objects.get(pk=answer.pk)) == before
