"""The description of the paths as a page that loads nothing."""

from collections.abc import Mapping
from html import escape
from typing import Any

_STYLE = "body{font-family:sans-serif;max-width:50rem;margin:2rem auto}td{padding:.1rem .8rem 0 0}"


def describe(openapi: Mapping[str, Any]) -> str:
    """Return the page.

    Args:
        openapi: the description of the paths, as OpenAPI.
    """
    info = openapi["info"]
    sections = "".join(
        _section(method, path, operation)
        for path, operations in openapi["paths"].items()
        for method, operation in operations.items()
    )
    return (
        f"<!doctype html><html lang='en'><meta charset='utf-8'><title>{escape(info['title'])}</title>"
        f"<style>{_STYLE}</style><h1>{escape(info['title'])} {escape(info['version'])}</h1>"
        f"<p>{escape(info['description'])}</p><p>For programs: <a href='/openapi.json'>openapi.json</a>.</p>"
        f"{sections}</html>"
    )


def _section(method: str, path: str, operation: Mapping[str, Any]) -> str:
    rows = [
        (f"?{each['name']}=", each.get("description", ""))
        for each in operation.get("parameters", ())
        if each["in"] == "query"
    ]
    if body := operation.get("requestBody"):
        rows.append(("body", f"{body['description']} {', '.join(body['content'])}"))
    rows += [(status, each["description"]) for status, each in operation["responses"].items()]
    cells = "".join(f"<tr><td><code>{escape(a)}</code><td>{escape(b)}" for a, b in rows)
    text = escape(operation.get("description", ""))
    return f"<h2><code>{method.upper()} {escape(path)}</code></h2><p>{text}</p><table>{cells}</table>"
