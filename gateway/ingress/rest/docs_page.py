"""The OpenAPI document as one page of HTML that needs no script, font or file from elsewhere.

Swagger UI and its like come from a CDN, and the bundles on PyPI are megabytes that do not read
OpenAPI 3.1; a gateway often stands where there is no internet.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Any

from litestar import Request
from litestar.openapi.plugins import OpenAPIRenderPlugin

METHODS = ("get", "post", "put", "patch", "delete")

STYLE = """
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h2 { border-top: 1px solid #8886; margin-top: 2.5rem; padding-top: 1.5rem; font-size: 1.1rem; }
h2 b { display: inline-block; min-width: 4.5rem; color: #0a7; text-transform: uppercase; }
code { font-family: ui-monospace, monospace; overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; margin: .5rem 0 1rem; }
th, td { border-bottom: 1px solid #8883; padding: .3rem .6rem; text-align: left; }
td { vertical-align: top; }
"""


class DocsPage(OpenAPIRenderPlugin):
    """Renders the document at the root of the docs path; the JSON stands beside it."""

    def __init__(self) -> None:
        super().__init__(path="/", favicon="", style=f"<style>{STYLE}</style>")

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        info = openapi_schema["info"]
        schemas = openapi_schema["components"]["schemas"]
        title = f"{escape(info['title'])} {escape(info['version'])}"
        parts = [
            "<!doctype html><html lang='en'><head><meta charset='utf-8'>",
            "<meta name='viewport' content='width=device-width, initial-scale=1'>",
            f"<title>{title}</title>{self.style}</head><body><h1>{title}</h1>",
            f"<p>{text(info['description'])}</p>",
            f"<p><a href='{self.get_openapi_json_route(request)}'>openapi.json</a></p>",
        ]
        for path, item in openapi_schema["paths"].items():
            for method in METHODS:
                if method in item:
                    parts += operation(method, path, item[method])
        for name, schema in schemas.items():
            parts += [f"<h2 id='{escape(name)}'>{escape(name)}</h2>", *described_schema(schema)]
        parts.append("</body></html>")
        return "".join(parts).encode()


def operation(method: str, path: str, described: dict[str, Any]) -> Iterable[str]:
    yield f"<h2><b>{method}</b> <code>{escape(path)}</code></h2>"
    yield f"<p>{text(described.get('summary', ''))}</p>"
    yield from table(
        "Parameter",
        (
            (parameter["name"], kind(parameter["schema"]), note(parameter))
            for parameter in described.get("parameters", ())
        ),
    )
    for media_type, content in described.get("requestBody", {}).get("content", {}).items():
        yield f"<p>Body, <code>{escape(media_type)}</code></p>"
        yield from described_schema(content["schema"])
    yield from table(
        "Answer",
        (
            (status, answer_kind(answer), text(answer.get("description", "")))
            for status, answer in described["responses"].items()
        ),
    )


def described_schema(schema: dict[str, Any]) -> Iterable[str]:
    required = schema.get("required", ())
    if "properties" in schema:
        yield from table(
            "Field",
            (
                (name, kind(field), note({**field, "required": name in required}))
                for name, field in schema["properties"].items()
            ),
        )
    else:
        yield f"<p>{kind(schema)}</p>"
    if "description" in schema:
        yield f"<p>{text(schema['description'])}</p>"


def table(heading: str, rows: Iterable[tuple[str, str, str]]) -> Iterable[str]:
    """`rows` are a name, which is escaped here, and two cells of HTML."""
    yield f"<table><tr><th>{heading}</th><th>Type</th><th></th></tr>"
    for name, type_cell, note_cell in rows:
        yield f"<tr><td><code>{escape(name)}</code></td><td>{type_cell}</td><td>{note_cell}</td>"
        yield "</tr>"
    yield "</table>"


def kind(schema: dict[str, Any]) -> str:
    """A type in a few words, with a link where it is another schema of the document."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f"<a href='#{name}'>{name}</a>"
    if alternatives := schema.get("oneOf"):
        return " or ".join(kind(alternative) for alternative in alternatives)
    if schema.get("type") == "array":
        return f"list of {kind(schema['items'])}"
    if "enum" in schema:
        return " | ".join(f"<code>{escape(str(value))}</code>" for value in schema["enum"])
    types = schema.get("type", "string")
    name = types if isinstance(types, str) else " or ".join(types)
    low, high = schema.get("minimum"), schema.get("maximum")
    limits = f" {low}..{high}" if low is not None and high is not None else ""
    return escape(f"{name}{limits}")


def answer_kind(answer: dict[str, Any]) -> str:
    return ", ".join(kind(content["schema"]) for content in answer.get("content", {}).values())


def note(described: dict[str, Any]) -> str:
    required = "<b>Required.</b> " if described.get("required") is True else ""
    return required + text(described.get("description", ""))


def text(markdown: str) -> str:
    """CommonMark as far as these descriptions use it: words, and `code`."""
    pieces = escape(markdown).split("`")
    return "".join(f"<code>{piece}</code>" if i % 2 else piece for i, piece in enumerate(pieces))
