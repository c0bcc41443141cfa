"""The authenticating edge: its pins agree, and nobody knows its secrets beforehand."""

import re

import yaml

from ci.cluster.edge_settings import COOKIE, Secrets
from ci.cluster.paths import CI
from ci.cluster.versions import versions

SET = CI / "source" / "edge"


def test_the_table_and_the_go_mod_of_the_edge_name_the_same_versions() -> None:
    pinned = dict(re.findall(r"^\t(\S+) (v\S+)$", (SET / "go.mod").read_text(), re.MULTILINE))
    assert pinned["github.com/oauth2-proxy/oauth2-proxy/v7"] == versions()["oauth2-proxy"]
    assert pinned["github.com/zitadel/oidc/v3"] == versions()["zitadel-oidc"]


def test_every_program_of_the_edge_is_kept_by_tools_go_or_is_our_own() -> None:
    kept = (SET / "tools.go").read_text()
    for build in yaml.safe_load((SET / "programs.yaml").read_text())["builds"]:
        for package in build["packages"].values():
            assert f'"{package}"' in kept or (SET / package).is_dir()


def test_two_edges_have_no_secret_in_common() -> None:
    one, other = Secrets(), Secrets()
    assert len({made for edge in (one, other) for made in (edge.password, edge.cookie, edge.client, edge.service)}) == 8
    assert len(one.cookie) == 32  # bytes of an AES-256 key
    assert Secrets.from_json(one.to_json()) == one


def test_the_cookie_has_the_name_of_the_write_up() -> None:
    assert COOKIE == "authservice_session"
