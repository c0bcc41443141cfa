"""Whether an answer is the right one, and whether a server still answers."""

import math
from typing import Any

import requests

from .target import Target

NOBODY = "no-model-of-this-name"


def lives(target: Target) -> None:
    """The server answers: the sample where there is one, else that it does not know a model."""
    answer = target.predict(target.sample) if target.sample is not None else target.predict({"instances": []}, NOBODY)
    right = 200 if target.sample is not None else 404
    from_server(answer.text)
    assert answer.status_code == right, f"the server no longer answers as before: {answer.status_code} {answer.text[:200]}"


def parsed(answer: requests.Response) -> Any:
    """The JSON of an answer, whatever type it claims to be: TorchServe says text/plain. AssertionError where it is none."""
    try:
        return answer.json()
    except ValueError:
        raise AssertionError(f"the answer is no JSON: {answer.text[:300]}") from None


def from_server(text: str) -> None:
    """That an error is the server's own; the API server, on the way to it, has its own for a Service without pods."""
    assert '"kind":"Status"' not in text.replace(" ", ""), f"the way to the server leads nowhere: {text[:300]}"


def same(given: Any, expected: Any, ratio: float) -> bool:
    """Equal, but for small differences of numbers with a fraction; what only `given` has at the top, as an id, does not count."""
    if isinstance(given, dict) and isinstance(expected, dict):
        return all(key in given and same(given[key], value, ratio) for key, value in expected.items())
    if isinstance(given, list) and isinstance(expected, list):
        return len(given) == len(expected) and all(same(one, other, ratio) for one, other in zip(given, expected, strict=True))
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in (given, expected))
    if numbers and (isinstance(given, float) or isinstance(expected, float)):
        return math.isclose(given, expected, rel_tol=ratio, abs_tol=ratio)
    return type(given) is type(expected) and given == expected


def single_instances(target: Target) -> list[tuple[Any, Any]]:
    """Each instance of the given samples in protocol v1, with its right prediction; samples without one each have none."""
    found: list[tuple[Any, Any]] = []
    for sample, expected in target.pairs:
        instances = sample.get("instances") if isinstance(sample, dict) and set(sample) == {"instances"} else None
        predictions = expected.get("predictions") if isinstance(expected, dict) else None
        if isinstance(instances, list) and isinstance(predictions, list) and len(instances) == len(predictions):
            found += zip(instances, predictions, strict=True)
    return found
