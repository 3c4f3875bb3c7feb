"""The standard reader: one list of a whole account, shared between stacks, and an observation of each row of ours."""

from __future__ import annotations

import abc
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from missyou_operator.aws.cloud import Reader, pages
from missyou_operator.engine.resource import Observed, Resource


@dataclass(frozen=True, slots=True)
class Listing:
    """A call that lists a type, named as boto3 names it; `name` is the key of a row's name, `arguments` narrow it."""

    service: str
    operation: str
    result: str
    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)

    def rows(self, reader: Reader, type_: str) -> list[Mapping[str, Any]]:
        """Read the list, and return the rows that bear one of the stack's names of a type."""
        client = reader.client(self.service)
        key = f"{self.service}.{self.operation}"
        rows = reader.shared(key, lambda: pages(client, self.operation, self.result, **self.arguments))
        return reader.named(type_, rows, self.name)


@dataclass(frozen=True, kw_only=True)
class Named(Resource):
    """A type whose resources their names identify.

    One that is read after the VPC is not looked for in a stack that is too new to have one.
    """

    LISTING: ClassVar[Listing]

    @classmethod
    def read(cls, reader: Reader) -> Sequence[Observed]:
        """Find the stack's resources by name in the listing."""
        return [cls._observed(reader, row) for row in cls._rows(reader)]

    @classmethod
    def _rows(cls, reader: Reader) -> Sequence[Mapping[str, Any]]:
        nothing_yet = "ec2.Vpc" in cls.READ_AFTER and reader.cannot_exist_yet()
        return () if nothing_yet else cls.LISTING.rows(reader, cls.TYPE)

    @classmethod
    @abc.abstractmethod
    def _observed(cls, reader: Reader, row: Mapping[str, Any]) -> Observed:
        """Put an observation together from a row of the listing, with further calls for what it does not show."""
