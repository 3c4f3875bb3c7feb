"""The base of all models of the API: frozen, camelCase on the wire, snake_case in Python."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

#: Words with capitals of their own wherever they do not come first: `roleARN`, `multiAZ`, `databaseCPUPercent`.
_CAPITALS = {
    "api": "API",
    "arn": "ARN",
    "az": "AZ",
    "cidrs": "CIDRs",
    "cpu": "CPU",
    "gib": "GiB",
    "id": "ID",
    "url": "URL",
    "usd": "USD",
}


def wire_name(attribute: str) -> str:
    """Return the field name on the wire for a Python attribute: `storage_gib` is `storageGiB`."""
    first, *others = attribute.split("_")
    return first + "".join(_CAPITALS.get(word, word.capitalize()) for word in others)


class WireModel(BaseModel):
    """A part of `spec`. Unknown fields are rejected, so that nothing is accepted and then ignored.

    The docstring under a field is its description in the CRD, where `kubectl explain` shows it.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=wire_name,
        validate_by_name=True,
        validate_by_alias=True,
        use_attribute_docstrings=True,
        strict=True,
    )
