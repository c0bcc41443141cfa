"""`python -m ci COMMAND`: what the nox sessions preview, demo, images, package, up and down run."""

import argparse
import shlex
import signal
import sys
from pathlib import Path

import kubernetes
import requests
import urllib3

from ci import demo, helm, image_list, package, preview
from ci.cluster import edge, engine, profile_istio, shell, up
from ci.cluster.errors import Problem
from ci.cluster.report import say, timings

PROFILES = ("edge", "istio")


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="python -m ci", description=__doc__)
    commands = top.add_subparsers(dest="command", required=True)
    for name, module in (("preview", preview), ("demo", demo)):
        command = commands.add_parser(name, help=module.__doc__)
        command.add_argument("--no-install", action="store_true", help="install no package of the distribution")
        module.add_options(command)
    package.add_options(commands.add_parser("package", help=package.__doc__, allow_abbrev=False))
    image_list.add_options(commands.add_parser("images", help=image_list.__doc__))
    bring = commands.add_parser("up", help="find or make the test cluster")
    bring.add_argument("--kubeconfig", type=Path, help="use this cluster of yours")
    bring.add_argument("--profile", choices=sorted(PROFILES), help="the cluster with this on it, or the one made for it")
    bring.add_argument("--no-install", action="store_true", help="install no package of the distribution")
    remove = commands.add_parser("down", help="remove our cluster")
    remove.add_argument("--cache", action="store_true", help="remove all that was built and pulled, too")
    return top


def bring(options: argparse.Namespace) -> up.Cluster:
    """The cluster that `up` was asked for."""
    if options.profile and options.kubeconfig:
        raise Problem("--profile is for clusters of ours: leave --kubeconfig out, or the profile.")
    if options.profile == "istio":
        return profile_istio.find(install=not options.no_install)
    cluster = up.find(options.kubeconfig, install=not options.no_install)
    if options.profile == "edge":
        assert cluster.kind
        found = edge.install(cluster.kind)
        say(f"the edge answers at {found.http} and {found.https}; user {found.secrets.user}, password by: {edge.SHOW_PASSWORD}")
    return cluster


def main() -> int:
    options = parser().parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # to clean up as for Ctrl-C
    try:
        if options.command == "preview":
            preview.run(options)
        elif options.command == "demo":
            demo.run(options)
        elif options.command == "package":
            package.run(options)
        elif options.command == "images":
            image_list.run(options)
        elif options.command == "up":
            cluster = bring(options)
            path = f"PATH={shlex.quote(str(cluster.tools))}:$PATH " if cluster.tools else ""
            say(f"the cluster answers: export {path}KUBECONFIG={shlex.quote(str(cluster.kubeconfig))}")
            say(f"its TorchServe image, for releases of your own: {helm.image_options(cluster.runtime_image)}")
        else:
            if engine.answers():
                profile_istio.remove()
            up.remove(everything=options.cache)
    except Problem as problem:
        print(f"\n{problem}", file=sys.stderr)
        return 1
    except (kubernetes.client.ApiException, requests.RequestException, urllib3.exceptions.HTTPError) as error:
        print(f"\nThe cluster refused or did not answer: {' '.join(str(error).split())}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        shell.end_children()
        print("\nInterrupted: nothing half-made counts as made; the same command goes on from here.", file=sys.stderr)
        return 130
    if timings.stages:
        print(timings.table(), file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
