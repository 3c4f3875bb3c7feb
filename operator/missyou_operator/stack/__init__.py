"""The stack as a description: from a validated spec to the graph of AWS resources that it asks for.

Pure functions, one module per concern, named like the Terraform files they replace. No I/O, no conditions on what
exists. `naming` says what everything is called, `lookups` what must be read before a stack can be built. A third subnet
tier or another alarm is an edit in here only.
"""

from missyou_operator.stack.build import build
from missyou_operator.stack.context import Lookups

__all__ = ["Lookups", "build"]
