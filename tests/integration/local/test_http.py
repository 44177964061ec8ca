"""What the embedded server answers over HTTP, and whom it refuses."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

QUEUE_URL = "https://sqs.us-east-1.amazonaws.com/123456789012/"


def client(server, service):
    return boto3.client(
        service,
        endpoint_url=f"{server.url}/aws",
        region_name="us-east-1",
        aws_access_key_id="any",
        aws_secret_access_key="any",
        config=Config(retries={"total_max_attempts": 1}, proxies={}),
    )


def _polls(server):
    return server.request("GET", "/api/polls").json()["waiting"]


def test_a_long_poll_over_http_is_woken_by_a_send_inside(server, until):
    server.request("PUT", "/api/queues/q")
    sqs = client(server, "sqs")
    with ThreadPoolExecutor(1) as pool:
        poll = pool.submit(sqs.receive_message, QueueUrl=QUEUE_URL + "q", WaitTimeSeconds=20)
        until(lambda: _polls(server))
        server.request(
            "POST", "/api/queues/q/send", content="ding", headers={"Content-Type": "application/json"}
        )
        message = poll.result(timeout=15)["Messages"][0]
    assert message["Body"] == "ding"
    sqs.delete_message(QueueUrl=QUEUE_URL + "q", ReceiptHandle=message["ReceiptHandle"])
    assert "Messages" not in sqs.receive_message(QueueUrl=QUEUE_URL + "q")


def test_a_caller_that_has_hung_up_takes_no_message(server, until):
    """As a worker does that is stopped or killed during its long poll: the next one hears the doorbell at once."""
    server.request("PUT", "/api/queues/q")
    host, _, port = server.url.removeprefix("http://").partition(":")
    body = b'{"QueueUrl": "%s", "WaitTimeSeconds": 20}' % (QUEUE_URL + "q").encode()
    head = (
        f"POST /aws/ HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Type: application/x-amz-json-1.0\r\n"
        f"X-Amz-Target: AmazonSQS.ReceiveMessage\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    gone = [socket.create_connection((host, int(port))) for _ in range(3)]
    for connection in gone:
        connection.sendall(head.encode() + body)
    until(lambda: _polls(server) == len(gone))
    for connection in gone:
        connection.close()
    server.request("POST", "/api/queues/q/send", content="ding", headers={"Content-Type": "application/json"})
    answer = client(server, "sqs").receive_message(QueueUrl=QUEUE_URL + "q", WaitTimeSeconds=1)
    assert [message["Body"] for message in answer["Messages"]] == ["ding"]


def test_a_queue_that_does_not_exist_is_named_as_aws_names_it(server):
    sqs = client(server, "sqs")
    with pytest.raises(sqs.exceptions.QueueDoesNotExist):
        sqs.receive_message(QueueUrl=QUEUE_URL + "none")


def test_objects_and_callers_identity_are_offered_and_the_tables_are_not(server):
    server.request("PUT", "/api/objects/o", content="hello", headers={"Content-Type": "application/json"})
    assert client(server, "s3").get_object(Bucket="headrace-objects", Key="o")["Body"].read() == b"hello"
    assert client(server, "sts").get_caller_identity()["Account"] == "123456789012"
    for call in (client(server, "dynamodb").list_tables, client(server, "logs").describe_log_groups):
        with pytest.raises(ClientError) as refused:
            call()
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"Host": "rebound.example"}, "wrong_host"),
        ({"Host": "127.0.0.1:1"}, "wrong_host"),
        ({"Origin": "http://page.example"}, "wrong_origin"),
        ({"Origin": "null"}, "wrong_origin"),
    ],
)
@pytest.mark.parametrize("path", ["/api/items/evil", "/aws/"])
def test_web_pages_are_kept_out(server, headers, code, path):
    answer = server.request("PUT", path, json={"value": "evil"}, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, code)
    assert server.item("evil") is None


def test_the_servers_own_pages_may_use_it(server):
    assert server.request("GET", "/api/health", headers={"Origin": server.url}).status_code == 200
    assert server.request("GET", "/page").headers["Content-Type"] == "text/html"


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/nope"), ("DELETE", "/api/health"), ("GET", "/api/items/")]
)
def test_unknown_routes_and_methods_are_404_in_the_apis_form(server, method, path):
    answer = server.request(method, path)
    assert answer.status_code == (200 if path == "/api/items/" else 404)
    if answer.status_code == 404:
        assert answer.json()["code"] == "not_found"
        assert path in answer.json()["detail"]


def test_path_parameters_reach_the_app_as_api_gateway_gives_them(server):
    value = server.request("GET", "/api/echo/flow%2Fmy%20name%C3%A9?x=%26").json()
    assert value["value"] == "flow%2Fmy%20name%C3%A9"
    assert value["query"] == {"x": "&"}


def test_requests_at_the_same_time_do_not_mix(server):

    def echo(at):
        return server.request("GET", f"/api/echo/{at}").json()["value"] == str(at)

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(echo, range(80)))


def test_a_body_that_is_too_large_is_413_and_the_server_lives(server):
    for body in (b"x" * 10_000_001, iter([b"x" * 1_000_000] * 11)):
        answer = server.request("PUT", "/api/items/x", content=body)
        assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    server.put_item("x")


@pytest.mark.parametrize(
    "sent",
    [
        b"nonsense\r\n\r\n",
        b"GET /api/health HTTP/1.1\r\nContent-Le",
        b"PUT /api/items/broken HTTP/1.1\r\nHost: %s\r\nContent-Length: 100\r\n\r\n{",
        b"PUT /api/items/broken HTTP/1.1\r\nHost: %s\r\nContent-Length: -5\r\n\r\n",
        b"PUT /api/items/broken HTTP/1.1\r\nHost: %s\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
)
def test_broken_clients_do_no_harm(server, sent):
    host = server.url.removeprefix("http://")
    address, _, port = host.partition(":")
    with socket.create_connection((address, int(port)), timeout=5) as broken:
        broken.sendall(sent.replace(b"%s", host.encode()))
        assert server.request("GET", "/api/health").status_code == 200
    assert server.item("broken") is None


@pytest.mark.parametrize(
    "length",
    [
        b"Transfer-Encoding: chunked\r\n\r\n-1\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n0x10\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n1_0\r\n",
        b"Content-Length: -1\r\n\r\n",
        b"Content-Length: \xb2\r\n\r\n",
        b"Content-Length: 1_0\r\n\r\n",
        b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n",
    ],
)
def test_a_length_that_is_none_is_refused_before_anything_is_read(server, length):
    host = server.url.removeprefix("http://")
    address, _, port = host.partition(":")
    with socket.create_connection((address, int(port)), timeout=5) as client:
        client.sendall(b"PUT /api/items/x HTTP/1.1\r\nHost: %s\r\n%s" % (host.encode(), length))
        assert client.recv(20).startswith(b"HTTP/1.1 400 ")


def test_chunked_bodies_are_read(server):
    body = iter([b'{"val', b'ue": "in', b' parts"}'])
    server.request("PUT", "/api/items/x", content=body, headers={"Content-Type": "application/json"})
    assert server.item("x") == "in parts"


def test_whoever_looks_at_it_with_a_browser_is_told_where_to_look(server):
    for path in ("/", "/?from=somewhere"):
        answer = server.request("GET", path)
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/plain; charset=utf-8")
        assert "headrace flow-run ls" in answer.text and "/api/openapi.json" in answer.text
    assert server.request("POST", "/").status_code == 404
    assert server.request("GET", "/", headers={"Host": "rebound.example"}).status_code == 403
