# /// script
# dependencies = ["nox>=2025.2.9", "pyyaml"]
# ///
"""The project's commands: `ci/nox -l` lists them, `ci/nox -s NAME -- OPTIONS` runs one (a nox of your own does too)."""

import argparse
from pathlib import Path

import nox
import yaml

ROOT = Path(__file__).parent
PYTHON = yaml.safe_load((ROOT / "ci" / "versions.yaml").read_text())["python"]
CHART = "charts/torchserve-kserve"
CLEAN_UP_SECONDS = 120
# What `e2e -- --profile NAME` runs instead of the suite.
PROFILES = {"edge": ["tests/edge", "tests/e2e/test_write_up.py"], "istio": ["tests/istio"], "policies": ["tests/policies"]}

# The parts of `tests` that `flake` repeats: what needs no cluster, and what is for one.
FAST = ["-n", "4", "--dist", "loadgroup", "tests/unit", "tests/harness", "tests/seed", "tests/start"]
ON_CLUSTER = ["-n", "2", "--dist", "loadgroup", "--no-loadscope-reorder", "tests/e2e"]
NOT_THOROUGH = ["-m", "not thorough"]

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "venv"
nox.options.reuse_venv = "yes"
nox.options.sessions = ["tests"]


def install(session: nox.Session, *sections: str) -> None:
    """Installs the packages that sections of `python:` in ci/versions.yaml pin."""
    session.install(*[f"{name}=={version}" for section in sections for name, version in PYTHON[section].items()])
    session.env["PYTHONPATH"] = str(ROOT)


def run(session: nox.Session, *command: str) -> None:
    """Runs a command that may have to clean up after Ctrl-C: containers, namespaces, temporary folders."""
    session.run(*command, interrupt_timeout=CLEAN_UP_SECONDS, terminate_timeout=CLEAN_UP_SECONDS)


@nox.session(default=False)
def preview(session: nox.Session) -> None:
    """Answer one predict call without a cluster, on docker alone: `-- --mar NAME=FILE --values FILE --set K=V`."""
    install(session, "harness")
    run(session, "python", "-m", "ci", "preview", *session.posargs)


@nox.session(default=False)
def demo(session: nox.Session) -> None:
    """The main job: cluster, model, helm install, predict; leaves the release running."""
    install(session, "harness")
    run(session, "python", "-m", "ci", "demo", *session.posargs)


@nox.session(default=False)
def package(session: nox.Session) -> None:
    """The chart as a .tgz in artifacts/package; `-- --sign KEY`, `-- --url BASE_URL --index FILE_OR_URL`, `-- --push oci://…`."""
    install(session, "harness")
    run(session, "python", "-m", "ci", "package", *session.posargs)


@nox.session(default=False)
def up(session: nox.Session) -> None:
    """Find or make the test cluster (`-- --kubeconfig FILE` for one of yours)."""
    install(session, "harness")
    run(session, "python", "-m", "ci", "up", *session.posargs)


