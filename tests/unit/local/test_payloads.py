"""A request or an answer that AWS would not carry is refused by the embedded gateway, too."""

from __future__ import annotations

import base64
import json

import pytest
from chalice.app import Chalice, Response
from chalice.config import Config

from headrace.contract.sizes import PAYLOAD_BYTES
from headrace.local.payloads import AnswerTooLong, PayloadGateway, RequestTooLong

BINARY = "application/gzip"
TEXT = {"content-type": "application/json"}


@pytest.fixture
def gateway() -> PayloadGateway:
    """In front of an app that takes texts and bytes, and answers as many characters as are asked for."""
    app = Chalice("sizes")
    app.api.binary_types.append(BINARY)
    app.debug = False

    @app.route("/text", methods=["POST"])
    def text() -> dict[str, int]:
        return {"bytes": len(app.current_request.raw_body)}

    @app.route("/bytes", methods=["POST"], content_types=[BINARY])
    def binary() -> dict[str, int]:
        return {"bytes": len(app.current_request.raw_body)}

    @app.route("/answer/{letter}/{count}")
    def answer(letter: str, count: str) -> Response:
        return Response(letter * int(count), headers={"Content-Type": "text/plain"})

    return PayloadGateway(app, Config.create(lambda_timeout=29))


def test_each_quote_of_a_body_counts_twice(gateway: PayloadGateway) -> None:
    body = json.dumps(["a"] * 1_200_000, separators=(",", ":")).encode()
    assert len(body) < PAYLOAD_BYTES
    with pytest.raises(RequestTooLong) as refused:
        gateway.handle_request("POST", "/text", TEXT, body)
    assert (refused.value.CODE, json.loads(refused.value.body)["code"]) == (413, "too_large")
    plain = json.dumps(["a" * 4_000_000]).encode()
    assert json.loads(gateway.handle_request("POST", "/text", TEXT, plain)["body"])["bytes"] == len(plain)


def test_a_binary_body_counts_as_its_base64(gateway: PayloadGateway) -> None:
    fits = b"\0" * 4_500_000
    sent = {"content-type": BINARY}
    assert gateway.handle_request("POST", "/bytes", sent, fits)["statusCode"] == 200
    assert len(base64.b64encode(fits)) < PAYLOAD_BYTES < len(base64.b64encode(fits + fits[:300_000]))
    with pytest.raises(RequestTooLong):
        gateway.handle_request("POST", "/bytes", sent, fits + fits[:300_000])


@pytest.mark.parametrize(("letter", "weight"), [("x", 1), ('"', 2), ("é", 6)])
def test_an_answer_counts_as_the_runtime_writes_it(gateway: PayloadGateway, letter: str, weight: int) -> None:
    count = (PAYLOAD_BYTES - 1_000) // weight
    assert gateway.handle_request("GET", f"/answer/{letter}/{count}", {}, b"")["statusCode"] == 200
    with pytest.raises(AnswerTooLong) as refused:
        gateway.handle_request("GET", f"/answer/{letter}/{count + 1_000}", {}, b"")
    assert refused.value.CODE == 502
