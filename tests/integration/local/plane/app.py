"""A small control plane for tests of the embedded server: enough routes to see through it."""

import time
import uuid

import botocore.session
from chalice import Chalice, Response

from chalicelib.storage.table import TABLE

app = Chalice(app_name="plane")
session = botocore.session.get_session()
table = session.create_client("dynamodb", region_name="us-east-1")
sqs = session.create_client("sqs", region_name="us-east-1")
s3 = session.create_client("s3", region_name="us-east-1")


@app.route("/api/health")
def health():
    return {"status": "ok"}


@app.route("/api/items/{name}", methods=["PUT"])
def put(name):
    body = app.current_request.json_body
    item = {"pk": {"S": name}, "sk": {"S": "ITEM"}, "day": {"S": "D"}, "day_at": {"S": name}}
    table.put_item(TableName=TABLE, Item=item | {"value": {"S": body["value"]}})
    return {"name": name}


@app.route("/api/items/{name}", methods=["GET"])
def get(name):
    found = table.get_item(TableName=TABLE, Key={"pk": {"S": name}, "sk": {"S": "ITEM"}}).get("Item")
    return {"name": name, "value": found and found["value"]["S"]}


@app.route("/api/items")
def items():
    condition = {"KeyConditionExpression": "#d = :d", "ExpressionAttributeNames": {"#d": "day"}}
    rows = table.query(
        TableName=TABLE, IndexName="day", **condition, ExpressionAttributeValues={":d": {"S": "D"}}
    )
    return [row["pk"]["S"] for row in rows["Items"]]


@app.route("/api/queues/{name}", methods=["PUT"])
def create_queue(name):
    return {"url": sqs.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "7"})["QueueUrl"]}


@app.route("/api/queues/{name}", methods=["DELETE"])
def delete_queue(name):
    sqs.delete_queue(QueueUrl=f"https://sqs.us-east-1.amazonaws.com/123456789012/{name}")
    return {}


@app.route("/api/queues/{name}/send", methods=["POST"])
def send(name):
    url = f"https://sqs.us-east-1.amazonaws.com/123456789012/{name}"
    sqs.send_message(QueueUrl=url, MessageBody=app.current_request.raw_body.decode() or "-")
    return {}


@app.route("/api/objects/{name}", methods=["PUT"])
def put_object(name):
    s3.create_bucket(Bucket="headrace-objects")
    s3.put_object(Bucket="headrace-objects", Key=name, Body=app.current_request.raw_body, ContentType="a/b")
    return {}


@app.route("/api/objects/{name}", methods=["GET"])
def get_object(name):
    found = s3.get_object(Bucket="headrace-objects", Key=name)
    return {"body": found["Body"].read().decode(), "type": found["ContentType"]}


@app.route("/api/echo/{value}")
def echo(value):
    mine = uuid.uuid4().hex
    time.sleep(0.002)  # gives other threads the chance to change what must be this request's own
    return {
        "value": app.current_request.uri_params["value"],
        "mine": mine,
        "query": app.current_request.query_params,
    }


@app.route("/api/ticks")
def ticks():
    from chalicelib import wiring

    return {"ticks": wiring.TICKS, "starts": wiring.STARTS}


@app.route("/api/polls")
def polls():
    from moto.sqs.models import sqs_backends

    queues = sqs_backends["123456789012"]["us-east-1"].queues.values()
    return {"waiting": sum(len(queue._changed._waiters) for queue in queues)}


@app.route("/page", cors=False)
def page():
    return Response("<h1>hello</h1>", headers={"Content-Type": "text/html"})
