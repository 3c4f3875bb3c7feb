"""Clean foreign text for a phone's lock screen, or find it unfit."""

from __future__ import annotations

import re
import unicodedata

#: Characters. A B-tree entry must stay below 2,704 bytes (a third of a page of 8 KiB; PostgreSQL, "B-Tree Indexes").
#: The index that serves lists holds title and text, at most 4 bytes a character: (80 + 500) x 4 = 2,320, and some 60
#: for its header, five fixed columns and alignment.
TITLE_LIMIT, TEXT_LIMIT = 80, 500

_ELLIPSIS = "…"
# Joiners belong to the spelling of Hindi and Persian, and join emoji. Other format characters only hide something.
_JOINERS = "\u200c\u200d"
_SENTENCE_END = re.compile(r"[.!?…؟۔।]+[\"'”’»)]*(?=\s)|[。！？]+[」』”]*")  # noqa: RUF001 - full stops of many scripts
_FENCE = re.compile(r"\A\s*```[a-z]*\s*(.*?)\s*```\s*\Z", re.DOTALL | re.IGNORECASE)
_WRAPPINGS = (('"', '"'), ("“", "”"), ("„", "“"), ("«", "»"), ("「", "」"), ("**", "**"), ("`", "`"), ("*", "*"))

# Text that leads anywhere but back to the sender. Applied after NFKC, so that full-width letters count too.
_LINK = re.compile(
    r"""
    ://                             # any scheme
    | \b(?:mailto|tel|sms|javascript|data):\S
    | \bwww\.
    | \w@\w                         # mail addresses, and handles glued to them
    | \w\.(?=[^\W\d_]{2})           # example.com; in prose no letter follows a dot directly
    | [a-z0-9]。[a-z]{2}            # IDNA reads this full stop as a dot
    | </?[a-z!]                     # markup
    | \]\(                          # a markdown link
    """,
    re.IGNORECASE | re.VERBOSE,
)
_PHONE_NUMBER = re.compile(r"\d(?:[\s().+/·-]*\d){6}")


def one_line(text: str) -> str:
    """Return the text as one line, with single spaces and without invisible or unencodable characters."""
    visible = (
        " " if unicodedata.category(c) in {"Cc", "Zl", "Zp"} else c
        for c in text
        if c in _JOINERS or unicodedata.category(c) not in {"Cf", "Cs", "Co"}
    )
    return " ".join("".join(visible).split())


def unfenced(text: str) -> str:
    """Return the text without a markdown code fence around all of it."""
    fence = _FENCE.match(text)
    return fence[1] if fence else text


def unwrapped(text: str) -> str:
    """Return the text without quotation or emphasis marks around all of it."""
    for opening, closing in _WRAPPINGS:
        inner = text[len(opening) : -len(closing)]
        if inner and text == f"{opening}{inner}{closing}" and opening not in inner and closing not in inner:
            return inner.strip()
    return text


def leads_away(text: str) -> bool:
    """Return whether the text contains a URL, a domain, a mail address, markup, or seven digits to dial."""
    plain = unicodedata.normalize("NFKC", text).translate(dict.fromkeys(map(ord, _JOINERS)))
    return bool(_LINK.search(plain) or _PHONE_NUMBER.search(plain))


def cut(text: str, limit: int) -> str:
    """Return at most `limit` characters: whole sentences if they fill half of that, else whole words."""
    if len(text) <= limit:
        return text
    ends = [match.end() for match in _SENTENCE_END.finditer(text, 0, limit + 1) if match.end() <= limit]
    if ends and ends[-1] >= limit // 2:
        return text[: ends[-1]]
    room = limit - len(_ELLIPSIS)
    space = text.rfind(" ", 0, room + 1)
    return text[: space if space >= limit // 2 else _character_start(text, room)].rstrip() + _ELLIPSIS


def _character_start(text: str, position: int) -> int:
    """Return the last position, at or before this one, that splits neither a letter from its accents nor an emoji."""
    while position > 0 and (
        unicodedata.combining(text[position]) or text[position] in _JOINERS + "\ufe0f" or text[position - 1] == "\u200d"
    ):
        position -= 1
    return position
