"""docs/dashboard.svg: a drawing of the dashboard's panels, out of files/dashboard.json and made-up figures. It is no screenshot.

Grafana itself can't be had from the registries that this project builds from. Places, titles, units and names of the lines are
the dashboard's; the figures are an hour that this file makes up, the same each time: a release with two pods, in the middle of
which a worker dies.
"""

import json
import math
import re
from html import escape
from typing import Any

from ci.cluster.paths import CHART, REPOSITORY

PAGE = REPOSITORY / "docs" / "dashboard.svg"
COLUMN, ROW, GAP, TOP = 40, 24, 8, 44  # pixels of a column and a row of Grafana's grid, between panels, of the title
POINTS = 60  # one a minute
DIED = 34  # the minute in which the worker dies
COLOURS = ("#2f7d4f", "#d9622a", "#2f3e9e", "#8a5a00")
LABELS = {"model_name": ("bert",), "pod": ("demo-predictor-7d9c",), "WorkerName": ("W-9000-bert_1.0",)}


def _calls(minute: int) -> float:
    return 18 + 6 * math.sin(minute / 9) + math.sin(minute * 1.7)


def _broken(minute: int) -> float:
    """How much of the trouble is left, 0 to 1."""
    return math.exp(-(minute - DIED) / 3) if minute >= DIED else 0.0


# Title of a panel -> for each of its targets the figure of a minute.
FIGURES: dict[str, list[Any]] = {
    "Ready pods": [lambda _: 2],
    "Predict calls": [_calls],
    "Answers by status, probes' calls included": [
        lambda minute: _calls(minute) + 0.4 - 2 * _broken(minute),
        lambda minute: 0.3 + 0.2 * math.sin(minute),
        lambda minute: 2 * _broken(minute)],
    "5xx in percent of the predict calls": [lambda minute: 200 * _broken(minute) / _calls(minute)],
    "Time in the queue, mean": [lambda minute: 2 + math.sin(minute / 5) + 60 * _broken(minute)],
    "Time for an answer, mean, queue included": [lambda minute: 21 + 2 * math.sin(minute / 5) + 70 * _broken(minute)],
    "Workers started again in 15 minutes": [lambda minute: 1 if DIED <= minute < DIED + 15 else 0],
    "Time a worker took to load its model": [lambda minute: 1840 if minute < DIED else 1910],
    "Failed seeding Jobs": [lambda _: 0],
}


def panels() -> list[dict[str, Any]]:
    """The dashboard's panels as they are in the chart."""
    return json.loads((CHART / "files" / "dashboard.json").read_text())["panels"]


def page() -> str:
    """The drawing."""
    found = panels()
    width = max(panel["gridPos"]["x"] + panel["gridPos"]["w"] for panel in found) * COLUMN + GAP
    height = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in found) * ROW + TOP + GAP
    note = "drawn from dashboard.json with made-up figures"
    head = (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
            'font-family="Helvetica, Arial, sans-serif" font-size="12" fill="#222">\n'
            f'<rect width="{width}" height="{height}" fill="#f4f5f5"/>\n'
            '<text x="12" y="28" font-size="18">TorchServe models/demo</text>\n'
            f'<text x="{width - 12}" y="28" text-anchor="end" fill="#666">{note}</text>\n')
    return head + "".join(map(_panel, found)) + "</svg>\n"


def _panel(panel: dict[str, Any]) -> str:
    place = panel["gridPos"]
    x, y = place["x"] * COLUMN + GAP, place["y"] * ROW + TOP
    width, height = place["w"] * COLUMN - GAP, place["h"] * ROW - GAP
    inside = (_stat if panel["type"] == "stat" else _lines)(panel, x, y, width, height)
    return (f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="3" fill="#fff" stroke="#d8d9da"/>\n'
            f'<text x="{x + 10}" y="{y + 20}" font-weight="bold">{escape(panel["title"])}</text>\n{inside}')


def _stat(panel: dict[str, Any], x: int, y: int, width: int, height: int) -> str:
    figure = FIGURES[panel["title"]][0](POINTS - 1)
    return (f'<text x="{x + width // 2}" y="{y + height // 2 + 30}" font-size="64" text-anchor="middle" fill="{COLOURS[0]}">'
            f"{figure}</text>\n")


def _lines(panel: dict[str, Any], x: int, y: int, width: int, height: int) -> str:
    """A panel of lines: three lines of the grid with their figures, the lines, their names below."""
    series = [[max(0.0, of(minute)) for minute in range(POINTS)] for of in FIGURES[panel["title"]]]
    most = _round_up(max(map(max, series)))
    left, right, top, bottom = x + 62, x + width - 12, y + 36, y + height - 34
    unit = panel["fieldConfig"]["defaults"]["unit"]
    drawn = []
    for part in (0, 0.5, 1):
        level = bottom - part * (bottom - top)
        drawn.append(f'<path d="M{left} {level:.1f}H{right}" stroke="#e5e6e8"/><text x="{left - 6}" y="{level + 4:.1f}" '
                     f'text-anchor="end" fill="#666">{_figure(part * most, unit)}</text>\n')
    for number, (points, target) in enumerate(zip(series, panel["targets"], strict=True)):
        way = " ".join(f"{left + minute * (right - left) / (POINTS - 1):.1f},{bottom - point / most * (bottom - top):.1f}"
                       for minute, point in enumerate(points))
        colour, below = COLOURS[number], left + number * 60
        drawn.append(f'<polyline points="{way}" fill="none" stroke="{colour}" stroke-width="1.5"/>'
                     f'<path d="M{below} {bottom + 20}h12" stroke="{colour}" stroke-width="3"/>'
                     f'<text x="{below + 17}" y="{bottom + 24}">{escape(_name(target["legendFormat"]))}</text>\n')
    return "".join(drawn)


def _name(legend: str) -> str:
    """A line's name as the dashboard writes it, with a label's sample in it."""
    return re.sub(r"{{(\w+)}}", lambda label: LABELS[label[1]][0], legend)


def _round_up(most: float) -> float:
    """The end of the scale: 1, 2 or 5 times a power of ten; 1 where all is zero."""
    if most <= 0:
        return 1.0
    power = 10 ** math.floor(math.log10(most))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= most)


def _figure(value: float, unit: str) -> str:
    if unit == "ms" and value >= 1000:
        return f"{value / 1000:g} s"
    return f"{value:g}{ {'reqps': ' req/s', 'percent': '%', 'ms': ' ms'}.get(unit, '')}"
