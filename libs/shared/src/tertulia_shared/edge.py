"""Where HTTP meets a service: strict bodies, described answers, calling services. For controllers and `app` only."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, ClassVar, TypeVar, cast

import litestar
import msgspec
from litestar import Request, Response
from litestar._openapi.schema_generation import SchemaCreator
from litestar.dto import AbstractDTO
from litestar.dto.data_structures import DTOFieldDefinition
from litestar.exceptions import ValidationException
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import OpenAPIMediaType, OpenAPIResponse, OpenAPIType, Operation, Reference, Schema
from litestar.params import QueryParameter
from litestar.typing import FieldDefinition
from msgspec import UNSET, UnsetType

from tertulia_shared.problems import FieldError, MalformedBody, ValidationFailed, handle
from tertulia_shared.tokens import ServiceTokens, bearer

T = TypeVar("T")

_PLACE = re.compile(r" - at `\$(?P<path>[^`]*)`$")
_BLANK = ("Expected `str` of length >= 1", r"Expected `str` matching regex '\\S'")
_TOO_LONG = re.compile(r"Expected `str` of length <= (\d+)")

Limit = Annotated[int, QueryParameter(ge=1, le=200, description="How many at most.")]


class Body(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of all request bodies."""


class ProblemDocument(msgspec.Struct, frozen=True, kw_only=True):
    """RFC 9457. `code` is stable and for machines; `errors` points at what is wrong with the input."""

    type: str
    title: str
    status: int
    code: str
    detail: str | UnsetType = UNSET
    request_id: str | UnsetType = UNSET
    errors: list[FieldError] | UnsetType = UNSET


def answer(kind: type[Any], description: str, media_type: str = "application/json") -> ResponseSpec:
    """One more answer of an address, for the OpenAPI."""
    return ResponseSpec(kind, description=description, media_type=media_type, generate_examples=False)


@dataclass
class OrCsv(Operation):
    """`operation_class` of an address that also answers a CSV file: Litestar describes one media type for a status."""

    def __post_init__(self) -> None:
        done = cast("dict[str, OpenAPIResponse]", self.responses)["200"]
        done.content = {**(done.content or {}), "text/csv": OpenAPIMediaType(schema=Schema(type=OpenAPIType.STRING))}


PROBLEMS: dict[int, ResponseSpec] = {
    status: answer(ProblemDocument, description, "application/problem+json")
    for status, description in {
        400: "The body is not JSON.",
        401: "No valid access token, or none that is still good.",
        403: "Known, but not allowed.",
        404: "Nothing here that the caller may know of.",
        409: "Does not fit the present state.",
        413: "The body is too large.",
        422: "Some of the input is not acceptable.",
        429: "Too many requests; `Retry-After` says when to try again.",
        503: "A part of the system is away; `Retry-After` says when to try again.",
    }.items()
}
GONE = {410: answer(ProblemDocument, "It was here, and is no longer.", "application/problem+json")}

get = partial(litestar.get, responses=PROBLEMS)
post = partial(litestar.post, responses=PROBLEMS)
put = partial(litestar.put, responses=PROBLEMS)
patch = partial(litestar.patch, responses=PROBLEMS)
delete = partial(litestar.delete, responses=PROBLEMS)


class StrictJson(AbstractDTO[Any]):
    """Decodes a request's body straight into its struct, once and strictly.

    Litestar's own way decodes twice and turns `"1"` into `1`. Strings that PostgreSQL cannot hold (NUL) or that are no
    text at all (half of a surrogate pair) are told apart from malformed JSON.
    """

    _decoders: ClassVar[dict[str, msgspec.json.Decoder[Any]]] = {}

    @classmethod
    def create_for_field_definition(
        cls, field_definition: FieldDefinition, handler_id: str, backend_cls: Any = None
    ) -> None:
        cls._decoders[handler_id] = msgspec.json.Decoder(field_definition.annotation)

    @classmethod
    def create_openapi_schema(
        cls, field_definition: FieldDefinition, handler_id: str, schema_creator: SchemaCreator
    ) -> Reference | Schema:
        return schema_creator.for_field_definition(field_definition)

    @classmethod
    def generate_field_definitions(cls, model_type: type[Any]) -> Any:
        yield from cast("tuple[DTOFieldDefinition, ...]", ())

    @classmethod
    def detect_nested_field(cls, field_definition: FieldDefinition) -> bool:
        return False

    def decode_bytes(self, value: bytes) -> Any:
        handler_id = str(cast("Any", self.asgi_connection.route_handler).handler_id)
        return decode_body(self._decoders[handler_id], value)


def handle_validation(request: Request[Any, Any, Any], error: ValidationException) -> Response[bytes]:
    """An empty body never reaches `StrictJson`: Litestar then reports a missing argument of the handler."""
    extra = cast("list[dict[str, str]]", error.extra) if isinstance(error.extra, list) else []
    if any(item.get("message") == "'data'" for item in extra):
        return handle(request, MalformedBody("The body is empty."))
    return handle(request, error)


def decode_body(decoder: msgspec.json.Decoder[T], body: bytes) -> T:
    """Raises MalformedBody or ValidationFailed."""
    try:
        if b"\\u0000" in body or b"\\ud" in body or b"\\uD" in body:
            _refuse_unstorable(body)
        return decoder.decode(body)
    except RecursionError as error:
        raise ValidationFailed(errors=[FieldError(detail="Nested too deeply.", pointer="")]) from error
    except msgspec.ValidationError as error:
        raise ValidationFailed(errors=[_field_error(str(error))]) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MalformedBody(str(error)) from error


def _field_error(message: str) -> FieldError:
    """msgspec says `… - at `$.a[0].b``; clients get the JSON pointer `/a/0/b`."""
    found = _PLACE.search(message)
    path = found.group("path") if found else ""
    pointer = "".join(f"/{part}" for part in re.split(r"[.\[\]]+", path) if part)
    return FieldError(detail=_in_words(_PLACE.sub("", message)), pointer=pointer)


def _in_words(detail: str) -> str:
    """What people run into while they write; the rest is for developers and stays as msgspec says it."""
    if detail in _BLANK:
        return "The text is empty."
    too_long = _TOO_LONG.fullmatch(detail)
    return f"At most {int(too_long[1]):,} characters." if too_long else detail


def _refuse_unstorable(body: bytes) -> None:
    try:
        document = json.loads(body)
    except ValueError:
        return
    if errors := list(_unstorable(document, "")):
        raise ValidationFailed(errors=errors)


def _unstorable(value: object, pointer: str) -> list[FieldError]:
    match value:
        case str():
            if "\0" in value:
                return [FieldError(detail="Text cannot contain the NUL character.", pointer=pointer)]
            if any("\ud800" <= character <= "\udfff" for character in value):
                return [FieldError(detail="Text cannot contain half of a surrogate pair.", pointer=pointer)]
            return []
        case dict():
            members = cast("Mapping[str, object]", value).items()
            return [
                error
                for key, item in members
                for error in (*_unstorable(key, pointer), *_unstorable(item, f"{pointer}/{key}"))
            ]
        case list():
            items = enumerate(cast("list[object]", value))
            return [error for index, item in items for error in _unstorable(item, f"{pointer}/{index}")]
        case _:
            return []


def require_service(request: Request[Any, Any, Any], services: ServiceTokens) -> str:
    """The name of the calling service. Raises Unauthenticated."""
    return services.verify(bearer(request.headers))
