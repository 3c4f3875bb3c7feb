"""Answers in XML, written as xmltodict does for moto, without checking each name and describing each event of a parser.

A page of a thousand rows takes half a second there, of which most went into that.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import escape, quoteattr

_DECLARATION = '<?xml version="1.0" encoding="utf-8"?>\n'


def unparse(body: Mapping[str, Any], *, full_document: bool, short_empty_elements: bool, pretty: bool = False) -> str:
    """Return what `xmltodict.unparse` does; `pretty` makes no difference."""
    del pretty
    written: list[str] = [_DECLARATION] if full_document else []
    for key, value in body.items():
        _write(written, key, value, short_empty_elements)
    return "".join(written)


def _write(written: list[str], key: str, value: Any, short: bool) -> None:
    for item in value if isinstance(value, list) else (value,):
        if isinstance(item, Mapping):
            _write_parts(written, key, item, short)
        else:
            _write_text(written, key, "", "" if item is None else _text(item), short)


def _write_parts(written: list[str], key: str, parts: Mapping[str, Any], short: bool) -> None:
    attributes = "".join(f" {name[1:]}={quoteattr(_text(each))}" for name, each in parts.items() if name[0] == "@")
    children = [(name, each) for name, each in parts.items() if name[0] not in "@#" and each != []]
    text = _text(parts.get("#text", ""))
    if not children:
        _write_text(written, key, attributes, text, short)
        return
    written.append(f"<{key}{attributes}>")
    for name, each in children:
        _write(written, name, each, short)
    written.append(f"{escape(text)}</{key}>")


def _write_text(written: list[str], key: str, attributes: str, text: str, short: bool) -> None:
    if short and not text:
        written.append(f"<{key}{attributes}/>")
    else:
        written.append(f"<{key}{attributes}>{escape(text)}</{key}>")


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.decode() if isinstance(value, bytes) else str(value)
