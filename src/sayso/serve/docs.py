"""The API's documentation as one page without scripts, written from the schema that /openapi.json gives.

Decided here: a form to try things in is left to other tools; what can be asked, with which fields, is all told here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

_STYLE = (
    ":root{color-scheme:light dark}"
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "code{font-family:ui-monospace,monospace}table{border-collapse:collapse;width:100%;margin:.5rem 0 2rem}"
    "th,td{text-align:left;vertical-align:top;padding:.25rem .75rem .25rem 0;border-bottom:1px solid #8886}"
)


def docs_page(schema: Mapping[str, Any]) -> str:
    """The page for an OpenAPI schema."""
    title = escape(schema["info"]["title"])
    about = escape(schema["info"].get("description", "")).replace("`", "")
    parts = [f"<h1>{title}</h1><p>{about}</p><p>Schema: <a href='openapi.json'>openapi.json</a></p>"]
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            parts += _operation(schema, method.upper(), path, operation)
    head = f"<meta charset='utf-8'><meta name='viewport' content='width=device-width'><title>{title}</title>"
    page = f"<head>{head}<style>{_STYLE}</style></head><body>{''.join(parts)}</body>"
    return f"<!doctype html><html lang='en'>{page}</html>"


# ---------------------------------------------------------------- inside


def _operation(schema: Mapping[str, Any], method: str, path: str, operation: Mapping[str, Any]) -> Iterator[str]:
    yield f"<h2><code>{method} {escape(path)}</code></h2><p>{escape(operation.get('description', ''))}</p>"
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    fields = _fields(schema, body) if body else []
    if fields:
        rows = "".join(
            f"<tr><td><code>{name}</code></td><td>{kind}</td><td>{more}</td></tr>" for name, kind, more in fields
        )
        yield f"<table><tr><th>field</th><th>type</th><th>meaning</th></tr>{rows}</table>"


def _fields(schema: Mapping[str, Any], body: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    found = _resolved(schema, body)
    required = set(found.get("required", ()))
    return [
        (
            escape(name),
            escape(_kind(schema, one)),
            escape(one.get("description", "needed" if name in required else "")),
        )
        for name, one in found.get("properties", {}).items()
    ]


def _kind(schema: Mapping[str, Any], one: Mapping[str, Any]) -> str:
    if "anyOf" in one:
        return " or ".join(dict.fromkeys(_kind(schema, part) for part in one["anyOf"]))
    if "$ref" in one:
        inner = _resolved(schema, one).get("properties", {})
        return "{" + ", ".join(inner) + "}"
    if "enum" in one or "const" in one:
        return " | ".join(str(value) for value in one.get("enum", [one.get("const")]))
    if one.get("type") == "array":
        return f"list of {_kind(schema, one.get('items', {}))}"
    return str(one.get("type", "any"))


def _resolved(schema: Mapping[str, Any], one: Mapping[str, Any]) -> Mapping[str, Any]:
    name = str(one.get("$ref", "")).rpartition("/")[2]
    found: Mapping[str, Any] = schema["components"]["schemas"][name] if name else one
    return found
