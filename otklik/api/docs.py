"""The description for people, drawn from the same OpenAPI; nothing is loaded from other hosts."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from typing import Any, Final

from django.conf import settings

from otklik.api import spec

_WORDS: Final = {
    "string": "строка",
    "integer": "целое число",
    "boolean": "true или false",
    "array": "список",
    "object": "объект",
    "null": "null",
}


@dataclass(frozen=True)
class Field:
    """A parameter or a field of a body or an answer."""

    name: str
    kind: str
    needed: bool
    about: str


@dataclass(frozen=True)
class Described:
    """One operation as the page shows it."""

    code: str
    method: str
    path: str
    title: str
    about: str
    tag: str
    parameters: list[Field]
    body: list[Field]
    answer: list[Field]
    refusals: list[tuple[str, str]]
    example: str


@lru_cache(maxsize=1)
def sections() -> list[tuple[str, list[Described]]]:
    """Return the operations in groups."""
    told = spec.description()
    found = [
        _described(told, path, method, one)
        for path, methods in told["paths"].items()
        for method, one in methods.items()
    ]
    return [(tag, list(group)) for tag, group in groupby(found, key=lambda one: one.tag)]


def _described(told: dict[str, Any], path: str, method: str, one: dict[str, Any]) -> Described:
    answers = one["responses"]
    good = next(answer for status, answer in answers.items() if status < "300")
    body = _schema_in(one.get("requestBody"))
    return Described(
        code=one["operationId"],
        method=method.upper(),
        path=path,
        title=one["summary"],
        about=one["description"],
        tag=one["tags"][0],
        parameters=[_field(told, p["name"], p["schema"], needed=p["required"]) for p in one["parameters"]],
        body=_fields(told, body),
        answer=_fields(told, _schema_in(good)),
        refusals=[(status, answer["description"]) for status, answer in answers.items() if status >= "400"],
        example=_curl(told, path, method, one, body),
    )


def _schema_in(part: dict[str, Any] | None) -> dict[str, Any]:
    return next((one["schema"] for one in (part or {}).get("content", {}).values()), {})


def _fields(told: dict[str, Any], schema: dict[str, Any], prefix: str = "") -> list[Field]:
    """Return the fields of an object, those of objects inside it with a dotted name."""
    whole = _whole(told, schema)
    if whole.get("type") == "array":
        return _fields(told, whole["items"], f"{prefix}[].")
    found: list[Field] = []
    for name, one in whole.get("properties", {}).items():
        found.append(_field(told, prefix + name, one, needed=name in whole.get("required", [])))
        inner = _whole(told, one)
        if inner.get("type") == "array":
            found += _fields(told, inner["items"], f"{prefix}{name}[].")
        else:
            found += _fields(told, inner, f"{prefix}{name}.") if inner.get("properties") else []
    return found


def _field(told: dict[str, Any], name: str, schema: dict[str, Any], *, needed: bool) -> Field:
    whole = _whole(told, schema)
    kind = _WORDS.get(whole.get("type", ""), "")
    if allowed := whole.get("enum"):
        kind = f"одно из: {', '.join(map(str, allowed))}"
    elif given := {"date": "дата", "date-time": "дата и время"}.get(whole.get("format", "")):
        kind = given
    return Field(name, kind, needed, schema.get("description") or "")


def _whole(told: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema itself where it is named, or may be null."""
    if "$ref" in schema:
        found: dict[str, Any] = told["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]]
        return found
    options = [one for one in schema.get("anyOf", []) if one.get("type") != "null"]
    return _whole(told, options[0]) if options else schema


def _curl(told: dict[str, Any], path: str, method: str, one: dict[str, Any], body: dict[str, Any]) -> str:
    lines = [f"curl {settings.BASE_URL}{path.replace('{pk}', '118').replace('{file}', '5')}"]
    lines.append('-H "Authorization: Bearer $OTKLIK_KEY"')
    for parameter in one["parameters"]:
        if parameter["in"] == "header":
            lines.append(f'-H "{parameter["name"]}: $(uuidgen)"')
        elif parameter["in"] == "query" and parameter["required"]:
            lines[0] += f"?{parameter['name']}=GP-2026-118"
    if body:
        lines += ["-H 'Content-Type: application/json'", f"-d '{json.dumps(_sample(told, body), ensure_ascii=False)}'"]
    return " \\\n  ".join(lines)


def _sample(told: dict[str, Any], schema: dict[str, Any]) -> Any:
    """Return an example of a body: what is needed, and what has an example of its own."""
    whole = _whole(told, schema)
    if examples := schema.get("examples") or whole.get("examples"):
        return examples[0]
    if allowed := whole.get("enum"):
        return allowed[0]
    needed = whole.get("required", [])
    if "properties" in whole:
        return {name: _sample(told, one) for name, one in whole["properties"].items() if name in needed}
    return {"integer": 118, "boolean": True}.get(whole.get("type", ""), "")
