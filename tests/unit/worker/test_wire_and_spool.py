"""Lines, and the keeper's spool."""

from __future__ import annotations

import json
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.worker.keeper.events import understood
from headrace.worker.keeper.pace import READS, REST, Pace
from headrace.worker.keeper.spool import Spool
from headrace.worker.keeper.wire import Lines, decode, encode


@given(st.lists(st.text(), max_size=8), st.integers(1, 7))
def test_messages_survive_any_cutting_of_the_stream(texts: list[str], size: int) -> None:
    stream = b"".join(encode({"v": text}) for text in texts)
    lines = Lines(1_000_000)
    heard = [line for at in range(0, len(stream), size) for line in lines.feed(stream[at : at + size])]
    assert [decode(line)["v"] for line in heard] == texts


def test_long_lines_come_in_pieces_also_without_an_end() -> None:
    lines = Lines(4)
    assert lines.feed(b"abcdefghij") == [b"abcd", b"efgh"]
    assert lines.feed(b"k\nxy") == [b"ijk"]
    assert lines.close() == [b"xy"]
    assert lines.close() == []


def test_what_is_no_object_is_refused() -> None:
    with pytest.raises(ValueError, match="object"):
        decode(b"[1]")
    with pytest.raises(ValueError, match="deeply"):
        decode(b'{"a":' + b"[" * 500_000 + b"]" * 500_000 + b"}")


def deep(levels: int) -> bytes:
    return b'{"t":"receipt","state_type":"COMPLETED","result":' + b"[" * levels + b"1" + b"]" * levels + b"}"


def test_a_receipt_is_kept_without_what_is_too_deep() -> None:
    assert understood(deep(100)) == (decode(deep(100)), deep(100))
    heard = understood(deep(101))
    assert heard is not None
    assert heard[0] == decode(heard[1])
    assert heard[0]["state_type"] == "COMPLETED"
    assert "not kept" in heard[0]["result"]


def test_a_receipt_that_cannot_be_read_says_so() -> None:
    for line in (deep(500_000), deep(2)[:-1]):
        heard = understood(line)
        assert heard is not None
        assert heard[0]["state_type"] == "CRASHED"
        assert "cannot be read" in heard[0]["message"]
    assert understood(b'{"t":"log",') is None


def spool(path: Path, **bounds: int) -> Spool:
    return Spool(path / "spool.log", **bounds)


def take_all(spool: Spool) -> list[bytes]:
    got: list[bytes] = []
    while True:
        first, records = spool.take(100)
        if not records:
            return got
        assert first == spool.acked + 1
        got += records
        spool.ack(first + len(records) - 1)


def test_records_overflow_to_disk_and_come_back_in_order(tmp_path: Path) -> None:
    kept = spool(tmp_path, memory=50, window=60)
    records = [b"%03d-record" % number for number in range(300)]
    for record in records:
        kept.add(record, "now")
    assert (tmp_path / "spool.log").exists()
    assert take_all(kept) == records
    assert kept.empty
    kept.add(b"later", "now")
    assert take_all(kept) == [b"later"]
    kept.close()
    assert not (tmp_path / "spool.log").exists()


def test_the_window_holds_back_what_is_not_acknowledged(tmp_path: Path) -> None:
    kept = spool(tmp_path, window=10)
    for _ in range(5):
        kept.add(b"12345", "now")
    assert kept.take(100) == (1, [b"12345", b"12345"])
    assert kept.take(100)[1] == []
    kept.ack(1)
    assert kept.take(100) == (3, [b"12345"])


def test_a_new_worker_gets_what_was_not_acknowledged_again(tmp_path: Path) -> None:
    kept = spool(tmp_path)
    for number in range(4):
        kept.add(b"%d" % number, "now")
    kept.take(100)
    kept.ack(1)
    kept.rewind()
    assert kept.take(100) == (2, [b"1", b"2", b"3"])


def test_past_the_bound_a_mark_stands_for_what_is_lost(tmp_path: Path) -> None:
    kept = spool(tmp_path, memory=10, disk=40)
    for number in range(20):
        kept.add(b'{"n":%d}' % number, "2026-01-01T00:00:00+00:00")
    records = [json.loads(record) for record in take_all(kept)]
    marks = [record for record in records if record.get("level") == 40]
    assert len(marks) == 1
    assert "cut here" in marks[0]["message"]
    assert [record["n"] for record in records if "n" in record] == list(range(len(records) - 1))
    kept.add(b'{"n":99}', "now")
    assert take_all(kept) == [b'{"n":99}']
    kept.close()


@pytest.fixture
def small_files() -> Iterator[None]:
    """No file may be larger than 100 bytes: as on a full disk, a write falls short or fails."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.usefixtures("small_files")
def test_a_full_disk_cuts_the_log_with_a_mark_and_nothing_else(tmp_path: Path) -> None:
    kept = spool(tmp_path, memory=30)
    for _ in range(2):
        for number in range(30):
            kept.add(b'{"n":%d}' % number, "2026-01-01T00:00:00+00:00")
        *records, mark = [json.loads(record) for record in take_all(kept)]
        assert [record["n"] for record in records] == list(range(len(records)))
        assert len(records) > 10
        assert "cut here" in mark["message"]
        assert kept.empty
    kept.add(b'{"n":99}', "now")
    assert take_all(kept) == [b'{"n":99}']
    kept.close()


def test_where_no_file_can_be_made_memory_is_all_there_is(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    kept = Spool(tmp_path / "file" / "spool.log", memory=30)
    for number in range(10):
        kept.add(b'{"n":%d}' % number, '"')
    *records, mark = [json.loads(record) for record in take_all(kept)]
    assert [record["n"] for record in records] == [0, 1, 2, 3]
    assert (mark["level"], mark["at"]) == (40, '"')
    kept.add(b'{"n":99}', "now")
    assert take_all(kept) == [b'{"n":99}']
    kept.close()


def test_a_run_that_writes_too_much_is_cut_once_and_for_all_with_a_mark(tmp_path: Path) -> None:
    kept = spool(tmp_path, most=1_000_000)
    for number in range(2000):
        kept.add(b'{"n":%d,"message":"%s"}' % (number, b"x" * 1000), "2026-01-01T00:00:00+00:00")
    assert kept.is_over
    records = [json.loads(record) for record in take_all(kept)]
    assert [record["n"] for record in records[:-1]] == list(range(len(records) - 1))
    assert "cut here: this attempt wrote over 1 MB" in records[-1]["message"]
    assert 900 < len(records) < 1000
    kept.add(b'{"n":0}', "now")
    assert kept.empty
    kept.end("now")
    (last,) = [json.loads(record) for record in take_all(kept)]
    assert last["message"].startswith(f"{2001 - len(records) + 1} records of this log were dropped")
    kept.close()


def test_a_log_that_is_whole_ends_without_a_mark(tmp_path: Path) -> None:
    kept = spool(tmp_path)
    kept.add(b"1", "now")
    assert take_all(kept) == [b"1"]
    kept.end("now")
    assert kept.empty


def test_a_pipe_that_always_has_something_new_rests_and_others_do_not() -> None:
    hasty, calm = Pace(), Pace()
    rests = [hasty.rest(10 + number * 0.0001) for number in range(3 * READS)]
    assert [bool(rest) for rest in rests].count(True) == 2
    assert rests[READS] == pytest.approx(10 + READS * 0.0001 + REST)
    assert not any(calm.rest(10 + number * 0.01) for number in range(3 * READS))
