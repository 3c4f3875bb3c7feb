"""Draw docs/dashboard.svg: the dashboard of a default production stack, with made-up data.

Layout, titles, series, colors, axes and alarm lines come from the body that the operator writes. The numbers are an
example in which the database is too busy. The output is plain SVG, the same on every run.

python tools/draw_dashboard.py > docs/dashboard.svg
"""

from __future__ import annotations

import math
import random
import sys
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from missyou_operator.api import parse
from missyou_operator.aws.identity import StackIdentity
from missyou_operator.engine.values import substitute
from missyou_operator.stack import Lookups, build

#: Pixels: a column and a row of CloudWatch's grid, and the gap between widgets.
_COLUMN, _ROW, _GAP = 54, 34, 6
_POINTS = 72
#: The fraction of the three hours before the example's trouble begins.
_TROUBLE = 0.72
_FIRING = ("rds-cpu", "alb-5xx")
_FONT = 'font-family="Helvetica, Arial, sans-serif" font-size="11"'
_GREEN, _RED, _GREY, _INK = "#2ca02c", "#d62728", "#687078", "#16191f"
#: (title, label) → value before the trouble, value in it, and noise as a fraction of either.
_EXAMPLE: Mapping[tuple[str, str], tuple[float, float, float]] = {
    ("Requests a minute", "2xx"): (420, 330, 0.08),
    ("Requests a minute", "3xx"): (20, 20, 0.3),
    ("Requests a minute", "4xx"): (14, 15, 0.4),
    ("Requests a minute", "5xx"): (0, 62, 0.25),
    ("Requests a minute", "5xx, no task"): (0, 9, 0.5),
    ("Failing requests, %", "requests that end in a 5xx"): (0.2, 16, 0.2),
    ("Answer time, seconds", "p50"): (0.05, 0.6, 0.1),
    ("Answer time, seconds", "p90"): (0.11, 1.9, 0.12),
    ("Answer time, seconds", "p99"): (0.24, 3.1, 0.15),
    ("Tasks that can answer", "healthy"): (2, 3, 0),
    ("Tasks that can answer", "unhealthy"): (0, 0, 0),
    ("CPU of the tasks, %", "average"): (34, 22, 0.08),
    ("CPU of the tasks, %", "highest"): (47, 35, 0.1),
    ("Memory of the tasks, %", "average"): (41, 56, 0.02),
    ("Memory of the tasks, %", "highest"): (44, 63, 0.02),
    ("Tasks", "running"): (2, 3, 0),
    ("CPU of the database, %", "average"): (23, 96, 0.06),
    ("Connections", "highest"): (14, 41, 0.08),
    ("Free memory, bytes", "lowest"): (310e6, 150e6, 0.02),
    ("Free storage, bytes", "lowest"): (14.2e9, 14.1e9, 0.001),
}


def default_body() -> Mapping[str, Any]:
    """Return the body that the operator writes for the smallest MissYouApp, with names such as AWS chooses."""
    stack = StackIdentity("missyou", "default/missyou", "uid", "123456789012", "eu-central-1", "app-uid")
    app = parse({"metadata": {"name": "missyou", "namespace": "default"}, "spec": {}}, stack.region)
    graph = build(app, stack, Lookups(("eu-central-1a", "eu-central-1b")))
    [board] = [resource for resource in graph if resource.TYPE == "cloudwatch.Dashboard"]
    known = {ref: f"{ref.address.partition('/')[2]}/50dc6c495c0c9188" for ref in board.refs()}
    body: Mapping[str, Any] = substitute(vars(board)["body"], known)
    return body


def draw(body: Mapping[str, Any]) -> str:
    """Return the dashboard as SVG."""
    widgets = body["widgets"]
    width = 24 * _COLUMN + _GAP
    height = max(widget["y"] + widget["height"] for widget in widgets) * _ROW + _GAP
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" {_FONT} fill="{_INK}">',
        f'<rect width="{width}" height="{height}" fill="#f2f3f3"/>',
    ]
    for widget in widgets:
        x, y = widget["x"] * _COLUMN + _GAP, widget["y"] * _ROW + _GAP
        size = widget["width"] * _COLUMN - _GAP, widget["height"] * _ROW - _GAP
        inside = _DRAWN[widget["type"]](widget["properties"], *size)
        parts += [
            f'<g transform="translate({x} {y})">',
            f'<rect width="{size[0]}" height="{size[1]}" rx="3" fill="#fff" stroke="#d5dbdb"/>',
            *inside,
            "</g>",
        ]
    return "\n".join([*parts, "</svg>", ""])


def _text_at(x: float, y: float, text: str, **style: str) -> str:
    attributes = "".join(f' {key.replace("_", "-")}="{value}"' for key, value in style.items())
    return f'<text x="{x:g}" y="{y:g}"{attributes}>{escape(text)}</text>'


