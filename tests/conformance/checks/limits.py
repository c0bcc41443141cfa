"""What is too big is refused, and many requests at once are answered as each alone."""

from concurrent.futures import ThreadPoolExecutor

import requests

from ..comparing import lives, parsed, same
from ..target import NotApplicable, Target

BIGGEST = 64 << 20  # bytes that are sent at most
DEFAULT_LIMIT = 6553500


def a_request_that_is_too_big_is_refused(target: Target) -> None:
    """One more than `max_request_size`, after which the server answers as before."""
    limit = int(target.config.get("max_request_size", DEFAULT_LIMIT))
    if limit >= BIGGEST:
        raise NotApplicable(f"max_request_size is {limit}, more than is sent here")
    try:
        answer = target.predict({"instances": [{"data": "x" * limit}]})
    except requests.ConnectionError:  # it need not read what it won't take
        lives(target)
        return
    assert answer.status_code >= 400, f"{limit} bytes and more were answered with {answer.status_code}"
    lives(target)


def many_at_once_are_answered_as_each_alone(target: Target) -> None:
    """`--burst` requests side by side; where the sample has several instances, each request has another one of them."""
    if target.sample is None or target.expected is None:
        raise NotApplicable("no --sample with --expect was given")
    pairs = _pairs(target)
    with ThreadPoolExecutor(target.burst) as pool:
        answers = list(pool.map(lambda number: target.predict(pairs[number % len(pairs)][0]), range(target.burst)))
    for number, answer in enumerate(answers):
        expected = pairs[number % len(pairs)][1]
        assert answer.status_code == 200, f"{answer.status_code} for one of {target.burst} at once: {answer.text[:200]}"
        assert same(parsed(answer), expected, target.ratio), (
            f"one of {target.burst} requests at once got {answer.text[:200]}, alone it gets {str(expected)[:200]}")


def _pairs(target: Target) -> list[tuple[object, object]]:
    """Requests and their right answers: the sample, or its instances one by one."""
    instances = target.sample.get("instances") if isinstance(target.sample, dict) else None
    predictions = target.expected.get("predictions") if isinstance(target.expected, dict) else None
    if isinstance(instances, list) and isinstance(predictions, list) and len(instances) == len(predictions) > 1:
        return [({**target.sample, "instances": [one]}, {"predictions": [other]})
                for one, other in zip(instances, predictions, strict=True)]
    return [(target.sample, target.expected)]
