"""What a stack costs a month: a pure function of its spec, a table of prices and assumptions about its use.

Knows no AWS call, no Kubernetes, and nothing of how a stack is built.
"""

from missyou_operator.cost.estimate import Estimate, Line, at_most, estimate
from missyou_operator.cost.table import BadTable, Price, PriceTable, bundled, read_table
from missyou_operator.cost.usage import Usage

__all__ = [
    "BadTable",
    "Estimate",
    "Line",
    "Price",
    "PriceTable",
    "Usage",
    "at_most",
    "bundled",
    "estimate",
    "read_table",
]
