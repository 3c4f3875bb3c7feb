"""`missyou`: the command line for machines with or without kubectl.

It only reads. `progress` reads the status of an object, `render` turns it into lines of text (both pure), `cluster`
talks to the API server, `watch` follows one object, and `entry` is the parser.
"""

from missyou_operator.cli.entry import main, script

__all__ = ["main", "script"]
