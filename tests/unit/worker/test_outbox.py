"""What is still to be told: order, bounds, splitting, and the same batches after a takeover."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from uuid import UUID, uuid4

from headrace.contract.sync import Report, ReportKind
from headrace.worker.journal import Journal
from headrace.worker.logtail import LogTail
from headrace.worker.outbox import CUT_OFF, LEAST_FAST, Outbox

RUN = UUID(int=7)
KEY = (RUN, 1)
AT = datetime(2026, 1, 1, tzinfo=UTC)


def report(seq: int = 1, **more: object) -> Report:
    return Report.model_validate({"run": RUN, "attempt": 1, "seq": seq, "kind": "ended", "at": AT, **more})


def events(count: int, size: int = 10) -> list[dict[str, object]]:
    return [
        {"at": AT.isoformat(), "level": 20, "name": "n", "message": f"{n:0{size}d}"} for n in range(count)
    ]


def test_reports_go_before_logs_and_repeats_are_dropped() -> None:
    outbox = Outbox()
    outbox.add_logs(KEY, 1, events(3))
    assert outbox.add(report())
    assert not outbox.add(report())
    batch = outbox.next_batch()
    assert [one.seq for one in batch.reports] == [1]
    assert [(one.seq, len(one.records)) for one in batch.logs()] == [(1, 3)]
    assert outbox
    outbox.delivered()
    assert not outbox


def test_a_batch_is_bounded_and_the_rest_follows() -> None:
    outbox = Outbox(most=500)
    outbox.add_logs(KEY, 1, events(20))
    seqs = []
    while batch := outbox.next_batch():
        assert sum(piece.size for piece in batch.pieces) <= 600
        seqs += [(piece.first, piece.last) for piece in batch.pieces]
        outbox.delivered()
    assert seqs[0][0] == 1
    assert seqs[-1][1] == 20
    assert all(after[0] == before[1] + 1 for before, after in pairwise(seqs))


def test_a_young_start_waits_for_its_end_while_calls_follow_each_other() -> None:
    outbox = Outbox()
    outbox.add(report(1, kind="started"), young_until=10.0)
    outbox.add(report(9, run=uuid4()))
    assert outbox.waits_until() == 0.0
    assert [one.seq for one in outbox.next_batch(now=9.9).reports] == [9]
    outbox.delivered()
    assert outbox.waits_until() == 10.0
    outbox.add(report(2))
    assert [one.seq for one in outbox.next_batch(now=9.9).reports] == [1, 2]
    outbox.delivered()
    assert outbox.waits_until() is None


def test_a_start_that_is_old_or_has_no_call_behind_it_goes() -> None:
    for now in (None, 10.0):
        outbox = Outbox()
        outbox.add(report(1, kind="started"), young_until=10.0)
        assert [one.seq for one in outbox.next_batch(now=now).reports] == [1]


def test_logs_can_wait_while_reports_go() -> None:
    outbox = Outbox()
    outbox.add_logs(KEY, 1, events(3))
    outbox.add(report())
    batch = outbox.next_batch(with_logs=False)
    assert (len(batch.reports), batch.pieces) == (1, ())
    outbox.delivered()
    assert [(one.seq, len(one.records)) for one in outbox.next_batch().logs()] == [(1, 3)]


def test_slow_syncs_carry_less_log_until_they_are_quick_again() -> None:
    outbox = Outbox()
    outbox.add_logs(KEY, 1, events(40_000, 100))
    sizes = []
    for slowly in (True,) * 6 + (False,) * 6:
        sizes.append(sum(piece.size for piece in outbox.next_batch().pieces))
        outbox.delivered(slowly=slowly)
    assert 50_000 < min(sizes[:6]) <= LEAST_FAST
    assert sizes[:6] == sorted(sizes[:6], reverse=True)
    assert sizes[6:] == sorted(sizes[6:])
    assert sizes[-1] > 5 * LEAST_FAST


def test_a_flood_does_not_hold_the_logs_of_others_up() -> None:
    outbox = Outbox(most=100_000)
    quiet = [(uuid4(), 1) for _ in range(3)]
    outbox.add_logs(KEY, 1, events(20_000, 100))
    for key in quiet:
        outbox.add_logs(key, 1, events(100))
    batch = outbox.next_batch()
    sent = {(piece.run, piece.attempt): len(piece.records) for piece in batch.pieces}
    assert [sent[key] for key in quiet] == [100] * 3
    assert sent[KEY] > 200, "what they do not need is left to it"
    assert sum(piece.size for piece in batch.pieces) <= 100_000


def test_floods_share_and_none_is_always_the_last() -> None:
    outbox = Outbox(most=10_000)
    keys = [(uuid4(), 1) for _ in range(200)]
    for key in keys:
        outbox.add_logs(key, 1, events(100, 100))
    first, second = set(), set()
    for served in (first, second):
        served |= {piece.run for piece in outbox.next_batch().pieces}
        outbox.delivered()
    assert first
    assert first & second == set()


def test_what_was_too_large_is_sent_in_smaller_parts() -> None:
    outbox = Outbox()
    outbox.add_logs(KEY, 1, events(1000, 100))
    outbox.add(report())
    refused, messages, rounds = 0, [], 0
    while batch := outbox.next_batch():
        rounds += 1
        assert rounds < 200
        if sum(piece.size for piece in batch.pieces) > 20_000:
            refused += 1
            assert not outbox.split()
            continue
        messages += [record.message for logs in batch.logs() for record in logs.records]
        outbox.delivered()
    assert refused > 1
    assert messages == [event["message"] for event in events(1000, 100)]


def test_a_report_that_never_fits_loses_its_result_and_then_is_dropped() -> None:
    outbox = Outbox()
    outbox.add(report(result="x" * 1000, state_type="COMPLETED"))
    outbox.next_batch()
    assert not outbox.split()
    smaller = outbox.next_batch().reports[0]
    assert smaller.result is None
    assert "too large" in (smaller.message or "")
    assert outbox.split().reports == (smaller,)
    assert not outbox


def test_a_takeover_cuts_the_batches_that_its_predecessor_cut() -> None:
    tail = LogTail(*KEY)
    tail.take_over(2, [(5, 7)])
    tail.add(1, events(10))
    cuts = []
    while piece := tail.take(1_000_000):
        cuts.append((piece.first, piece.last))
    assert cuts == [(3, 4), (5, 7), (8, 10)]


def test_records_that_cannot_be_read_do_no_harm() -> None:
    tail = LogTail(*KEY)
    bad = [
        {},
        {"at": "x", "level": "y", "name": None, "message": 1},
        {"at": AT, "level": 99999, "name": "", "message": ""},
        {"at": AT, "level": float("inf"), "name": "", "message": ""},
        {"at": AT, "level": 20, "name": "\ud800", "message": ""},
    ]
    tail.add(1, bad)
    piece = tail.take(1_000_000)
    assert piece is not None
    assert len(piece.records) == len(bad)
    assert all("could not be read" in record.message for record in piece.records)


def test_a_long_message_is_cut_visibly() -> None:
    tail = LogTail(*KEY)
    tail.add(1, [{"at": AT, "level": 20, "name": "n", "message": "ä" * 300_000}])
    piece = tail.take(1)
    assert piece is not None
    assert len(piece.records[0].message.encode()) <= 200_000
    assert piece.records[0].message.endswith("[cut: the message had 600000 bytes]")


def test_the_journal_gives_back_what_it_got_and_survives_a_torn_line(tmp_path: Path) -> None:
    path = tmp_path / "j"
    journal = Journal(path)
    outbox = Outbox()
    outbox.add_logs(KEY, 5, events(2))
    batch = outbox.next_batch().logs()
    journal.add([report()], batch)
    journal.close()
    with path.open("a") as file:
        file.write('{"report": {"run": "')
    assert Journal(path).read() == ([report()], batch)
    Journal(path).clear()
    assert Journal(path).read() == ([], [])


def test_a_predecessors_batch_keeps_its_number() -> None:
    outbox = Outbox()
    outbox.add_logs(KEY, 5, events(2))
    batch = outbox.next_batch().logs()[0]
    other = Outbox()
    other.add_batch(batch)
    assert other.next_batch().logs() == [batch]


def test_a_worker_that_leaves_before_the_keeper_has_told_all_says_so_in_the_log() -> None:
    outbox = Outbox()
    outbox.add_logs(KEY, 1, events(3))
    outbox.expect(KEY, more=True)
    assert outbox.awaits
    outbox.cut_off()
    (batch,) = outbox.next_batch().logs()
    assert [record.message for record in batch.records][-1] == CUT_OFF
    assert (len(batch.records), outbox.awaits) == (4, False)
    outbox.expect(KEY, more=True)
    outbox.expect(KEY, more=False)
    assert not outbox.awaits


def test_forgotten_attempts_leave_nothing() -> None:
    outbox = Outbox()
    other = (uuid4(), 1)
    outbox.add(report(kind=ReportKind.ENDED))
    outbox.add_logs(other, 1, events(1))
    outbox.next_batch()
    outbox.delivered()
    outbox.forget(KEY)
    assert outbox.add(report())


def test_a_log_that_goes_on_after_its_run_was_forgotten_leaves_nothing_either() -> None:
    outbox = Outbox()
    outbox.expect(KEY, more=True)
    outbox.add_logs(KEY, 1, events(2))
    outbox.next_batch()
    outbox.delivered()
    outbox.forget(KEY)
    for first, more in ((3, True), (5, False)):
        outbox.expect(KEY, more=more)
        outbox.add_logs(KEY, first, events(2))
        assert [piece.first for piece in outbox.next_batch().pieces] == [first]
        outbox.delivered()
    assert not outbox
    assert (outbox._tails, outbox._over) == ({}, set())
