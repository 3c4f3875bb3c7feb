"""Makes foreign text fit for a phone's lock screen, or finds it unfit."""

from __future__ import annotations

import re
import unicodedata

TITLE_LIMIT = 80
TEXT_LIMIT = 500

_ELLIPSIS = "…"
# Joiners are spelling in Hindi and Persian and glue inside emoji; every other format character only hides something.
_JOINERS = "\u200c\u200d"
_SENTENCE_END = re.compile(r"[.!?…؟۔।]+[\"'”’»)]*(?=\s)|[。！？]+[」』”]*")  # noqa: RUF001 - full stops of many scripts
_FENCE = re.compile(r"\A\s*```[a-z]*\s*(.*?)\s*```\s*\Z", re.DOTALL | re.IGNORECASE)
_WRAPPINGS = (('"', '"'), ("“", "”"), ("„", "“"), ("«", "»"), ("「", "」"), ("**", "**"), ("`", "`"), ("*", "*"))

# Text that leads somewhere else than back to the sender. Applied after NFKC, so that full-width letters count too.
_LINK = re.compile(
    r"""
    ://                             # any scheme
    | \b(?:mailto|tel|sms|javascript|data):\S
    | \bwww\.
    | \w@\w                         # mail addresses, and handles glued to them
    | \w\.(?=[^\W\d_]{2})           # example.com; letters right after a dot are not prose
    | [a-z0-9]。[a-z]{2}            # IDNA reads this full stop as a dot
    | </?[a-z!]                     # markup
    | \]\(                          # a markdown link
    """,
    re.IGNORECASE | re.VERBOSE,
)
_PHONE_NUMBER = re.compile(r"\d(?:[\s().+/·-]*\d){6}")


def one_line(text: str) -> str:
    """Return the text as one paragraph: white space as single spaces, and nothing invisible or unencodable."""
    visible = (
        " " if unicodedata.category(c) in {"Cc", "Zl", "Zp"} else c
        for c in text
        if c in _JOINERS or unicodedata.category(c) not in {"Cf", "Cs", "Co"}
    )
    return " ".join("".join(visible).split())


def unfenced(text: str) -> str:
    """Return what a markdown code fence around the whole text encloses, or the text."""
    fence = _FENCE.match(text)
    return fence[1] if fence else text


def unwrapped(text: str) -> str:
    """Return the text without quotation or emphasis marks that enclose all of it."""
    for opening, closing in _WRAPPINGS:
        inner = text[len(opening) : -len(closing)]
        if inner and text == f"{opening}{inner}{closing}" and opening not in inner and closing not in inner:
            return inner.strip()
    return text


def leads_away(text: str) -> bool:
    """Tell whether the text holds a URL, a domain, a mail address, markup, or seven digits that may be dialled."""
    plain = unicodedata.normalize("NFKC", text).translate(dict.fromkeys(map(ord, _JOINERS)))
    return bool(_LINK.search(plain) or _PHONE_NUMBER.search(plain))


def cut(text: str, limit: int) -> str:
    """Return at most `limit` characters of the text: whole sentences if they fill half of it, else whole words."""
    if len(text) <= limit:
        return text
    ends = [match.end() for match in _SENTENCE_END.finditer(text, 0, limit + 1) if match.end() <= limit]
    if ends and ends[-1] >= limit // 2:
        return text[: ends[-1]]
    room = limit - len(_ELLIPSIS)
    space = text.rfind(" ", 0, room + 1)
    return text[: space if space >= limit // 2 else _character_start(text, room)].rstrip() + _ELLIPSIS


def _character_start(text: str, position: int) -> int:
    """Return the last place at or before the position that does not part a letter from its accents or an emoji."""
    while position > 0 and (
        unicodedata.combining(text[position]) or text[position] in _JOINERS + "\ufe0f" or text[position - 1] == "\u200d"
    ):
        position -= 1
    return position
