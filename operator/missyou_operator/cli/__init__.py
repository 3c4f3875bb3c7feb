"""`missyou`: the command line for machines with or without kubectl.

Reads only. `progress` judges an object, `render` turns judgements and tables into lines (both pure), `cluster` talks
to the API server, `watch` follows one object, and `entry` is the parser.
"""

from missyou_operator.cli.entry import main, script

__all__ = ["main", "script"]
