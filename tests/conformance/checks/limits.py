"""What is too big is refused, and many requests at once are answered as each alone."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from urllib.parse import urlsplit

import requests

from ..comparing import lives, parsed, same, single_instances
from ..target import NotApplicable, Target
from .snapshot import LOCAL

BIGGEST = 64 << 20  # bytes that are sent at most
DEFAULT_LIMIT = 6553500
# A 503 that is no refusal: TorchServe's type of an error in its worker, and its sentences, which are all that the wrapper tells;
# the wrapper's without a server behind it; a gateway's without a pod, or with one that hung up.
FAILED = re.compile("|".join((
    "InternalServerException", "Prediction failed", "number of batch response mismatched", "Invalid model predict output",
    "Unsupported model output data type", "can't be reached", "is not ready", "no healthy upstream",
    "reset reason: (?!overflow)")))


def a_request_that_is_too_big_is_refused(target: Target) -> None:
    """The sample, with blanks after it until it is longer than `max_request_size`; then the server answers as before."""
    host = urlsplit(target.config.get("inference_address", "")).hostname
    if host in LOCAL or any(one["name"] == "agent" for pod in target.pods for one in pod["spec"]["containers"]):
        raise NotApplicable("another program takes the requests and writes them anew, without the blanks that make them big")
    limit = int(target.config.get("max_request_size", DEFAULT_LIMIT))
    if limit >= BIGGEST:
        raise NotApplicable(f"max_request_size is {limit}, more than is sent here")
    try:
        answer = target.send(json.dumps({"instances": []} if target.sample is None else target.sample).encode().ljust(limit + 1))
    except requests.ConnectionError:  # it need not read what it won't take
        lives(target)
        return
    assert 400 <= answer.status_code < 500, (
        f"{limit} bytes and more were answered with {answer.status_code}, not with 4xx: {answer.text[:200]}")
    lives(target)


def many_at_once_are_answered_as_each_alone(target: Target) -> None:
    """`--burst` requests side by side, each with another instance of the samples: its own answer, 429 or 503 for want of room."""
    pairs = [({"instances": [one]}, {"predictions": [right]}) for one, right in single_instances(target)]
    pairs = pairs or [(sample, expected) for sample, expected in target.pairs if expected is not None]
    if not pairs:
        raise NotApplicable("no --sample with --expect was given")
    with ThreadPoolExecutor(target.burst) as pool:
        answers = list(pool.map(lambda number: target.predict(pairs[number % len(pairs)][0]), range(target.burst)))
    right = 0
    for number, answer in enumerate(answers):
        expected = pairs[number % len(pairs)][1]
        if _refused(answer):
            continue
        assert answer.status_code == 200, f"{answer.status_code} for one of {target.burst} at once: {answer.text[:200]}"
        assert same(parsed(answer), expected, target.ratio), (
            f"one of {target.burst} requests at once got {answer.text[:200]}, alone it gets {str(expected)[:200]}")
        right += 1
    assert right, f"none of {target.burst} requests at once was answered, all were refused: {answers[0].text[:200]}"
    lives(target)


def _refused(answer: requests.Response) -> bool:
    """Whether more came than the server, or what is before it, takes at once."""
    return answer.status_code == HTTPStatus.TOO_MANY_REQUESTS or (
        answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE and not FAILED.search(answer.text))
