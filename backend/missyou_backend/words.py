"""The words of a "miss you": what a writer takes and returns, and the writer that fills in templates."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Literal, Protocol

from missyou_backend.words_check import TEXT_LIMIT, TITLE_LIMIT, cut, one_line
from missyou_backend.words_templates import DEFAULT_LANGUAGE, TEMPLATES


@dataclass(frozen=True, slots=True)
class Occasion:
    """Who misses whom, in which mood and language. Users typed all four.

    `language` is a BCP 47 tag ("pt-BR") or a language's name ("German", "deutsch").
    """

    source: str
    target: str
    mood: str | None
    language: str | None


@dataclass(frozen=True, slots=True)
class Words:
    """One message, ready to show: a title of 1 to 80 characters and a text of 1 to 500, each a single line."""

    title: str
    text: str
    written_by: Literal["ai", "template"]


class Writer(Protocol):
    """Finds words within about six seconds, and never raises."""

    def write(self, occasion: Occasion) -> Words:
        """Return words for an occasion."""
        ...


class TemplateWriter:
    """Writes without a network. The same occasion always gets the same words."""

    def write(self, occasion: Occasion) -> Words:
        """Return words in the occasion's language, or in English if it has no template."""
        template = TEMPLATES[_language_code(occasion.language)]
        variety = "\0".join((occasion.source, occasion.target, occasion.mood or ""))
        # Not hash(), which differs between processes. surrogatepass: no text may raise here.
        number = zlib.crc32(variety.encode("utf-8", "surrogatepass"))
        title = template.title.format(source=one_line(occasion.source))
        return Words(cut(title, TITLE_LIMIT), cut(template.texts[number % len(template.texts)], TEXT_LIMIT), "template")


def _language_code(language: str | None) -> str:
    """Return the key of `TEMPLATES` for a tag's primary subtag (RFC 5646, section 2.2.1) or a language's name."""
    wanted = (language or DEFAULT_LANGUAGE).strip().lower()
    primary = wanted.replace("_", "-").split("-", 1)[0]
    if primary in TEMPLATES:
        return primary
    return next((code for code, template in TEMPLATES.items() if wanted in template.names), DEFAULT_LANGUAGE)
