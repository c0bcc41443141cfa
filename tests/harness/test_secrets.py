"""What nobody may know is not in the text of what holds it: that gets into logs and failures of tests."""

from pathlib import Path

from ci.cluster import certificates
from ci.cluster.edge import Edge
from ci.cluster.edge_settings import Secrets
from ci.s3_client import Keys


def test_an_edges_text_has_none_of_its_secrets() -> None:
    secrets = Secrets()
    told = repr(secrets) + repr(Edge("http://localhost", "https://localhost", Path("ca.pem"), secrets))
    assert secrets.user in told
    assert not [made for made in (secrets.password, secrets.cookie, secrets.client, secrets.service) if made in told]


def test_the_text_of_s3_keys_has_the_name_alone() -> None:
    assert repr(Keys("name", "hidden")) == "Keys(access='name')"


def test_the_text_of_a_certificate_has_not_its_key() -> None:
    assert "PRIVATE" not in repr(certificates.self_signed(["it"]))