def _heading(properties: Mapping[str, Any], width: float, height: float) -> Iterator[str]:
    title, _, rest = properties["markdown"].partition("\n")
    yield _text_at(12, 26, title.lstrip("# "), font_size="17", font_weight="bold")
    first, *links = rest.replace("`", "").replace("[", "").split("](")
    plain = first + "".join(part.partition(")")[2] for part in links)
    yield _text_at(12, height - 14, plain, fill=_GREY)
    yield _text_at(width - 12, 24, "an example with made-up data", text_anchor="end", fill=_GREY, font_style="italic")


def _alarms(properties: Mapping[str, Any], width: float, height: float) -> Iterator[str]:
    yield _text_at(10, 17, properties["title"], font_weight="bold")
    each = (width - 10) / len(properties["alarms"])
    for number, arn in enumerate(properties["alarms"]):
        name = arn.rpartition(":")[2]
        fires = name.endswith(_FIRING)
        color, x = (_RED if fires else _GREEN), 10 + number * each
        size = f'x="{x:g}" y="26" height="{height - 36:g}"'
        yield f'<rect {size} width="{each - 8:g}" rx="2" fill="#fff" stroke="{color}"/>'
        yield f'<rect {size} width="5" fill="{color}"/>'
        yield _text_at(x + 12, 45, name, font_size="10.5")
        yield _text_at(x + 13, 63, "In alarm" if fires else "OK", fill=color, font_weight="bold")


def _graph(properties: Mapping[str, Any], width: float, height: float) -> Iterator[str]:
    title, lines = properties["title"], properties.get("annotations", {}).get("horizontal", ())
    options = [metric[-1] if isinstance(metric[-1], Mapping) else {} for metric in properties["metrics"]]
    shown = [option for option in options if option.get("visible", True)]
    series = [_example(title, option["label"]) for option in shown]
    if properties["stacked"]:
        series = [[sum(column) for column in zip(*series[: n + 1], strict=True)] for n in range(len(series))]
    axis = properties["yAxis"]["left"]
    highest = max([*map(max, series), *(line["value"] for line in lines)])
    top = axis.get("max") or _round_up(highest * 1.08 or 1)
    left, right, upper, lower = 46, width - 10, 28, height - 38

    def y_of(value: float) -> float:
        return round(lower - (lower - upper) * min(value, top) / top, 1)

    yield _text_at(10, 17, title, font_weight="bold")
    for share in (0, 0.5, 1):
        y = y_of(top * share)
        yield f'<line x1="{left}" x2="{right:g}" y1="{y:g}" y2="{y:g}" stroke="#eaeded"/>'
        yield _text_at(left - 5, y + 4, _short(top * share), text_anchor="end", fill=_GREY, font_size="10")
    step = (right - left) / (_POINTS - 1)
    below = [0.0] * _POINTS
    for option, values in zip(shown, series, strict=True):
        path = " ".join(f"{left + n * step:.1f},{y_of(value):g}" for n, value in enumerate(values))
        if properties["stacked"]:
            back = " ".join(f"{left + n * step:.1f},{y_of(below[n]):g}" for n in reversed(range(_POINTS)))
            yield f'<polygon points="{path} {back}" fill="{option["color"]}" fill-opacity="0.45"/>'
            below = values
        yield f'<polyline points="{path}" fill="none" stroke="{option["color"]}" stroke-width="1.5"/>'
    for line in lines:
        y, color = y_of(line["value"]), line["color"]
        yield f'<line x1="{left}" x2="{right:g}" y1="{y:g}" y2="{y:g}" stroke="{color}" stroke-dasharray="5 3"/>'
        yield _text_at(left + 4, y - 3 if y > upper + 9 else y + 11, line["label"], fill=color, font_size="10")
    yield from _legend(shown, height)


def _legend(shown: Sequence[Mapping[str, Any]], height: float) -> Iterator[str]:
    x = 46.0
    for option in shown:
        yield f'<rect x="{x:g}" y="{height - 19:g}" width="9" height="9" fill="{option["color"]}"/>'
        yield _text_at(x + 13, height - 11, option["label"], font_size="10", fill=_GREY)
        x += 24 + 5.2 * len(option["label"])


def _example(title: str, label: str) -> list[float]:
    before, after, noise = _EXAMPLE[title, label]
    drawn = random.Random(f"{title}/{label}")  # noqa: S311 - the same picture each time
    values = []
    for number in range(_POINTS):
        # The transition takes some minutes.
        share = min(1.0, max(0.0, (number / _POINTS - _TROUBLE) / 0.06))
        level = before + (after - before) * (round(share) if noise == 0 else share)
        values.append(max(0.0, level * (1 + noise * drawn.uniform(-1, 1))))
    return values


def _round_up(value: float) -> float:
    """Return the next number at which an axis may end."""
    unit = 10.0 ** math.floor(math.log10(value))
    return next(unit * step for step in (1, 1.5, 2, 3, 4, 5, 6, 8, 10) if unit * step >= value)


def _short(value: float) -> str:
    for unit, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= unit:
            return f"{value / unit:g}{letter}"
    return f"{value:g}"


_DRAWN = {"text": _heading, "alarm": _alarms, "metric": _graph}


if __name__ == "__main__":
    sys.stdout.write(draw(default_body()))
