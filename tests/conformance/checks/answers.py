"""Right answers to what is given, and errors for what is wrong."""

from typing import Any

from ..comparing import NOBODY, from_server, lives, parsed, same, single_instances
from ..target import GRPC, NotApplicable, Target

AGAIN = 5


def the_sample_is_answered_as_expected(target: Target) -> None:
    """Each `--sample` is sent several times, so that more than one pod answers; its `--expect` has to come each time."""
    if not target.pairs:
        raise NotApplicable("no --sample was given")
    for sample, expected in target.pairs * AGAIN:
        given = _right(target, sample)
        if expected is not None:
            assert same(given, expected, target.ratio), f"expected {str(expected)[:300]}, came {str(given)[:300]}"


def the_instances_of_one_request_are_answered_in_their_order(target: Target) -> None:
    """The samples' instances in one request, then the other way round: each prediction has to move with its instance."""
    if target.protocol != "v1":
        raise NotApplicable("only in protocol v1 are the instances of a request a list that can be put in another order")
    pairs = single_instances(target)
    if len({str(right) for _, right in pairs}) < 2:
        raise NotApplicable("the samples have no two instances with different right answers")
    for ordered in (pairs, pairs[::-1]):
        answer = target.predict({"instances": [one for one, _ in ordered]})
        assert answer.status_code == 200, f"{answer.status_code} for {len(ordered)} instances: {answer.text[:300]}"
        given, right = parsed(answer), {"predictions": [right for _, right in ordered]}
        assert same(given, right, target.ratio), (
            f"{len(ordered)} instances in one request: expected {str(right)[:200]}, came {str(given)[:200]}")


def a_model_that_is_not_there_is_not_found(target: Target) -> None:
    """404, or gRPC's NOT_FOUND, so that a wrong name is told from a broken model."""
    if target.protocol == GRPC:
        assert target.infer
        status, said = target.infer(NOBODY, target.sample if target.sample is not None else {"inputs": []})
        assert status == "NOT_FOUND", f"{status} for a model that is not there: {str(said)[:200]}"
        return
    answer = target.predict(target.sample if target.sample is not None else {"instances": []}, NOBODY)
    from_server(answer.text)
    assert answer.status_code == 404, f"{answer.status_code} for a model that is not there: {answer.text[:200]}"


def what_is_no_json_is_an_error(target: Target) -> None:
    """An error, and the server lives on."""
    answer = target.send(b"{not json")
    assert answer.status_code >= 400, f"{answer.status_code} for what is no JSON: {answer.text[:200]}"
    lives(target)


def _right(target: Target, sample: Any) -> Any:
    """The JSON that answers a sample by the release's protocol; AssertionError where it is an error."""
    if target.protocol == GRPC:
        assert target.infer
        status, given = target.infer(target.model, sample)
        assert status == "OK", f"{status}: {str(given)[:300]}"
        return given
    answer = target.predict(sample)
    assert answer.status_code == 200, f"{answer.status_code}: {answer.text[:300]}"
    return parsed(answer)
