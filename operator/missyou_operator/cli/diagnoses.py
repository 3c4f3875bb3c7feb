"""Renders what `missyou doctor` found: for people in a few lines, for programs as JSON. Pure."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from missyou_operator.api.reasons import explanation
from missyou_operator.aws.evidence import Fact
from missyou_operator.cli.findings import Finding, Severity
from missyou_operator.cli.remedies import parts_of
from missyou_operator.cli.render import Style

_MARKS = {Severity.BROKEN: ("✖", "31"), Severity.WAITING: ("…", "33"), Severity.WARNING: ("!", "33")}
_WIDTH, _INDENT = 100, "  "
#: Columns of the source of a fact, and of its time.
_SOURCE, _TIME = 8, 10


def lines(body: Mapping[str, Any], findings: Sequence[Finding], unasked: str, style: Style) -> list[str]:
    """Return the page: one line for a healthy app."""
    meta, status = body["metadata"], body.get("status") or {}
    name = f"{meta['namespace']}/{meta['name']}"
    if not findings:
        parts = [f"{status['tasks']} tasks run" if status.get("tasks") else "", str(status.get("url") or "")]
        told = [style.paint(f"✔ {name} is healthy: {', '.join(filter(None, parts))}".rstrip(": "), "32")]
        return [*told, *_unasked(unasked, style)]
    broken = [each for each in findings if each.severity is Severity.BROKEN]
    if broken:
        summary = f"{name} needs you: {', '.join(_words(broken))}"
    elif any(each.severity is Severity.WAITING for each in findings):
        summary = f"{name} is not ready yet, and nothing is known to be wrong"
    else:
        summary = f"{name} works, and you should know"
    shown = [line for finding in findings for line in _of(finding, style)]
    return [style.paint(summary, "1"), *shown, *_unasked(unasked, style)]


def as_json(body: Mapping[str, Any], findings: Sequence[Finding], unasked: str) -> dict[str, Any]:
    """Return the same for programs. `aws` says whether AWS was asked, and why not."""
    meta = body["metadata"]
    return {
        "namespace": meta["namespace"],
        "name": meta["name"],
        "healthy": not findings,
        "aws": {"asked": not unasked, **({"why": unasked} if unasked else {})},
        "findings": [
            {
                "component": finding.component,
                "reason": finding.reason,
                "severity": finding.severity.value,
                "message": finding.message,
                "commands": list(finding.commands),
                "evidence": [
                    {"source": fact.source, "text": fact.text, **({"at": f"{fact.at:%FT%TZ}"} if fact.at else {})}
                    for fact in finding.evidence
                ],
            }
            for finding in findings
        ],
    }


def _words(findings: Sequence[Finding]) -> list[str]:
    return list(dict.fromkeys(f"{each.component} {each.reason}" for each in findings))


def _of(finding: Finding, style: Style) -> Iterator[str]:
    mark, colour = _MARKS[finding.severity]
    yield ""
    yield style.paint(f"{mark} {finding.component} · {finding.reason}", colour)
    for text, is_command in parts_of(finding.message):
        if is_command:
            # Never broken: it is there to be copied.
            yield f"{_INDENT}{_INDENT}{style.paint(f'$ {text}', '1')}"
        else:
            yield from textwrap.wrap(text, style.width or _WIDTH, initial_indent=_INDENT, subsequent_indent=_INDENT)
    if not finding.commands and (row := explanation(finding.reason)) is not None:
        yield from textwrap.wrap(
            row.remedy, style.width or _WIDTH, initial_indent=f"{_INDENT}→ ", subsequent_indent=f"{_INDENT}  "
        )
    for fact in finding.evidence:
        yield style.paint(style.cut(_fact(fact)), "2")


def _fact(fact: Fact) -> str:
    at = f"{fact.at:%H:%M:%S}" if fact.at else ""
    return f"{_INDENT}{_INDENT}{fact.source:<{_SOURCE}}{at:<{_TIME}}{fact.text}"


def _unasked(unasked: str, style: Style) -> list[str]:
    if not unasked:
        return []
    return ["", style.paint(f"AWS was not asked ({unasked}): this is what the operator last wrote.", "2")]