@nox.session(default=False)
def down(session: nox.Session) -> None:
    """Remove our cluster and, with `-- --cache`, all that was built."""
    install(session, "harness")
    run(session, "python", "-m", "ci", "down", *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """Lint, unit, seed, images, then e2e on the cluster, both modes side by side (less the marker `thorough`: `e2e` is all)."""
    install(session, "harness", "tests", "lint")
    run_lint(session)
    no_install = ["--no-install"] if options(session).no_install else []
    run(session, "pytest", *FAST, *no_install)
    bring_up(session)
    run(session, "pytest", "tests/image", "tests/storage", *no_install)
    run(session, "python", "-m", "ci", "package")
    run(session, "pytest", "-n", "2", "tests/package", *no_install)
    run_e2e(session, *NOT_THOROUGH)


@nox.session(default=False)
def lint(session: nox.Session) -> None:
    """ruff, yamllint, shellcheck, helm lint."""
    install(session, "harness", "lint")
    run_lint(session)


@nox.session(default=False)
def unit(session: nox.Session) -> None:
    """The rendered manifests, the notes and the pages; no cluster."""
    install(session, "harness", "tests")
    run(session, "pytest", "-n", "2", "--dist", "loadgroup", "tests/unit", *session.posargs)


@nox.session(default=False)
def harness(session: nox.Session) -> None:
    """The harness's own parts, conformance and diagnosis among them; no cluster."""
    install(session, "harness", "tests")
    run(session, "pytest", "-n", "2", "tests/harness", *session.posargs)


@nox.session(default=False)
def seed(session: nox.Session) -> None:
    """The programs that the chart ships, against real local servers; no cluster."""
    install(session, "harness", "tests")
    run(session, "pytest", "-n", "4", "tests/seed", "tests/start", *session.posargs)


@nox.session(default=False)
def e2e(session: nox.Session) -> None:
    """The whole suite on a real cluster: ours, made if need be, or yours (`-- --kubeconfig FILE`; `-- --profile NAME`)."""
    install(session, "harness", "tests")
    if given := options(session).profile:
        run(session, "pytest", *PROFILES[given], *session.posargs)
    else:
        run_e2e(session)


@nox.session(default=False)
def chaos(session: nox.Session) -> None:
    """A bad day, on our cluster: processes, pods, the node and its volumes fail; requests and values are hostile."""
    install(session, "harness", "tests")
    bring_up(session)
    run(session, "pytest", "tests/chaos", *session.posargs)


@nox.session(default=False)
def pull(session: nox.Session) -> None:
    """The pull path, against a local registry that holds the built images under their upstream names."""
    install(session, "harness", "tests")
    run(session, "pytest", "tests/pull", *session.posargs)


@nox.session(default=False)
def bench(session: nox.Session) -> None:
    """The goals as ratios inside one run, and docs/benchmarks.md; best on an idle machine (`-- --short`, `-- --settings`)."""
    install(session, "harness", "tests", "bench")
    run(session, "pytest", "-s", "tests/bench", *session.posargs)


@nox.session(default=False)
def images(session: nox.Session) -> None:
    """The images that a release pulls, for a mirror: `-- --values FILE --set K=V --json`."""
    install(session, "harness")
    run(session, "python", "-m", "ci", "images", *session.posargs)


@nox.session(default=False)
def docs(session: nox.Session) -> None:
    """Writes the pages and pictures in docs that are made from the chart and from tables."""
    install(session, "harness")
    run(session, "python", "-m", "ci.pages")


@nox.session(default=False)
def diagnose(session: nox.Session) -> None:
    """What is wrong with a release of yours: `-- --namespace NAMESPACE --release RELEASE --kubeconfig FILE --output FOLDER`."""
    install(session, "harness")
    run(session, "python", "-m", "ci.diagnose", *session.posargs)


@nox.session(default=False)
def conformance(session: nox.Session) -> None:
    """Is a release of yours right? `-- --namespace NAMESPACE --release RELEASE --kubeconfig FILE --sample FILE --expect FILE`."""
    install(session, "harness", "tests")
    run(session, "pytest", "tests/conformance", *session.posargs)


@nox.session(default=False)
def flake(session: nox.Session) -> None:
    """What `tests` runs without a cluster, again and again, each recorded: `-- --runs N`; `-- --cluster`: what it runs on one."""
    install(session, "harness", "tests")
    on_cluster = "--cluster" in session.posargs
    if on_cluster:
        bring_up(session)
    run(session, "python", "-m", "ci.flake", *session.posargs, "--", *([*ON_CLUSTER, *NOT_THOROUGH] if on_cluster else FAST))


def bring_up(session: nox.Session) -> None:
    """The cluster by itself, because making it takes minutes and shows its progress."""
    given = options(session)
    run(session, "python", "-m", "ci", "up", *(["--kubeconfig", given.kubeconfig] if given.kubeconfig else []),
        *(["--no-install"] if given.no_install else []))


def run_e2e(session: nox.Session, *which: str) -> None:
    """The suite on the cluster, by two processes: each takes a mode, or a module that stands for itself, after the other."""
    bring_up(session)
    run(session, "pytest", *ON_CLUSTER, *which, *session.posargs)


def options(session: nox.Session) -> argparse.Namespace:
    """What these commands themselves need to know of the options for pytest."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--profile", choices=sorted(PROFILES))
    parser.add_argument("--kubeconfig")
    parser.add_argument("--no-install", action="store_true")
    return parser.parse_known_args(session.posargs)[0]


def run_lint(session: nox.Session) -> None:
    session.run("ruff", "check", ".")
    session.run("yamllint", "--strict", ".")
    scripts = sorted(str(file) for file in (ROOT / CHART / "files").glob("*.sh"))
    session.run("shellcheck", "ci/nox", ".ci/run", "ci/images/torchserve/customize.sh", *scripts)
    for values in sorted((ROOT / CHART / "ci").glob("*-values.yaml")):
        session.run("helm", "lint", "--strict", CHART, "--values", str(values))
