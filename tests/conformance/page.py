"""docs/troubleshooting.md, made from the catalogue: `ci/nox -s docs` (ci/pages.py)."""

from pathlib import Path

from .catalogue import Entry, entries, symptoms

PAGE = Path(__file__).parents[2] / "docs" / "troubleshooting.md"
HEAD = """# Troubleshooting

By symptom: the messages as they are, what they mean, what to do. The page is made from `tests/conformance/catalogue`, which
also the diagnosis and the log assertions of the tests use; `ci/nox -s docs` writes it.

Let the diagnosis look first. It collects events, objects and logs of a release in one folder, and names the likeliest cause:

```sh
ci/nox -s diagnose -- --namespace NAMESPACE --release RELEASE
```
"""
PLACES = {"seed": "log of `seed`", "server": "log of `kserve-container`", "queue-proxy": "log of `queue-proxy`",
          "storage-initializer": "log of `storage-initializer`", "event": "events", "condition": "conditions",
          "state": "state of the container", "answer": "the answer"}


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _row(entry: Entry) -> str:
    where = ", ".join(PLACES[place] for place in entry.where)
    return f"| `{_cell(entry.example)}` | {where} | {_cell(entry.meaning)} | {_cell(entry.remedy)} |"


def page() -> str:
    """The page's text."""
    parts = [HEAD]
    for symptom, heading in symptoms().items():
        rows = [_row(entry) for entry in entries() if entry.symptom == symptom]
        parts.append("\n".join([f"## {heading}\n", "| message, for example | where | what it means | what to do |",
                                "| --- | --- | --- | --- |", *rows]) + "\n")
    return "\n".join(parts)
