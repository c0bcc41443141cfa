"""The results for programs and for people: JSON, a page of HTML, lines on the terminal."""

import html
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

STYLE = ("body{font:15px sans-serif;margin:2em}td,th{text-align:left;padding:.3em .8em;vertical-align:top}"
         ".passed{color:#1a7f37}.failed{color:#c1121f}.skipped{color:#777}pre{white-space:pre-wrap;margin:0}")


@dataclass(frozen=True)
class Result:
    """Of one check.

    Attributes:
        outcome: passed, failed or skipped.
        why: what is wrong, or why the check was not made.
        remedy: what to do about it; "" unless it failed.
    """

    check: str
    what: str
    outcome: str
    why: str
    seconds: float
    remedy: str = ""


def as_json(head: dict[str, Any], results: list[Result]) -> str:
    counts = {outcome: sum(result.outcome == outcome for result in results) for outcome in ("passed", "failed", "skipped")}
    return json.dumps({**head, **counts, "results": [asdict(result) for result in results]}, indent=2) + "\n"


def as_html(head: dict[str, Any], results: list[Result]) -> str:
    rows = "".join(
        f"<tr class={result.outcome}><td>{result.outcome}<td>{html.escape(result.check)}<td>{html.escape(result.what)}"
        f"<td><pre>{html.escape(result.why)}\n{html.escape(result.remedy)}</pre><td>{result.seconds:.2f} s" for result in results)
    unread = "".join(f"<p>not read: {html.escape(sentence)}" for sentence in head.get("unread", []))
    said = html.escape(head.get("error") or summary(results))
    title = html.escape(f"Conformance of {head['namespace']}/{head['release']}")
    return (f"<!doctype html><meta charset=utf-8><title>{title}</title><style>{STYLE}</style><h1>{title}</h1>"
            f"<p>{said}{unread}<table>"
            f"<tr><th>result<th>check<th>what it looks at<th>why<th>time{rows}</table>\n")


def summary(results: list[Result]) -> str:
    """One line: how many, how long, and which ones failed."""
    failed = [result.check for result in results if result.outcome == "failed"]
    skipped = sum(result.outcome == "skipped" for result in results)
    seconds = sum(result.seconds for result in results)
    text = f"{len(results) - len(failed) - skipped} checks passed, {len(failed)} failed, {skipped} not made, in {seconds:.1f} s"
    return f"{text}: {', '.join(failed)}" if failed else text


def write(file: str | None, text: str) -> None:
    if file:
        Path(file).parent.mkdir(parents=True, exist_ok=True)
        Path(file).write_text(text, encoding="utf-8")
