"""The documentation page: plain HTML made from the merged document. No script, nothing from elsewhere."""

from collections import defaultdict
from html import escape
from pathlib import Path
from typing import Any

Document = dict[str, Any]

STYLE = (Path(__file__).parent / "style.css").read_bytes()
_DEPTH = 6


def render_page(document: Document) -> str:
    by_tag: dict[str, list[tuple[str, str, Document]]] = defaultdict(list)
    for path, item in document["paths"].items():
        for method, operation in item.items():
            by_tag[_tag_of(path, operation)].append((path, method, operation))
    schemas: Document = document.get("components", {}).get("schemas", {})
    info = document["info"]
    menu = "".join(
        f"<h2>{escape(tag)}</h2><ul>{''.join(_menu_item(path, method) for path, method, _ in operations)}</ul>"
        for tag, operations in sorted(by_tag.items())
    )
    rooms = "".join(
        f"<section><h2>{escape(tag)}</h2>"
        + "".join(_operation(path, method, operation, schemas) for path, method, operation in operations)
        + "</section>"
        for tag, operations in sorted(by_tag.items())
    )
    shapes = "".join(
        f'<details id="{_shape_id(name)}" class="shape"><summary><code>{escape(name)}</code></summary>'
        f"{_described(schema)}{_schema(schema, schemas)}</details>"
        for name, schema in sorted(schemas.items())
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(info['title'])} API</title>"
        '<link rel="stylesheet" href="/api/docs/style.css"></head><body>'
        f'<nav aria-label="Operations"><p class="name">{escape(info["title"])} API</p>{menu}'
        '<h2>shapes</h2><ul><li><a href="#shapes">All shapes</a></li></ul></nav>'
        f"<main><h1>{escape(info['title'])} API</h1><p>{_text(info.get('description', ''))}</p>"
        '<p>The same as data: <a href="/api/openapi.json">openapi.json</a>.</p>'
        f'{rooms}<section id="shapes"><h2>Shapes</h2>{shapes}</section></main></body></html>'
    )


def _tag_of(path: str, operation: Document) -> str:
    tags = operation.get("tags")
    if tags:
        return str(tags[0]).lower()
    parts = [part for part in path.split("/") if part]
    return parts[2] if len(parts) > 2 else parts[-1]


def _operation_id(path: str, method: str) -> str:
    return escape(method + path.replace("/", "-").replace("{", "").replace("}", "").replace(":", "-"))


def _shape_id(name: str) -> str:
    return "shape-" + escape(name)


def _menu_item(path: str, method: str) -> str:
    label = path.removeprefix("/api/v1")
    verb = f'<b class="{method}">{method.upper()}</b>'
    return f'<li><a href="#{_operation_id(path, method)}">{verb} {escape(label)}</a></li>'


def _operation(path: str, method: str, operation: Document, schemas: Document) -> str:
    parts = [
        f'<article id="{_operation_id(path, method)}"><h3><b class="{method}">{method.upper()}</b> '
        f"<code>{escape(path)}</code></h3><p>{_text(operation.get('summary') or '')}</p>"
    ]
    if operation.get("description"):
        parts.append(f"<p>{_text(operation['description'])}</p>")
    if operation.get("security") == []:
        parts.append('<p class="note">No access token needed.</p>')
    parameters = operation.get("parameters") or []
    if parameters:
        rows = "".join(_parameter(parameter, schemas) for parameter in parameters)
        parts.append(f"<h4>Parameters</h4><table>{rows}</table>")
    for media, content in (operation.get("requestBody") or {}).get("content", {}).items():
        parts.append(f"<h4>Body <small>{escape(media)}</small></h4>{_schema(content.get('schema') or {}, schemas)}")
    for status, response in sorted((operation.get("responses") or {}).items()):
        parts.append(_response(status, response, schemas))
    return "".join(parts) + "</article>"


def _parameter(parameter: Document, schemas: Document) -> str:
    need = "required" if parameter.get("required") else "optional"
    return (
        f"<tr><td><code>{escape(parameter['name'])}</code><br><small>{escape(parameter['in'])}, {need}</small></td>"
        f"<td>{_type(parameter.get('schema') or {}, schemas)}{_described(parameter)}</td></tr>"
    )


def _response(status: str, response: Document, schemas: Document) -> str:
    body = "".join(
        f"<small>{escape(media)}</small>{_schema(content.get('schema') or {}, schemas)}"
        for media, content in (response.get("content") or {}).items()
    )
    title = f"<b>{escape(status)}</b> {_text(response.get('description') or '')}"
    return f"<details><summary>{title}</summary>{body}</details>" if body else f'<p class="answer">{title}</p>'


def _schema(schema: Document, schemas: Document, depth: int = 0) -> str:
    """A table of an object's fields; for everything else one line."""
    properties = schema.get("properties")
    if not properties or depth > _DEPTH:
        return f"<p>{_type(schema, schemas)}</p>"
    required = set(schema.get("required") or ())
    rows = "".join(
        f"<tr><td><code>{escape(name)}</code>{'' if name in required else '<br><small>optional</small>'}</td>"
        f"<td>{_type(field, schemas)}{_described(field)}"
        f"{_schema(field, schemas, depth + 1) if field.get('properties') else ''}</td></tr>"
        for name, field in properties.items()
    )
    return f"<table>{rows}</table>"


def _type(schema: Document, schemas: Document) -> str:
    reference = schema.get("$ref")
    if reference:
        name = str(reference).rpartition("/")[2]
        return f'<a href="#{_shape_id(name)}">{escape(name)}</a>' if name in schemas else escape(name)
    for union in ("oneOf", "anyOf"):
        if schema.get(union):
            return " or ".join(_type(part, schemas) for part in schema[union])
    if "enum" in schema:
        return " or ".join(f"<code>{escape(str(value))}</code>" for value in schema["enum"])
    if "const" in schema:
        return f"<code>{escape(str(schema['const']))}</code>"
    kind = schema.get("type", "anything")
    if isinstance(kind, list):
        return " or ".join(escape(str(each)) for each in kind)
    if kind == "array":
        return f"list of {_type(schema.get('items') or {}, schemas)}"
    return escape(str(kind)) + _limits(schema)


def _limits(schema: Document) -> str:
    names = ("format", "minLength", "maxLength", "minimum", "maximum", "pattern")
    told = [f"{name} {schema[name]}" for name in names if name in schema]
    return f" <small>({escape(', '.join(told))})</small>" if told else ""


def _described(schema: Document) -> str:
    return f"<p>{_text(schema['description'])}</p>" if schema.get("description") else ""


def _text(markdown: str) -> str:
    """Escaped text in which `code` keeps its meaning."""
    pieces = escape(markdown).split("`")
    return "".join(f"<code>{piece}</code>" if index % 2 else piece for index, piece in enumerate(pieces))
