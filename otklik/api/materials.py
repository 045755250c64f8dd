"""The Knowledge Base: a key reads what its owner reads, or only what everybody may."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from ninja import Path, Router
from ninja import Query as InQuery

from otklik.api import cursors
from otklik.api.documented import BODY, PROBLEMS
from otklik.api.keys import AccessKey, owner_of, token_of
from otklik.api.schemas import MOST_ID, FoundMaterials, Material, Materials, Query
from otklik.core import typed
from otklik.core.errors import DomainError
from otklik.knowledge import materials as base
from otklik.knowledge import public, trust
from otklik.knowledge.models import Mark
from otklik.knowledge.models import Material as Page
from otklik.people.models import Employee
from otklik.search.snippets import Segment

router = Router(tags=["База знаний"])
Id = Annotated[int, Path(ge=1, le=MOST_ID)]
READ, PUBLIC = "materials.read", "materials.public"


class NoPower(DomainError):
    """The key's owner does not read the Knowledge Base."""

    code = "materials.no_power"
    text = "У владельца ключа нет права «читать Базу знаний». С разрешением materials.public видны публичные материалы."
    status = 403


def _reader(request: HttpRequest) -> Employee | None:
    """Return as whom the key reads; None: as a citizen."""
    if READ not in token_of(request).scopes:
        return None
    user = owner_of(request)
    if not user.has_power("knowledge.read"):
        raise NoPower
    return user


def _readable(request: HttpRequest) -> QuerySet[Page]:
    """Return what the key reads; of what it reads as a citizen, the versions on the site come with it."""
    user = _reader(request)
    return base.for_staff(user) if user else base.for_public().select_related("public_version")


@router.get(
    "/materials", auth=AccessKey(READ, PUBLIC), response={200: Materials, **PROBLEMS}, summary="Список материалов"
)
def materials(
    request: HttpRequest,
    cursor: Annotated[str, InQuery(max_length=200)] = "",
    limit: Annotated[int, InQuery(ge=1, le=cursors.MOST)] = cursors.USUAL,
) -> dict[str, Any]:
    """Возвращает опубликованные материалы: с materials.read — все, что видит владелец ключа, иначе публичные."""
    rows: Any = base.with_place(_readable(request)).order_by("pk")
    if cursor:
        rows = rows.filter(pk__gt=cursors.row_of(*cursors.place_of(cursor, parts=1)))
    found = list(rows[: limit + 1])
    following = cursors.cursor(found[limit - 1].pk) if len(found) > limit else None
    outside = _reader(request) is None
    return {"items": [_row(one, outside=outside) for one in found[:limit]], "next": following}


@router.post(
    "/materials/search",
    auth=AccessKey(READ, PUBLIC),
    response={200: FoundMaterials, **PROBLEMS, **BODY},
    summary="Найти материалы",
)
def find_materials(request: HttpRequest, given: Query) -> dict[str, Any]:
    """Ищет среди материалов, видных по этому ключу; говорит, почему каждый найден и насколько уверен ответ."""
    results = base.search(typed.words(given.q, base.QUERY_MAX), user=_reader(request), limit=given.limit)
    return {
        "items": [
            {
                "id": one.page_id,
                "title": one.title,
                "kind": one.kind,
                "mark": one.mark,
                "section": one.section,
                "unit": one.unit,
                "published_on": one.published_on,
                "snippet": _plain(one.snippet),
                "why": list(one.why),
            }
            for one in results.found
        ],
        "confidence": results.confidence,
        "sure": results.sure,
        "read_as": results.read_as,
    }


@router.get(
    "/materials/{int:pk}",
    auth=AccessKey(READ, PUBLIC),
    response={200: Material, **PROBLEMS},
    summary="Прочитать материал",
)
def material(request: HttpRequest, pk: Id) -> dict[str, Any]:
    """Возвращает текст материала без разметки."""
    row: Any = base.with_place(_readable(request)).filter(pk=pk).first()
    if row is None:
        raise base.NoSuchMaterial
    outside = _reader(request) is None
    version = public.version_of(row)
    if outside and version is not None:
        brief, text = version.brief, version.answer
    else:
        whole: Page = row.specific
        brief, text = whole.brief(), whole.text_for_answer()
    on_site = version is not None and row.mark == Mark.PUBLIC
    checked = trust.of([row])[row.pk]
    return {
        **_row(row, outside=outside),
        "brief": brief,
        "text": text,
        "checked_on": checked.checked_on if checked.by else None,
        "url": version.address if version is not None and on_site else None,
    }


def _row(row: Any, *, outside: bool) -> dict[str, Any]:
    published_at = row.public_version.pinned_at if outside else row.last_published_at
    return {
        "id": row.pk,
        "title": row.public_version.title if outside else row.title,
        "kind": base.kind_of(row),
        "mark": row.mark,
        "section": row.of_section,
        "unit": row.of_unit,
        "published_on": timezone.localdate(published_at) if published_at else None,
    }


def _plain(snippet: Iterable[Segment]) -> str:
    return "".join(part.text for part in snippet)
