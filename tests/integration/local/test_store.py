"""Tables and queues on disk: loading, compacting beside writes, expiring, refusing what cannot be kept."""

from __future__ import annotations

import errno
import json
import os
import threading
import time

import pytest

from headrace.local import journal, snapshot
from headrace.local.aws.dynamodb import DynamoDB
from headrace.local.aws.patches import PATCHES
from headrace.local.aws.sqs import SQS
from headrace.local.records import DataError
from headrace.local.store import Store

TABLE = "things"


class Opened:
    """Services over a data directory."""

    def __init__(self, directory, **options):
        self.directory = directory
        self.dynamodb, self.sqs = DynamoDB(), SQS()
        self.dynamodb.backend.reset()
        self.sqs.backend.reset()
        attributes = [{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk", "g")]
        self.call(
            "CreateTable",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=attributes,
            KeySchema=keys("pk", "sk"),
            GlobalSecondaryIndexes=[
                {
                    "IndexName": "grp",
                    "KeySchema": keys("g", "sk"),
                    "Projection": {"ProjectionType": "KEYS_ONLY"},
                }
            ],
        )
        self.call(
            "UpdateTimeToLive", TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires_at"}
        )
        self.store = Store(directory, self.dynamodb, self.sqs, **options)
        self.store.open()

    def call(self, action, **params):
        answer = self.dynamodb.call(action, json.dumps({"TableName": TABLE} | params).encode())
        found = json.loads(answer.body)
        return found if answer.status == 200 else (answer.status, found)

    def put(self, pk, **more):
        return self.call("PutItem", Item={"pk": {"S": pk}, "sk": {"S": "0"}, "g": {"S": "G"}} | more)

    def get(self, pk):
        return self.call("GetItem", Key={"pk": {"S": pk}, "sk": {"S": "0"}}).get("Item")

    def group(self):
        values = {":g": {"S": "G"}}
        found = self.call(
            "Query", IndexName="grp", KeyConditionExpression="g = :g", ExpressionAttributeValues=values
        )
        return [item["pk"]["S"] for item in found["Items"]]


def keys(hash_key, range_key):
    return [{"AttributeName": hash_key, "KeyType": "HASH"}, {"AttributeName": range_key, "KeyType": "RANGE"}]


@pytest.fixture
def open_data(tmp_path):
    """Opens the test's data directory, each time as a new server would."""
    PATCHES.apply()
    opened = []

    def open_it(**options):
        if opened:
            opened[-1].store.close()
        opened.append(Opened(tmp_path / "table", **options))
        return opened[-1]

    yield open_it
    for one in opened[-1:]:
        one.store.close()
        one.dynamodb.backend.reset()
        one.sqs.backend.reset()
    PATCHES.undo()


def files(data):
    return sorted(path.name for path in data.directory.iterdir())


def test_every_kind_of_write_and_value_is_read_back(open_data):
    data = open_data()
    values = {
        "b": {"B": "AP8="}, "n": {"N": "1.50"}, "ss": {"SS": ["x", "y"]}, "bs": {"BS": ["AA==", "/w=="]},
        "m": {"M": {"l": {"L": [{"NULL": True}, {"BOOL": False}, {"S": "é\n\"\\"}]}}},
    }  # fmt: skip
    data.put("kept", **values)
    data.put("deleted")
    data.call("DeleteItem", Key={"pk": {"S": "deleted"}, "sk": {"S": "0"}})
    data.call(
        "UpdateItem",
        Key={"pk": {"S": "updated"}, "sk": {"S": "0"}},
        UpdateExpression="SET g = :g",
        ExpressionAttributeValues={":g": {"S": "G"}},
    )
    put = {"TableName": TABLE, "Item": {"pk": {"S": "both"}, "sk": {"S": "0"}}}
    delete = {"TableName": TABLE, "Key": {"pk": {"S": "kept2"}, "sk": {"S": "0"}}}
    data.put("kept2")
    data.call("TransactWriteItems", TransactItems=[{"Put": put}, {"Delete": delete}])
    before = data.get("kept")
    again = open_data()
    assert again.get("kept") == before
    assert {name: again.get("kept")[name] for name in ("b", "n", "m")} == {
        n: values[n] for n in ("b", "n", "m")
    }
    assert again.get("both")
    assert again.group() == ["kept", "updated"]
    assert (again.get("deleted"), again.get("kept2")) == (None, None)


def test_refused_calls_leave_no_trace(open_data):
    data = open_data()
    data.put("x")
    size = sum(path.stat().st_size for path in data.directory.iterdir())
    assert data.call(
        "PutItem", Item={"pk": {"S": "x"}, "sk": {"S": "0"}}, ConditionExpression="attribute_exists(no)"
    )
    assert data.put("wrong", g={"N": "1"})[0] == 400
    assert data.put("large", blob={"S": "x" * 410_000})[0] == 400
    assert data.get("large") is None
    assert sum(path.stat().st_size for path in data.directory.iterdir()) == size


def test_compaction_keeps_everything_and_removes_the_old_files(open_data):
    data = open_data()
    data.sqs.call("CreateQueue", b'{"QueueName": "q"}')
    for at in range(600):
        data.put(str(at))
    data.call("DeleteItem", Key={"pk": {"S": "7"}, "sk": {"S": "0"}})
    data.store.compact()
    data.put("after")
    assert files(data) == ["journal-00000002.log", "snapshot-00000002.log"]
    again = open_data()
    assert (again.get("599") is None, again.get("7"), again.get("after") is None) == (False, None, False)
    assert len(again.group()) == 600
    assert list(again.sqs.attributes()) == ["q"]


def test_writes_go_on_while_a_snapshot_is_written(open_data, monkeypatch):
    data = open_data()
    for at in range(600):
        data.put(str(at))
    writing, written = threading.Event(), threading.Event()

    def pause(_):
        writing.set()
        assert written.wait(10)

    monkeypatch.setattr(time, "sleep", pause)
    compaction = threading.Thread(target=data.store.compact)
    compaction.start()
    assert writing.wait(10)
    data.put("meanwhile")
    data.put("5", changed={"S": "yes"})
    written.set()
    compaction.join(10)
    again = open_data()
    assert again.get("meanwhile")
    assert again.get("5")["changed"] == {"S": "yes"}
    assert len(again.group()) == 601


def test_a_compaction_that_was_killed_loses_nothing(open_data, monkeypatch):
    data = open_data()
    data.put("before")

    def killed(*_):
        raise OSError("killed")

    monkeypatch.setattr(snapshot, "image", killed)
    with pytest.raises(OSError, match="killed"):
        data.store.compact()
    data.put("after")
    monkeypatch.undo()
    assert files(data) == ["journal-00000001.log", "journal-00000002.log"]
    again = open_data()
    assert again.get("before")
    assert again.get("after")
    again.store.compact()
    assert files(again) == ["journal-00000003.log", "snapshot-00000003.log"]


def test_a_long_journal_is_compacted_by_itself(open_data, until):
    data = open_data(compact_at=20_000)
    for at in range(150):
        data.put(str(at % 10), filler={"S": "x" * 200})
    until(lambda: any(name.startswith("snapshot") for name in files(data)))
    until(lambda: not any(name.endswith("1.log") for name in files(data)))
    assert len(open_data().group()) == 10


def test_expired_items_are_removed_by_compaction(open_data):
    data = open_data(clock=lambda: 1000.0)
    data.put("old", expires_at={"N": "999"})
    data.put("new", expires_at={"N": "1001"})
    data.put("decoy", text={"S": '"expires_at":{"N":"1"}'})
    data.store.compact()
    assert data.get("old") is None
    assert data.group() == ["decoy", "new"]
    assert open_data().group() == ["decoy", "new"]


def test_a_write_that_cannot_be_kept_is_not_made(open_data, monkeypatch, caplog):
    data = open_data()
    data.put("x", v={"S": "1"})
    stock = os.write

    def full(file, content):
        monkeypatch.setattr(os, "write", stock)
        stock(file, content[:9])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(journal.os, "write", full)
    status, body = data.put("x", v={"S": "2"})
    assert status == 500
    assert "No space left" in body["message"]
    assert data.get("x")["v"] == {"S": "1"}
    data.put("y")
    again = open_data()
    assert again.get("x")["v"] == {"S": "1"}
    assert again.get("y")


@pytest.mark.skipif(os.name == "nt", reason="Windows orders its directories itself")
def test_with_fsync_a_journals_name_is_on_disk_before_its_first_write_is_answered(open_data, synced):
    data = open_data(fsync=True)
    folder = data.directory.stat().st_ino
    assert synced == [data.directory.parent.stat().st_ino, folder]
    data.put("x")
    assert synced[2:] == [journal.Journal.path(data.directory, 1).stat().st_ino]
    del synced[:]
    data.store.compact()
    assert synced == [folder, snapshot.path_of(data.directory, 2).stat().st_ino, folder]


@pytest.mark.skipif(os.name == "nt", reason="Windows opens files in another way")
def test_a_journal_that_cannot_be_followed_by_a_new_one_goes_on(open_data, tmp_path):
    data = open_data()
    data.put("before")
    in_the_way = journal.Journal.path(data.directory, 2)
    in_the_way.mkdir()
    with pytest.raises(OSError, match="Is a directory"):
        data.store.compact()
    with (tmp_path / "of another").open("wb"):  # gets the number of a file that was closed
        data.put("after")
    assert (tmp_path / "of another").read_bytes() == b""
    in_the_way.rmdir()
    data.store.compact()
    assert files(data) == ["journal-00000002.log", "snapshot-00000002.log"]
    assert open_data().group() == ["after", "before"]


def test_a_disk_that_is_full_when_a_journal_begins_leaves_the_old_one(open_data, monkeypatch):
    data = open_data()
    stock = os.write

    def full(file, content):
        monkeypatch.setattr(os, "write", stock)
        return stock(file, content[:5])

    monkeypatch.setattr(journal.os, "write", full)
    with pytest.raises(OSError, match="No space left"):
        data.store.compact()
    assert files(data) == ["journal-00000001.log"]
    data.put("after")
    assert open_data().group() == ["after"]


def test_data_of_an_unknown_table_are_refused(open_data):
    data = open_data()
    data.put("x")
    with pytest.raises(DataError, match="the table things, which does not exist here"):
        snapshot.load(data.directory, {})


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_a_snapshot_is_for_the_user_alone(tmp_path):
    umask = os.umask(0o000)
    try:
        data = Opened(tmp_path / "table")
        data.put("x")
        data.store.compact()
    finally:
        os.umask(umask)
        data.store.close()
    modes = {path.name.partition("-")[0]: path.stat().st_mode & 0o777 for path in data.directory.iterdir()}
    assert modes == {"snapshot": 0o600, "journal": 0o600}
