"""Finds or makes the cluster: one you give, else a healthy one of ours, else a new kind with Knative and KServe on it."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import kubernetes
import urllib3
import yaml

from ci.cluster import engine, images, kind, kserve, make, profile_default, runtime, shell, store
from ci.cluster.builder import Builder
from ci.cluster.errors import Problem
from ci.cluster.paths import cache, prefix
from ci.cluster.report import say, timings
from ci.cluster.versions import versions

ANSWER_SECONDS = 10


@dataclass(frozen=True)
class Cluster:
    """A cluster with KServe on it.

    Attributes:
        kubeconfig: the file that reaches it.
        tools: a folder with helm and kubectl (and kind) for it; None for a cluster of yours.
        runtime_image: the TorchServe image that its nodes can run, as `repository:tag`.
        kind: our kind cluster; None for a cluster of yours.
    """

    kubeconfig: Path
    tools: Path | None
    runtime_image: str
    kind: kind.Kind | None


def find(kubeconfig: Path | None, *, install: bool) -> Cluster:
    """The cluster to work on: `kubeconfig`'s, else our default one (see `ours`)."""
    return given(kubeconfig) if kubeconfig else ours(profile_default.PROFILE, install=install)


def ours(profile: make.Profile, *, install: bool, meanwhile: Callable[[str], None] = lambda _: None) -> Cluster:
    """The cluster of a profile, made unless it is there and works; of several runs that want it, one makes it, the others wait.

    Args:
        install: whether packages of the distribution may be installed.
        meanwhile: called once with the runtime image, as soon as that is there: the rest may still be compiling.
    """
    prepare_engine(install=install)
    with store.lock(f"cluster-{profile.name}"):
        cluster = _healthy(profile, install=install)
        if not cluster:
            with Builder(install=install) as builder:
                meanwhile(builder.runtime_image())
                made, runtime_image = make.made(profile, builder)
            return Cluster(made.kubeconfig, made.tools, runtime_image, made)
    meanwhile(cluster.runtime_image)
    return cluster


def prepare_engine(*, install: bool) -> None:
    """A docker engine that answers."""
    with timings.stage("docker"):
        engine.ensure(install=install)


def given(kubeconfig: Path) -> Cluster:
    """A cluster of yours: it must answer and have KServe."""
    if not kubeconfig.is_file():
        raise Problem(f"There is no kubeconfig at {kubeconfig}: give --kubeconfig the file that reaches your cluster.")
    try:
        configuration = kubernetes.client.Configuration()
        configuration.retries = False
        kubernetes.config.load_kube_config(str(kubeconfig), client_configuration=configuration)
        client = kubernetes.client.ApiClient(configuration)
        kubernetes.client.VersionApi(client).get_code(_request_timeout=ANSWER_SECONDS)
    except (kubernetes.config.ConfigException, yaml.YAMLError, kubernetes.client.ApiException,
            urllib3.exceptions.HTTPError) as error:
        raise Problem(f"The cluster of {kubeconfig} does not answer: check the file and the network to it "
                      f"({str(error).splitlines()[0]}).") from error
    try:
        kubernetes.client.ApiextensionsV1Api(client).read_custom_resource_definition(kserve.CRD)
    except kubernetes.client.ApiException as error:
        raise Problem(f"The cluster of {kubeconfig} has no KServe (its CRD {kserve.CRD} can't be read: {error.reason}): install "
                      "KServe 0.16 or later on it, or leave --kubeconfig out to have a cluster made.") from error
    image = os.environ.get("TORCHSERVE_KSERVE_RUNTIME_IMAGE") or versions()["pull"]["torchserve"]
    return Cluster(kubeconfig, None, image, None)


def _healthy(profile: make.Profile, *, install: bool) -> Cluster | None:
    """The cluster, if it was made of what we would make it of now, and works; however it was made, pulled or built.

    A runtime image that is new since is made (see `runtime.ensure`) and loaded into it.
    """
    recorded = kind.Kind(profile.name, Path()).made_of()
    if not recorded or not Path(recorded["tools"]).is_dir():
        return None
    cluster, key = kind.Kind(profile.name, Path(recorded["tools"])), profile.key()
    with timings.stage("cluster"):
        if not cluster.is_usable(key):
            return None
        try:
            profile.wait_until_ready(cluster)
        except Problem as problem:
            say(f"{problem} The cluster is made anew.")
            return None
        runtime_image = recorded["runtime_image"]
        if not (runtime_image in runtime.names() and images.exists(runtime_image)):
            runtime_image = runtime.ensure(install=install)
            say(f"loading {runtime_image} into the cluster {cluster.name} …")
            cluster.load(runtime_image)
            cluster.mark_whole(key, {**recorded, "runtime_image": runtime_image})
    say(f"using the cluster {cluster.name}, which answers")
    return Cluster(cluster.kubeconfig, cluster.tools, runtime_image, cluster)


def remove(*, everything: bool) -> None:
    """Removes our cluster; with `everything` also our images and the cache."""
    default = kind.Kind(profile_default.PROFILE.name, Path())
    if not engine.answers():
        if default.home.exists():
            raise Problem("No docker engine answers, so our cluster can't be removed: start docker (`ci/nox -s up` does), "
                          "then try again.")
    else:
        default.delete()
        if everything:
            for image in shell.output(["docker", "image", "list", "--format", "{{.Repository}}:{{.Tag}}",
                                       f"{prefix()}/*"]).split():
                say(f"removing the image {image}")
                shell.output(["docker", "image", "rm", image])
    if everything:
        say(f"removing {cache()}")
        shell.output(["rm", "-rf", str(cache())])
