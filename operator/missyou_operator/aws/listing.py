"""The standard reader: one list of the whole account, shared between stacks, and an observation per row of ours."""

from __future__ import annotations

import abc
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from missyou_operator.aws.informer import Source
from missyou_operator.aws.reader import Reader
from missyou_operator.engine.resource import Observed, Resource


@dataclass(frozen=True, kw_only=True)
class Named(Resource):
    """A type whose resources are identified by their names.

    If it is read after the VPC, it is not read in a stack that is too new to have a VPC.
    """

    LISTING: ClassVar[Source]

    @classmethod
    def read(cls, reader: Reader) -> Sequence[Observed]:
        """Find the stack's resources by name in the listing."""
        return [cls._observed(reader, row) for row in cls._rows(reader)]

    @classmethod
    def _rows(cls, reader: Reader) -> Sequence[Mapping[str, Any]]:
        nothing_yet = "ec2.Vpc" in cls.READ_AFTER and reader.cannot_exist_yet()
        return () if nothing_yet else reader.named(cls.LISTING, cls.TYPE)

    @classmethod
    @abc.abstractmethod
    def _observed(cls, reader: Reader, row: Mapping[str, Any]) -> Observed:
        """Build an observation from a row of the listing, with further calls for what the row lacks."""
