"""Generated values files and what the chart makes of them: all at once, so that there are few runs of helm."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import HealthCheck, given, seed, settings

from tests.chaos.generated import File, files
from tests.chaos.judged import Verdict, judge
from tests.unit import batch
from tests.unit.leaves import keys

OF_EACH = 2  # files that begin with each key of the schema: the simplest one, then one out of the seed
AT_ONCE = 120  # in one run of helm
RELEASE, NAMESPACE = "demo", "nobodys-values"  # a name that stands for no other word in what is rendered


def each(do: Callable[[File], None]) -> None:
    """Calls `do` with one generated file after the other, the same ones every time: each key has a seed, its number. Where it
    fails, it is called with simpler and simpler ones."""
    for number, key in enumerate(keys()):
        @seed(number)
        @settings(max_examples=OF_EACH, database=None, deadline=None, suppress_health_check=list(HealthCheck))
        @given(file=files(key))
        def one(file: File) -> None:
            do(file)

        one()


class Renders:
    """What the chart makes of files: what is known, and more where it is asked for."""

    def __init__(self) -> None:
        found: dict[str, File] = {}
        each(lambda file: found.setdefault(file.values, file) and None)
        self.files = list(found.values())
        self.verdicts: dict[str, Verdict] = {}
        for start in range(0, len(self.files), AT_ONCE):
            self._render(self.files[start:start + AT_ONCE])

    def verdict(self, file: File) -> Verdict:
        if file.values not in self.verdicts:
            self._render([file])
        return self.verdicts[file.values]

    def _render(self, some: list[File]) -> None:
        cases = {batch.Case(file.values, RELEASE, NAMESPACE, batch.OBJECTS): file for file in some}
        for case, answer in batch.answers(list(cases)).items():
            self.verdicts[case.values] = judge(cases[case], answer)
