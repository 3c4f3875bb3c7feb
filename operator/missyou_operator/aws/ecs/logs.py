"""The end of a task's log in a form fit for a condition: short, on one line, without possible secrets. Pure.

More people read a condition than a log. So everything that looks like a credential is left out: passwords in URLs,
values after words such as `password=`, and long runs of mixed letters and digits, the form of generated passwords, keys
and tokens. In doubt, too much is left out rather than too little.

So is what would steer the reader's terminal or reorder the line: an app may have logged what a stranger sent it.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Iterable

#: Whole escape sequences (ECMA-48: CSI, and OSC up to its end), so that no "[31m" stays behind.
_SEQUENCES = re.compile(r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|(?:\x1b\]|\x9d)[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?")
#: Unicode's categories of control characters (C0, C1), and of invisible formatting, such as bidirectional overrides.
_UNSEEN = ("Cc", "Cf")
#: How many lines are shown, and how many characters of each.
LINES = 3
_WIDTH = 200
_HIDDEN = "…"
_SECRETS = (
    (re.compile(r"-----BEGIN .*", re.DOTALL), _HIDDEN),
    (re.compile(r"://\S+@"), f"://{_HIDDEN}@"),
    (
        re.compile(
            r"([\w-]*(?:password|passwd|pwd|secret|token|api[_-]?key|private[_-]?key|credential|authorization)s?"
            r"[\"']?\s*(?:[:=]|\bis\b)\s*)(?:(?:bearer|basic)\s+)?[^\s,;}]+",
            re.IGNORECASE,
        ),
        rf"\g<1>{_HIDDEN}",
    ),
    (re.compile(r"(?=[\w+=~-]*\d)(?=[\w+=~-]*[A-Za-z])[\w+=~-]{20,}"), _HIDDEN),
)


def last_lines(messages: Iterable[str], hide: Callable[[str], str] = str) -> str:
    """Return the last lines of a log, oldest first, as one line; "" if there are none.

    `hide` leaves out what is known to be secret, before a line is cut: as it was logged, and without controls, which
    may have stood in its midst.
    """
    lines = [text for message in messages if (text := _plain(hide(message)))]
    return " / ".join(_cut(_without_secrets(hide(line))) for line in lines[-LINES:])


def without_controls(text: str) -> str:
    """Return a text on one line, without control characters, escape sequences and invisible formatting."""
    spaced = " ".join(_SEQUENCES.sub("", text).split())
    return "".join(each for each in spaced if unicodedata.category(each) not in _UNSEEN)


def _plain(message: str) -> str:
    """Return a message on one line, without controls; for a line of JSON, the message in it, if any."""
    try:
        entry = json.loads(message)
    except ValueError:
        entry = None
    if isinstance(entry, dict):
        message = next((str(entry[key]) for key in ("message", "msg", "event") if entry.get(key)), message)
    return without_controls(message)


def _without_secrets(line: str) -> str:
    for pattern, replacement in _SECRETS:
        line = pattern.sub(replacement, line)
    return line


def _cut(line: str) -> str:
    return line if len(line) <= _WIDTH else line[: _WIDTH - 1] + "…"
