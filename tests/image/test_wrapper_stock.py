"""The wrapper over TorchServe's own envelope for v1, as with upstream's image: v1 works, v2 gets a sentence."""

from tests.image.server import HTTP, TORCHSERVE, Server
from tests.image.test_envelope import V1, V2, tensor


def test_v1_is_answered(stock: Server) -> None:
    assert stock.ask(stock.port(HTTP), V1, {"instances": ["x"]}).json == {"predictions": ["x"]}


def test_v2_gets_a_sentence(stock: Server) -> None:
    answer = stock.ask(stock.port(HTTP), V2, tensor("x"))
    assert (answer.status, answer.error) == (501, "This server does not speak v2: its envelope kserve takes v1 requests only; "
                                                  "with service_envelope=torchserve_kserve it takes both.")


def test_torchserves_own_code_comes_through(stock: Server) -> None:
    own, through = (stock.ask(stock.port(port), V1, {"instances": ["raise"]}) for port in (TORCHSERVE, HTTP))
    assert (own.status, own.json["message"]) == (through.status, through.error) == (503, "Prediction failed")


def test_bad_bodies_never_reach_the_envelope_that_has_no_words_for_them(stock: Server) -> None:
    for body in (b'{"inst', b"[]", b'{"instances": 3}', b""):
        assert stock.ask(stock.port(HTTP), V1, body).status == 400
