"""Validation rules: one condition, written once for the API server (CEL) and once for Python, with one message.

A rule sits in the annotation of the field that it guards. The CRD generator reads its CEL, pydantic runs its Python
half, and a test compares the two against a real API server. Only the API server checks rules about a change (old value
against new): a stored object has no past.

CEL facts that shape the expressions, tried on a real API server: a parent with `default: {}` is validated before the
defaults of its children are filled in (hence `has()`), `string()` and `join()` exceed the cost budget of messages
(hence `format()`), and `cel.bind` does not exist (hence `[x].all(c, …)`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

#: The key in a schema under which the API server expects rules.
CEL_KEY = "x-kubernetes-validations"

#: Returns what is wrong with a value, as a message for people, or None.
Check = Callable[[Any], str | None]


def cel_text(text: str) -> str:
    """Quote a string for CEL."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def cel_list(items: Iterable[str | int]) -> str:
    """Return a CEL list literal."""
    return "[" + ", ".join(cel_text(i) if isinstance(i, str) else str(i) for i in items) + "]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One validation rule, to be put into `Annotated[...]`.

    `cel` must hold. Where it does not, the message is `message`, or the value of the CEL expression `message_cel`.
    `at_creation` makes `oldSelf` an optional that is empty for a new object. `path` moves the blame from the annotated
    field to one below it (`.maxStorageGiB`). The Python half is `holds` beside `message`, `check` beside `message_cel`,
    and neither for rules about a change.
    """

    cel: str
    message: str = ""
    message_cel: str = ""
    path: str = ""
    forbidden: bool = False
    at_creation: bool = False
    holds: Callable[[Any], bool] | None = field(default=None, repr=False)
    check: Check | None = field(default=None, repr=False)

    def to_crd(self) -> dict[str, Any]:
        """Return the entry of `x-kubernetes-validations`."""
        names = ("message", "messageExpression", "fieldPath", "optionalOldSelf")
        optional = zip(names, (self.message, self.message_cel, self.path, self.at_creation), strict=True)
        # Not FieldValueDuplicate: with it the API server swallows the message.
        reason = "FieldValueForbidden" if self.forbidden else "FieldValueInvalid"
        return {"rule": self.cel, **{name: value for name, value in optional if value}, "reason": reason}

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Run the Python half after the type and the bounds."""

        def validate(value: Any) -> Any:
            problem = self.check(value) if self.check else None
            if self.holds and not self.holds(value):
                problem = self.message
            if problem is not None:
                raise PydanticCustomError("rule", "{problem}", {"problem": problem, "path": self.path})
            return value

        inner = handler(source)
        return core_schema.no_info_after_validator_function(validate, inner) if self.holds or self.check else inner

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Add this rule's entry, keeping those of the annotations before it."""
        json = handler(schema)
        return json | {CEL_KEY: [*json.get(CEL_KEY, []), self.to_crd()]}


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of the listed numbers: an `enum` in the CRD, taken from a table instead of written out as a type."""

    values: tuple[int, ...]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Refuse any other number."""

        def validate(value: int) -> int:
            if value not in self.values:
                raise PydanticCustomError("enum", "{problem}", {"problem": f"must be one of {list(self.values)}"})
            return value

        return core_schema.no_info_after_validator_function(validate, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Add the values."""
        return handler(schema) | {"enum": list(self.values)}


def matches(pattern: str, message: str, *, longest: int | None = None) -> Rule:
    r"""Require that the whole string matches, and has at most `longest` characters.

    This is a rule because the schema's `pattern` shows people a regular expression instead of what to write. Write
    character classes out, since `\w` means more in Python than in RE2.
    """
    compiled = re.compile(pattern, re.ASCII)
    bound = "" if longest is None else f"self.size() <= {longest} && "
    return Rule(
        cel=f"{bound}self.matches({cel_text(f'^(?:{pattern})$')})",
        message=message,
        holds=lambda value: compiled.fullmatch(value) is not None and (longest is None or len(value) <= longest),
    )


def keys_match(pattern: str, message: str) -> Rule:
    """Require that every key of a map matches."""
    compiled = re.compile(pattern, re.ASCII)
    return Rule(
        cel=f"self.all(k, k.matches({cel_text(f'^(?:{pattern})$')}))",
        message=message,
        holds=lambda value: all(compiled.fullmatch(key) for key in value),
    )


def not_among(words: Iterable[str], message: str) -> Rule:
    """Refuse the listed (lower-case) words, in any case."""
    shown = sorted(words)
    return Rule(
        cel=f"!(self.lowerAscii() in {cel_list(shown)})",
        message=message,
        holds=lambda value: value.lower() not in shown,
    )


def no_prefix(prefixes: tuple[str, ...], message: str) -> Rule:
    """Refuse strings that start with one of the prefixes."""
    return Rule(
        cel=f"{cel_list(prefixes)}.all(p, !self.startsWith(p))",
        message=message,
        holds=lambda value: not value.startswith(prefixes),
    )


def immutable(name: Literal["cidr", "name", "scheme", "username"]) -> Rule:
    """Refuse any change of a field that always has a value (the CRD has a default for it)."""
    return Rule(
        cel="self == oldSelf",
        message_cel=f"'{name} is immutable: keep \"' + oldSelf + '\", or create another MissYouApp'",
        forbidden=True,
    )
