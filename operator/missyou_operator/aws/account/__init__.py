"""What an account allows and has: read before a new stack is created. See `missyou_operator.preflight`."""

from missyou_operator.aws.account.facts import Facts
from missyou_operator.aws.account.reading import PERMISSIONS, read_facts
from missyou_operator.aws.account.wanted import Wanted

__all__ = ["PERMISSIONS", "Facts", "Wanted", "read_facts"]
