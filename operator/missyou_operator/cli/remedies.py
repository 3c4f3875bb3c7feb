"""The commands in the operator's messages, set apart so that they can be copied. Pure.

A message is prose with commands in it, as `kubectl describe` and Argo CD show it. What follows a program's name is
still its command: its words, options with their values, and what looks like a name; the first word of prose ends it,
and so does a stop, a comma or a bracket after a word.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

#: A program, and how many bare words its command begins with at most.
_WORDS = {"kubectl": 3, "aws": 2, "docker": 3, "missyou": 1, "dig": 4}
_START = re.compile(rf"(?<![\w/.-])(?:{'|'.join(_WORDS)}) (?=[a-z+-])")
_TOKEN = re.compile(r"""\s*((?:'[^']*'|"[^"]*"|[^\s'"])+)""")
#: What no word of prose looks like: a path, an ARN, an assignment, an ID.
_NAME = re.compile(r"[/:=@<{'\"0-9_]|[a-z0-9]-[a-z0-9]|^[A-Z]{2,}$")
_ENDS = ".,;:)"
#: Options that take no value.
_FLAGS = frozenset(
    {
        "--overwrite",
        "--force-new-deployment",
        "--skip-final-snapshot",
        "--no-delete-automated-backups",
        "--password-stdin",
        "--force-delete-without-recovery",
    }
)


def commands_in(text: str) -> tuple[str, ...]:
    """Return the commands in a message, in their order, each once."""
    return tuple(dict.fromkeys(text[start:end] for start, end in _spans(text)))


def parts_of(text: str) -> list[tuple[str, bool]]:
    """Return a message in pieces, each with whether it is a command: prose leads to the command that follows it."""
    pieces, last = list[tuple[str, bool]](), 0
    for start, end in _spans(text):
        pieces += [(_plain(text[last:start]), False), (text[start:end], True)]
        last = end
    return [piece for piece in (*pieces, (_plain(text[last:]), False)) if piece[0]]


def _plain(prose: str) -> str:
    return " ".join(prose.split()).strip(" .;,:()")


def _spans(text: str) -> Iterator[tuple[int, int]]:
    position = 0
    while (found := _START.search(text, position)) is not None:
        end = _end(text, found.start())
        yield found.start(), end
        position = max(end, found.end())


def _end(text: str, start: int) -> int:
    """Return where the command that begins at `start` ends."""
    end, words, value = start, -1, False
    for token in _TOKEN.finditer(text, start):
        word = token[1]
        bare = word.rstrip(_ENDS) or word
        if words < 0:
            words = _WORDS.get(bare, 0)
        elif word in {"&&", "|"}:
            words = -1
            continue
        elif bare in _FLAGS:
            value = False
        elif bare.startswith(("-", "+")):
            value = bare.startswith("-") and "=" not in bare
        elif value:
            value = False
        elif words > 0 or _NAME.search(bare):
            words -= 1 if words > 0 else 0
        else:
            break
        end = token.start(1) + len(bare)
        if bare != word:
            break
    return end
