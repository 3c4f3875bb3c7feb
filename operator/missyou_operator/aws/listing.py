"""The standard reader: one list of the whole account, shared between stacks, and an observation per row of ours."""

from __future__ import annotations

import abc
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from missyou_operator.aws.cloud import Reader, pages
from missyou_operator.engine.resource import Observed, Resource


@dataclass(frozen=True, slots=True)
class Listing:
    """A call that lists a type, by its boto3 name. `name` is the key of a row's name; `arguments` narrow the list."""

    service: str
    operation: str
    result: str
    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)

    def rows(self, reader: Reader, type_: str) -> list[Mapping[str, Any]]:
        """Read the list and return the rows with one of the stack's names of a type."""
        client = reader.client(self.service)
        key = f"{self.service}.{self.operation}"
        rows = reader.shared(key, lambda: pages(client, self.operation, self.result, **self.arguments))
        return reader.named(type_, rows, self.name)


@dataclass(frozen=True, kw_only=True)
class Named(Resource):
    """A type whose resources are identified by their names.

    If it is read after the VPC, it is not read in a stack that is too new to have a VPC.
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
        """Build an observation from a row of the listing, with further calls for what the row lacks."""
