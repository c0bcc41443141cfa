"""The options of the suite, and what they make: the target."""

import itertools

import kubernetes
import pytest

from . import cluster
from .owners import UNREADABLE, short
from .target import PREDICT, NotApplicable, Target

OPTIONS = {
    "--kubeconfig": "file; else $KUBECONFIG, else ~/.kube/config",
    "--namespace": "of the release",
    "--release": "name of the InferenceService",
    "--model": "name of the model, if it is not the first of the snapshot",
    "--protocol": "v1 or v2, where the InferenceService does not say it; else v1",
    "--url": "address of the server in place of the API server's way to it: https://HOST[/PATH], before /v1/…",
    "--host": "the Host header for --url",
    "--ca": "file with the authority of --url's certificate; `none` accepts any",
    "--report-json": "file for the results as JSON",
    "--report-html": "file for the results as a page",
}
SEVERAL = {
    "--sample": "file with the JSON of a request",
    "--expect": "file with the JSON of its right answer, as many as there are samples; what it leaves out may be anything",
    "--header": "NAME: VALUE, sent with every request to --url",
    "--cookie": "NAME=VALUE, the same as a cookie",
}


def add(parser: pytest.Parser, plugins: pytest.PytestPluginManager) -> None:
    """Adds them; pytest-helm-charts has `--kubeconfig` already, where it is installed."""
    group = parser.getgroup("conformance", "a release of TorchServe on KServe")
    for option, meaning in OPTIONS.items():
        if option != "--kubeconfig" or not plugins.hasplugin("helm-charts"):
            group.addoption(option, help=meaning)
    for option, meaning in SEVERAL.items():
        group.addoption(option, help=meaning, action="append", default=[])
    group.addoption("--burst", type=int, default=16, help="requests at once, default 16")


def target(config: pytest.Config) -> Target:
    """The release that the options name. Raises UsageError, with which pytest's exit code is 4, where it can't be read."""
    def given(option: str) -> str | None:
        return config.getoption(option, None)

    if not (given("--release") and given("--namespace")):
        raise pytest.UsageError("say which release: --namespace NAMESPACE --release NAME")
    way = way_of(given("--url") or "", config.getoption("--header"), config.getoption("--cookie"), given("--host"), given("--ca"))
    samples, expected = config.getoption("--sample"), config.getoption("--expect")
    if expected and len(samples) != len(expected):
        raise pytest.UsageError(f"{len(samples)} --sample and {len(expected)} --expect: give one --expect for each --sample")
    if given("--protocol") not in (None, *PREDICT):
        raise pytest.UsageError(f"--protocol {given('--protocol')}: requests are made in {' or '.join(PREDICT)}")
    try:
        pairs = [(cluster.body(one), cluster.body(other)) for one, other in itertools.zip_longest(samples, expected)]
        (first, right), *more = pairs or [(None, None)]
        found = cluster.read(given("--kubeconfig"), given("--namespace"), given("--release"), way, sample=first, expected=right,
                             more=more, model_given=given("--model") or "", protocol_given=given("--protocol") or "",
                             burst=config.getoption("--burst"))
        found.must_be_found()
        return found
    except NotApplicable as reason:
        raise pytest.UsageError(f"the release can't be read, so no check is made: {reason}. Give the account of the kubeconfig "
                                f"the right to list it in the namespace") from None
    except AssertionError as error:
        raise pytest.UsageError(str(error)) from None
    except (*UNREADABLE, kubernetes.config.ConfigException, OSError, ValueError) as error:
        raise pytest.UsageError(f"the release, or a file that is given, can't be read: {short(error)}") from None


def way_of(url: str, headers: list[str], cookies: list[str], host: str | None, ca: str | None) -> cluster.Way:
    """The way to the server that options name, each as it is written. Raises UsageError for what can't be meant."""
    sent = dict(_pair(text, ":") for text in headers)
    sent |= {"Cookie": "; ".join("=".join(_pair(text, "=")) for text in cookies)} if cookies else {}
    sent |= {"Host": host} if host else {}
    if sent and not url:
        raise pytest.UsageError("--header, --cookie and --host are for --url: the API server passes them on to nobody")
    return cluster.Way(url, sent, False if ca == "none" else ca or True)


def _pair(text: str, sign: str) -> tuple[str, str]:
    name, found, value = text.partition(sign)
    if not found:
        raise pytest.UsageError(f"{text!r} is no NAME{sign}VALUE")
    return name.strip(), value.strip()
