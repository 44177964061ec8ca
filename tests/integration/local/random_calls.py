"""Seeded random DynamoDB calls over a small space of keys, to compare two implementations call by call."""

from __future__ import annotations

import json
import random

from botocore.exceptions import ClientError


def answers_to_random_calls(db, table):
    """The same 700 calls to both: whatever is not meant to differ must not."""
    chance = random.Random(7)
    return [_outcome(db, *_random_call(table, chance)) for _ in range(700)]


def _outcome(db, method, arguments):
    try:
        answer = getattr(db, method)(**arguments)
    except ClientError as error:
        keys = ("Error", "CancellationReasons", "Item")
        return json.loads(json.dumps({name: error.response.get(name) for name in keys}, default=str))
    wanted = ("Item", "Items", "Count", "ScannedCount", "Attributes", "Responses", "UnprocessedItems")
    found = {name: answer[name] for name in wanted if name in answer}
    text = json.dumps(found, default=repr, sort_keys=True)
    return json.loads(
        text, object_hook=lambda node: {n: sorted(v) if n == "SS" else v for n, v in node.items()}
    )


def _random_item(chance):
    item = {"pk": {"S": str(chance.randrange(4))}, "sk": {"S": str(chance.randrange(10))}}
    if chance.random() < 0.8:
        item |= {"g": {"S": chance.choice("GH")}, "g_at": {"S": str(chance.randrange(20))}}
    item["n"] = {"N": str(chance.randrange(5))}
    item["tags"] = {"SS": sorted(chance.sample("abcd", 2))}
    item["map"] = {"M": {"x": {"L": [{"S": "1"}, {"B": b"\x00\xff"}]}, "y": {"NULL": True}}}
    return item


def _random_call(table, chance):
    item = _random_item(chance)
    where = {"pk": item["pk"], "sk": item["sk"]}
    condition = chance.choice(
        [
            {},
            {"ConditionExpression": "attribute_exists(pk)"},
            {"ConditionExpression": "n < :n", "ExpressionAttributeValues": {":n": {"N": "3"}}},
        ]
    )
    pick = chance.randrange(9)
    if pick < 2:
        return "put_item", {"TableName": table, "Item": item, "ReturnValues": "ALL_OLD"} | condition
    if pick == 2:
        return "update_item", _random_update(table, where, chance)
    if pick == 3:
        return "delete_item", {"TableName": table, "Key": where, "ReturnValues": "ALL_OLD"} | condition
    if pick == 4:
        more = chance.choice(
            [{}, {"ProjectionExpression": "n, map.x[1]"}, {"ProjectionExpression": "n,g,tags"}]
        )
        return "get_item", {"TableName": table, "Key": where} | more
    if pick == 5:
        steps = [{"Put": {"TableName": table, "Item": _random_item(chance)} | condition} for _ in range(2)]
        return "transact_write_items", {"TransactItems": steps}
    if pick == 6:
        return "batch_get_item", {"RequestItems": {table: {"Keys": [where]}}}
    return "query", _random_query(table, chance)


def _random_update(table, where, chance):
    expression, values = chance.choice(
        [
            ("SET g_at = :v, n = if_not_exists(n, :n) + :n", {":v": {"S": "5"}, ":n": {"N": "1"}}),
            ("SET g = :v REMOVE g_at, map.y", {":v": {"S": "H"}}),
            ("ADD n :n, tags :t", {":n": {"N": "2"}, ":t": {"SS": ["z"]}}),
            ("DELETE tags :t SET g = :v, g_at = :v", {":t": {"SS": ["a", "b"]}, ":v": {"S": "G"}}),
            ("SET pk = :v", {":v": {"S": "no"}}),
        ]
    )
    returned = chance.choice(["NONE", "ALL_OLD", "ALL_NEW", "UPDATED_OLD", "UPDATED_NEW"])
    return {"TableName": table, "Key": where, "UpdateExpression": expression,
            "ExpressionAttributeValues": values, "ReturnValues": returned}  # fmt: skip


def _random_query(table, chance):
    index = chance.choice([None, "grp", "all"])
    hash_key, range_key = {None: ("pk", "sk"), "grp": ("g", "g_at"), "all": ("g", "sk")}[index]
    comparison = chance.choice(
        ["", " AND {} = :a", " AND {} < :b", " AND {} <= :b", " AND {} > :a", " AND {} >= :a",
         " AND {} BETWEEN :a AND :b", " AND begins_with({}, :a)"]
    )  # fmt: skip
    values = {":h": {"S": chance.choice("0123" if index is None else "GH")}}
    values |= {
        name: {"S": str(at)} for name, at in ((":a", chance.randrange(10)), (":b", 7)) if name in comparison
    }
    arguments = {
        "TableName": table,
        "KeyConditionExpression": f"{hash_key} = :h" + comparison.format(range_key),
        "ExpressionAttributeValues": values,
        "ScanIndexForward": chance.random() < 0.5,
    }
    if index:
        arguments["IndexName"] = index
    if chance.random() < 0.6:
        arguments["Limit"] = chance.randrange(1, 6)
    if chance.random() < 0.4:
        item = _random_item(chance) | {hash_key: values[":h"], "g_at": {"S": "4"}}
        item.setdefault("g", {"S": "G"})
        arguments["ExclusiveStartKey"] = {name: item[name] for name in ("pk", "sk", hash_key, range_key)}
    if chance.random() < 0.3:
        arguments |= {"FilterExpression": "n > :n", "ExpressionAttributeValues": values | {":n": {"N": "1"}}}
    if chance.random() < 0.2:
        arguments["Select"] = "COUNT"
    return arguments
