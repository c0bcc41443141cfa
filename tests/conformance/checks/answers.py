"""Right answers to what is given, and errors for what is wrong."""

from ..comparing import NOBODY, from_server, lives, parsed, same
from ..target import NotApplicable, Target

AGAIN = 5


def the_sample_is_answered_as_expected(target: Target) -> None:
    """`--sample` is sent several times, so that more than one pod answers; `--expect` has to come each time."""
    if target.sample is None:
        raise NotApplicable("no --sample was given")
    for _ in range(AGAIN):
        answer = target.predict(target.sample)
        assert answer.status_code == 200, f"{answer.status_code}: {answer.text[:300]}"
        given = parsed(answer)
        if target.expected is not None:
            assert same(given, target.expected, target.ratio), f"expected {str(target.expected)[:300]}, came {str(given)[:300]}"


def a_model_that_is_not_there_is_not_found(target: Target) -> None:
    """404, so that a wrong name is told from a broken model."""
    answer = target.predict(target.sample if target.sample is not None else {"instances": []}, NOBODY)
    from_server(answer.text)
    assert answer.status_code == 404, f"{answer.status_code} for a model that is not there: {answer.text[:200]}"


def what_is_no_json_is_an_error(target: Target) -> None:
    """An error, and the server lives on."""
    path = {"v1": f"v1/models/{target.model}:predict", "v2": f"v2/models/{target.model}/infer"}.get(target.protocol)
    if not path:
        raise NotApplicable(f"requests in {target.protocol} are not made here")
    answer = target.call("POST", path, data=b"{not json", headers={"Content-Type": "application/json"})
    assert answer.status_code >= 400, f"{answer.status_code} for what is no JSON: {answer.text[:200]}"
    lives(target)
