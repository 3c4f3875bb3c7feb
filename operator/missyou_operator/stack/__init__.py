"""The stack as a description: from a validated spec to the graph of AWS resources that it asks for.

Pure functions, one module per concern, named like the Terraform files they replace. No I/O, no conditions on what
exists. Someone who wants a third subnet tier or a Redis edits only here.
"""

from missyou_operator.stack.build import build
from missyou_operator.stack.context import Lookups

__all__ = ["Lookups", "build"]
