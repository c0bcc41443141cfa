"""Writes the pages and pictures in docs that are made from the chart and from tables; the session `docs` runs it."""

from ci import commands, dashboard, flake, migration, reference
from tests.conformance import page as troubleshooting

MADE = (migration, reference, commands, dashboard, troubleshooting, flake)


def main() -> None:
    for made in MADE:
        made.PAGE.write_text(made.page(), encoding="utf-8")


if __name__ == "__main__":
    main()
