"""What moto is asked to do, as it comes (scenarios.py stock) and patched (scenarios.py ours): a JSON object.

Costs are counted in calls, never timed.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import sys
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

os.environ.update(
    AWS_ACCESS_KEY_ID="x",
    AWS_SECRET_ACCESS_KEY="x",
    AWS_DEFAULT_REGION="us-east-1",
    AWS_CONFIG_FILE=os.devnull,
)

import boto3
import random_calls
from botocore.exceptions import ClientError
from counting import calls, rounds

OURS = sys.argv[1] == "ours"


def start():
    if not OURS:
        from moto import mock_aws

        mock_aws().start(reset=False)
        return
    from headrace.local.aws.dynamodb import DynamoDB
    from headrace.local.aws.patches import PATCHES
    from headrace.local.aws.services import Services
    from headrace.local.aws.sqs import SQS
    from headrace.local.aws.transport import Transport

    PATCHES.apply()
    Transport(Services(DynamoDB(), SQS())).install()


start()
db, sqs = boto3.client("dynamodb"), boto3.client("sqs")


def new_table(name, stream=False):
    names = ("pk", "sk", "g", "g_at")
    more = {"StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}} if stream else {}
    db.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n in names],
        KeySchema=schema("pk", "sk"),
        GlobalSecondaryIndexes=[
            index("grp", schema("g", "g_at"), "KEYS_ONLY"),
            index("all", schema("g", "sk"), "ALL"),
        ],
        **more,
    )
    return name


def index(name, keys, projection):
    return {"IndexName": name, "KeySchema": keys, "Projection": {"ProjectionType": projection}}


def schema(hash_key, range_key):
    return [{"AttributeName": hash_key, "KeyType": "HASH"}, {"AttributeName": range_key, "KeyType": "RANGE"}]


def key(pk, sk="0"):
    return {"pk": {"S": str(pk)}, "sk": {"S": str(sk)}}


def concurrent_updates_add_up():
    table = new_table("updates")

    def attempt(number):
        db.put_item(TableName=table, Item=key(number) | {"n": {"N": "0"}})

        def add(_):
            db.update_item(
                TableName=table,
                Key=key(number),
                UpdateExpression="ADD n :one",
                ExpressionAttributeValues={":one": {"N": "1"}},
            )

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(add, range(80)))
        return db.get_item(TableName=table, Key=key(number))["Item"]["n"]["N"] == "80"

    return rounds(attempt, until_shown=not OURS)


def failing_transactions_leave_others_alone():
    table = new_table("rollback")

    def fail(_):
        try:
            db.transact_write_items(
                TransactItems=[
                    {"Put": {"TableName": table, "Item": key("t")}},
                    {"ConditionCheck": {"TableName": table, "Key": key("absent"),
                                        "ConditionExpression": "attribute_exists(pk)"}},
                ]
            )  # fmt: skip
        except ClientError as error:
            return error.response["Error"]["Code"] == "TransactionCanceledException"

    def attempt(number):
        def put(at):
            db.put_item(TableName=table, Item=key(f"{number}-{at}"))

        with ThreadPoolExecutor(8) as pool:
            failed = list(pool.map(lambda at: fail(at) if at % 2 else put(at), range(60)))
        kept = [db.get_item(TableName=table, Key=key(f"{number}-{at}")).get("Item") for at in range(0, 60, 2)]
        return all(kept) and all(failed[1::2]) and "Item" not in db.get_item(TableName=table, Key=key("t"))

    try:
        return rounds(attempt, until_shown=not OURS)
    except Exception as error:  # noqa: BLE001 - stock may also fail with "dictionary changed size"
        return f"{type(error).__name__}: {error}"


def failed_updates_change_nothing():
    table = new_table("half")
    db.put_item(TableName=table, Item=key(1) | {"a": {"S": "old"}, "b": {"S": "text"}})
    with contextlib.suppress(ClientError):
        db.update_item(
            TableName=table,
            Key=key(1),
            UpdateExpression="SET a = :new ADD b :one",
            ExpressionAttributeValues={":new": {"S": "new"}, ":one": {"N": "1"}},
        )
    return db.get_item(TableName=table, Key=key(1))["Item"]["a"]["S"]


def query(table, **more):
    return db.query(
        TableName=table,
        KeyConditionExpression="pk = :p",
        ExpressionAttributeValues={":p": {"S": "1"}},
        **more,
    )


def query_index(table, **more):
    return db.query(
        TableName=table,
        IndexName="grp",
        KeyConditionExpression="g = :g AND g_at > :a",
        ExpressionAttributeValues={":g": {"S": "G"}, ":a": {"S": "10"}},
        Limit=5,
        **more,
    )


def fill(table, start, end):
    for at in range(start, end):
        db.put_item(TableName=table, Item=key(at % 10, at) | {"g": {"S": "G"}, "g_at": {"S": f"{at:05d}"}})


def costs_at_100_and_1000_items():
    table = new_table("costs")

    def transact():
        puts = [
            {"Put": {"TableName": table, "Item": key(7, 77)}},
            {"Delete": {"TableName": table, "Key": key(8, 8)}},
        ]
        db.transact_write_items(TransactItems=puts)

    found = {}
    for start, end in ((0, 100), (100, 1000)):
        fill(table, start, end)
        for name, action in {
            "query": lambda: query(table, Limit=5),
            "query backwards": lambda: query(table, Limit=5, ScanIndexForward=False),
            "query index": lambda: query_index(table),
            "next page": lambda: query(table, Limit=5, ExclusiveStartKey=key(1, 31)),
            "transaction": transact,
        }.items():
            action()
            found.setdefault(name, []).append(calls(action))
    return found


def last_key_when_the_limit_is_the_count():
    table = new_table("last")
    for at in range(3):
        db.put_item(TableName=table, Item=key(1, at))
    return ["LastEvaluatedKey" in query(table, Limit=limit) for limit in (3, 4)]


def a_transaction_sent_twice():
    table = new_table("token")
    step = {"Update": {"TableName": table, "Key": key(1), "UpdateExpression": "ADD n :one",
                       "ExpressionAttributeValues": {":one": {"N": "1"}}}}  # fmt: skip
    for _ in range(2):
        db.transact_write_items(TransactItems=[step], ClientRequestToken="same")
    try:
        db.transact_write_items(TransactItems=[step, step], ClientRequestToken="same")
    except ClientError as error:
        refused = error.response["Error"]["Code"]
    return db.get_item(TableName=table, Key=key(1))["Item"]["n"]["N"], refused


def items_alive_after_rewriting_one():
    from moto.dynamodb.models.dynamo_type import Item

    if OURS:
        from headrace.local.aws import items

        items.UNPACKED_ITEMS = 5
    table = new_table("leak")
    for at in range(100):
        db.put_item(TableName=table, Item=key(1) | {"leak": {"N": str(at)}})
    gc.collect()
    return sum(1 for item in gc.get_objects() if isinstance(item, Item) and "leak" in item.attrs)


def stream_records_kept():
    from moto.dynamodb.models import dynamodb_backends

    table = new_table("stream", stream=True)
    for _ in range(20):
        db.put_item(TableName=table, Item=key(1))
    shard = dynamodb_backends["123456789012"]["us-east-1"].tables[table].stream_shard
    described = db.describe_table(TableName=table)["Table"]["StreamSpecification"]
    return len(shard.items) if shard else 0, described["StreamEnabled"]


def calls_of_one_put_of_40_attributes():
    table = new_table("wide")
    item = key(1) | {f"a{at}": {"S": "x"} for at in range(40)}
    db.put_item(TableName=table, Item=item)
    return calls(lambda: db.put_item(TableName=table, Item=item), "size")


def calls_of_one_update():
    table = new_table("update")

    def update():
        db.update_item(
            TableName=table,
            Key=key(1),
            UpdateExpression="SET a = :a, b = :b REMOVE c",
            ConditionExpression="attribute_not_exists(x) AND NOT d = :a",
            ExpressionAttributeValues={":a": {"S": "1"}, ":b": {"S": "2"}},
        )

    update()
    names = ("_lex_one_node", "make_list", "_reconstruct", "_processing_map", "dynamo_to_dict")
    return {name: calls(update, name) for name in names}


def copies_of_one_query():
    table = new_table("copies")
    fill(table, 0, 50)
    return calls(lambda: query(table, Limit=5), "deepcopy")


def reads_of_26_items():
    table = new_table("reads")
    gets = [{"Get": {"TableName": table, "Key": key(at)}} for at in range(26)]
    try:
        return len(db.transact_get_items(TransactItems=gets)["Responses"])
    except ClientError as error:
        return error.response["Error"]["Code"]


def wrong_index_key_types():
    table = new_table("types")
    try:
        db.put_item(TableName=table, Item=key(1) | {"g": {"N": "1"}})
    except ClientError as error:
        return error.response["Error"]["Code"]
    return "accepted"


def queue_costs_at_10_and_500_messages():
    url = sqs.create_queue(QueueName="costs")["QueueUrl"]

    def round_trip():
        sqs.send_message(QueueUrl=url, MessageBody="x")
        handle = sqs.receive_message(QueueUrl=url)["Messages"][0]["ReceiptHandle"]
        message = {"QueueUrl": url, "ReceiptHandle": handle}
        sqs.change_message_visibility(**message, VisibilityTimeout=60)
        sqs.delete_message(**message)

    found = []
    for count in (10, 490):
        for _ in range(count):
            sqs.send_message(QueueUrl=url, MessageBody="x")
        round_trip()
        found.append(calls(round_trip))
    return found


def wakes_of_an_idle_long_poll():
    url = sqs.create_queue(QueueName="idle")["QueueUrl"]
    waits = Counter()
    stock = threading.Condition.wait

    def wait(self, timeout=None):
        waits["wait"] += 1
        return stock(self, timeout)

    threading.Condition.wait = wait
    try:
        sqs.receive_message(QueueUrl=url, WaitTimeSeconds=2)
    finally:
        threading.Condition.wait = stock
    return waits["wait"]


def messages_given_twice():
    def attempt(number):
        url = sqs.create_queue(QueueName=f"race{number}")["QueueUrl"]
        for at in range(40):
            sqs.send_message(QueueUrl=url, MessageBody=str(at))

        def take(_):
            try:
                answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=3)
            except RuntimeError:
                return []  # stock moto now and then breaks down altogether: a set changed while it was walked
            return [m["Body"] for m in answer.get("Messages", [])]

        with ThreadPoolExecutor(8) as pool:
            bodies = [body for taken in pool.map(take, range(24)) for body in taken]
        return len(bodies) - len(set(bodies))

    return rounds(attempt, wanted=bool, count=10, until_shown=not OURS)


def random_letters_of_one_receive():
    url = sqs.create_queue(QueueName="letters")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="x")
    return calls(lambda: sqs.receive_message(QueueUrl=url), "choice")


def answers_to_random_calls():
    return random_calls.answers_to_random_calls(db, new_table("random"))


SCENARIOS = [
    concurrent_updates_add_up,
    failing_transactions_leave_others_alone,
    failed_updates_change_nothing,
    costs_at_100_and_1000_items,
    last_key_when_the_limit_is_the_count,
    a_transaction_sent_twice,
    items_alive_after_rewriting_one,
    stream_records_kept,
    calls_of_one_put_of_40_attributes,
    calls_of_one_update,
    copies_of_one_query,
    reads_of_26_items,
    wrong_index_key_types,
    queue_costs_at_10_and_500_messages,
    wakes_of_an_idle_long_poll,
    messages_given_twice,
    random_letters_of_one_receive,
    answers_to_random_calls,
]

if __name__ == "__main__":
    print(json.dumps({run.__name__: run() for run in SCENARIOS}))
