"""Models as JSON Schema, under the names of their classes."""

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue, models_json_schema
from pydantic_core import core_schema

from filmgate.schemas import Params, PartBody, SettingsBody, ShotBody, StillBody
from openapi.answers.base import Shown
from openapi.operation import Shape
from openapi.words import WORDS

Json = dict[str, Any]
PLACE = "#/components/schemas/"
UNSAID = (Params, PartBody, StillBody, ShotBody, SettingsBody)
"""Requests in which a field that is not said is not the same as one with its default: what others
say holds. A client that was made from the document must not send what nobody said."""


class _Open(GenerateJsonSchema):
    """No titles that repeat a name; answers may get further fields one day."""

    closed = False

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        made = super().model_schema(schema)
        made.pop("title", None)
        own: type[BaseModel] = schema["cls"]
        if issubclass(own, Shown) and not self.closed:
            made.pop("additionalProperties", None)
        for field in made.get("properties", {}).values():
            if own in UNSAID or not isinstance(field.get("default"), str | int):
                field.pop("default", None)
        for name, told in WORDS.get(own.__name__, {}).items():
            made["properties"][name] = {"description": told, **made["properties"][name]}
        return made

    def enum_schema(self, schema: core_schema.EnumSchema) -> JsonSchemaValue:
        made = super().enum_schema(schema)
        made.pop("title", None)
        return made


class _Closed(_Open):
    closed = True


def schemas_of(models: Iterable[type[BaseModel]], *, closed: bool) -> Mapping[str, Json]:
    """The schemas of these models and of all that they are made of, by name.

    `closed` refuses in answers what is not described.
    """
    _, found = models_json_schema(
        [(model, "validation") for model in models],
        ref_template=f"{PLACE}{{model}}",
        schema_generator=_Closed if closed else _Open,
    )
    schemas: Mapping[str, Json] = found["$defs"]
    return dict(sorted(schemas.items()))


def schema_of(shape: Shape) -> Json:
    """Models by reference; a schema as it is."""
    match shape:
        case type():
            return {"$ref": f"{PLACE}{shape.__name__}"}
        case tuple():
            return {"anyOf": [schema_of(one) for one in shape]}
    return shape


def models_in(shape: Shape) -> tuple[type, ...]:
    """The models that a shape names."""
    match shape:
        case type():
            return (shape,)
        case tuple():
            return shape
    return ()
