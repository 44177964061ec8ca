"""Flow runs. A run's lane says where it stands: waiting in its queue or in a limit's line, or active.

Parameters and outcome go into items of their own when they are large: see `run_parts`.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from chalicelib.domain.deployments import ScheduleRecord
from chalicelib.domain.errors import HeadraceError, NotFound, Unavailable
from chalicelib.domain.names import stamp
from chalicelib.domain.runs import Run
from chalicelib.domain.shown_runs import place
from chalicelib.storage import documents, run_parts, slots
from chalicelib.storage.documents import Codec, IndexPage, Key, Transaction
from chalicelib.storage.run_lanes import lane_of, line_lane, owner
from chalicelib.storage.seam import Busy
from chalicelib.storage.table import Item

_RUN = Codec(Run)
SHARDS = 4
"""Partitions of a day's list: each takes 1,000 writes a second (AWS, DynamoDB partition limits)."""
TRIES = 8


class RunStore:
    """Reads and conditional writes of runs. `ended` is told of each run that a write here has ended."""

    def __init__(self) -> None:
        self._days: set[str] = set()
        self.ended: Callable[[Run], None] = lambda run: None

    def create(self, run: Run) -> bool:
        """A new run. False if there is one of that id."""
        self.note_day(run)
        parts = run_parts.large_parts(run)
        if not parts:
            item = run_item(run)
            return documents.put_new(item) or _is_there(item)
        write = Transaction()
        write.put(run_item(run), documents.absent())
        return run_parts.with_parts(write, parts).commit()

    def read(self, run: UUID) -> Run | None:
        """A run whole, read consistently."""
        return self.read_many([run]).get(run)

    def require(self, run: UUID) -> Run:
        """A run whole; raises `NotFound`."""
        found = self.read(run)
        if found is None:
            raise NotFound(f"There is no flow run {run}.", hint="`headrace flow-run ls` lists the latest.")
        return found

    def created(self, run: UUID) -> datetime | None:
        """When a run was made, None if there is none; cheaper than reading it whole."""
        item = documents.get((_pk(run), "RUN"), consistent=False) or documents.get((_pk(run), "RUN"))
        return _load(item, {}).created if item else None

    def read_many(self, runs: Iterable[UUID], consistent: bool = True) -> dict[UUID, Run]:
        """Runs whole, by id; those that do not exist are left out."""
        items = documents.get_many(((_pk(run), "RUN") for run in runs), consistent)
        parts = documents.get_many(key for item in items.values() for key in run_parts.part_keys(item))
        return {run.id: run for run in (_load(item, parts) for item in items.values())}

    def write(self, before: Run, after: Run) -> bool:
        """Write a change of a run, with the slots that it takes and gives back. False if it lost a race.

        A claim that finds a limit full loses it too. Losing to oneself is no loss: a write whose answer was
        lost is sent again by the SDK, and finds its condition broken by itself. (A transaction carries a
        token by which it is known again.)
        """
        if not self._write(before, after):
            return False
        if after.is_terminal and not before.is_terminal:
            self.ended(after)
        return True

    def _write(self, before: Run, after: Run) -> bool:
        after = replace(after, revision=before.revision + 1)
        parts, gone = run_parts.large_parts(after, before), run_parts.small_again(after, before)
        item = run_item(after)
        taken = [name for name in after.slots if name not in before.slots]
        given = [name for name in before.slots if name not in after.slots]
        if not (taken or given or parts or gone):
            return documents.replace(item, before.revision) or _is_there(item)
        write = Transaction()
        write.put(item, Item.rev == before.revision)
        for name in taken:
            slots.take(write, name, after.id)
        for name in given:
            slots.give_back(write, name, after.id)
        return run_parts.with_parts(write, parts, gone).commit()

    def tried(self, before: Run, after: Run) -> bool:
        """`write`, for a caller who looks again and may go on: somebody else at the same items is a lost race."""
        try:
            return self.write(before, after)
        except Busy:
            return False

    def adopt(self, run: Run, limit: str) -> bool:
        """Have a run that is active hold a limit made after its claim, full or not.

        False if it lost a race, or somebody else was at the same items.
        """
        write = Transaction()
        after = replace(run, slots=(*run.slots, limit), revision=run.revision + 1)
        write.put(run_item(after), Item.rev == run.revision)
        slots.hold(write, limit, run.id)
        try:
            return write.commit()
        except Busy:
            return False

    def create_occurrence(self, run: Run, schedule: ScheduleRecord) -> bool:
        """A new run of a schedule that is still of that revision. False otherwise."""
        self.note_day(run)
        write = Transaction()
        write.put(run_item(run), documents.absent())
        key = (f"DEPLOYMENT#{schedule.deployment_id}", f"SCHEDULE#{schedule.slug}")
        write.check(key, Item.rev == schedule.revision)
        return run_parts.with_parts(write, run_parts.large_parts(run)).commit()

    def change(self, run: UUID, how: Callable[[Run], Run | None], seen: Run | None = None) -> tuple[Run, Run]:
        """Read, decide and write until nobody is in between. (before, after); the same when `how` answers None.

        `seen` is the run as it was read just now, however consistently.

        Raises `NotFound`, what `how` raises, and `Unavailable` when others are always faster.
        """
        found = self._changed_cheaply(run, how, seen)
        if found is not None:
            return found
        for _ in range(TRIES):
            before = self.require(run)
            after = how(before)
            if after is None or after == before:
                return before, before
            if self.tried(before, after):
                return before, replace(after, revision=before.revision + 1)
        raise Unavailable(f"Flow run {run} is being changed by many at once.", code="busy", hint="Try again.")

    def _changed_cheaply(
        self, run: UUID, how: Callable[[Run], Run | None], seen: Run | None
    ) -> tuple[Run, Run] | None:
        """First try: an eventually consistent read at half the price. Only a write that succeeds proves it fresh."""
        before = seen or self.read_many([run], consistent=False).get(run)
        if before is None:
            return None
        try:
            after = how(before)
        except HeadraceError:
            return None
        if after is None or after == before or not self.tried(before, after):
            return None
        return before, replace(after, revision=before.revision + 1)

    def delete(self, run: Run) -> bool:
        """Delete a run with its log and parts, if nobody changed it since it was read."""
        key, is_same, parts = (_pk(run.id), "RUN"), Item.rev == run.revision, run_parts.large_parts(run)
        write = Transaction()
        write.delete(Item(*key), is_same)
        together = run_parts.with_parts(write, (), parts)
        is_gone = together.commit() if parts else documents.delete(key, is_same)
        if is_gone:
            self.sweep(run.id)
        return is_gone

    def sweep(self, run: UUID) -> None:
        """Delete the log and the parts of a run that is deleted."""
        for item in documents.partition(_pk(run), (" ", "~")):
            documents.delete((item.pk, item.sk))

    def lane(
        self, lane: str, *, until: datetime | None = None, after: str | None = None, limit: int
    ) -> list[tuple[UUID, str]]:
        """(id, place) of runs in a lane by due time, up to `until`, after a place."""
        high = f"{stamp(until)}~" if until else "\U0010ffff"
        low = f"{after}\x00" if after else " "
        page = documents.index_page(Item.lane_index, lane, low=low, high=high, limit=limit)
        return [(_id(key), place) for key, place in page.rows]

    def whole_lane(self, lane: str, part: str = "") -> Iterator[tuple[UUID, str]]:
        """(id, place) of all runs in a lane, page by page, so that long ones are quick to look through.

        In a limit's line a `part` of `pool/` or `pool/queue#` says whose.
        """
        low, more = part or " ", True
        while more:
            page = documents.index_page(
                Item.lane_index, lane, low=low, high=f"{part}\U0010ffff", limit=documents.WHOLE_PAGE
            )
            yield from ((_id(key), place) for key, place in page.rows)
            low, more = f"{page.rows[-1][1]}\x00" if page.rows else low, page.more

    def whole_history(self, owner: str) -> set[UUID]:
        """All runs of a `DEPLOYMENT#<id>` or `FLOW#<id>`."""
        return {_id(key) for key, _ in documents.whole_index(Item.history_index, owner)}

    def line(
        self, line: str, pool: str, queue: str, *, after: str | None = None, limit: int
    ) -> list[tuple[UUID, str]]:
        """(id, place) of one queue's runs in a limit's line, by due time, after a place."""
        part = f"{pool}/{queue}#"
        low = f"{after}\x00" if after else part
        page = documents.index_page(Item.lane_index, line_lane(line), low=low, high=f"{part}~", limit=limit)
        return [(_id(key), place) for key, place in page.rows]

    def queues_in_line(self, line: str, most: int) -> Iterator[tuple[str, str]]:
        """(pool, queue) of which runs wait in a limit's line: one short read for each."""
        low = " "
        for _ in range(most):
            page = documents.index_page(Item.lane_index, line_lane(line), low=low, limit=1)
            if not page.rows:
                return
            part = page.rows[0][1].rsplit("#", 2)[0]
            pool, _, queue = part.partition("/")
            yield pool, queue
            low = f"{part}#\U0010ffff"

    def history(
        self, owner: str, *, low: str = " ", high: str = "~", forward: bool, limit: int
    ) -> list[tuple[UUID, str]]:
        """(id, place) of all runs of a `DEPLOYMENT#<id>` or `FLOW#<id>`."""
        page = documents.index_page(
            Item.history_index, owner, low=low, high=high, forward=forward, limit=limit
        )
        return [(_id(key), place) for key, place in page.rows]

    def day(
        self, day: str, *, low: str = " ", high: str = "~", forward: bool, limit: int
    ) -> list[tuple[UUID, str]]:
        """(id, place) of all runs of a day, merged over its shards."""
        pages: list[IndexPage] = [
            documents.index_page(
                Item.day_index, f"RUNS#{day}#{shard}", low=low, high=high, forward=forward, limit=limit
            )
            for shard in range(SHARDS)
        ]
        rows = sorted(
            (row for page in pages for row in page.rows), key=lambda row: row[1], reverse=not forward
        )
        return [(_id(key), place) for key, place in rows[:limit]]

    def days(self, *, low: str = " ", high: str = "~", forward: bool, limit: int = 100) -> list[str]:
        """Days on which runs were first due, in order."""
        page = documents.index_page(
            Item.lane_index, "CATALOGUE#DAY", low=low, high=high, forward=forward, limit=limit
        )
        return [day for _, day in page.rows]

    def note_day(self, run: Run) -> None:
        """Before a run is written: its day stands in the catalogue of days, else no list would find it."""
        day = stamp(run.listed_at)[:10]
        if day in self._days:
            return
        documents.put(Item(f"DAY#{day}", "DAY", lane="CATALOGUE#DAY", lane_at=day))
        self._days.add(day)


def run_item(run: Run) -> Item:
    """The item of a run, without its large parts."""
    parts = run_parts.large_names(run)
    leave_out = ({"parameters"} if "P" in parts else set()) | ({"result", "error"} if "O" in parts else set())
    document = zlib.compress(_RUN.dump(run, leave_out).encode(), 6)
    item = Item(_pk(run.id), "RUN", rev=run.revision, blob=document, expires_at=run.expires_at)
    item.history, item.history_at = owner(run), place(run)
    item.day = f"RUNS#{stamp(run.listed_at)[:10]}#{run.id.int % SHARDS}"
    item.day_at = place(run)
    item.parts = parts or None
    lane = lane_of(run)
    if lane:
        part = f"{run.work_pool_name}/{run.work_queue_name}#" if lane.startswith("LINE#") else ""
        item.lane, item.lane_at = lane, f"{part}{stamp(run.due)}#{run.id}"
    return item


def _load(item: Item, parts: Mapping[Key, Item]) -> Run:
    run = _RUN.load(zlib.decompress(item.blob or b"").decode())
    return replace(run, revision=int(item.rev), **run_parts.contents(item, parts))  # type: ignore[arg-type]


def _is_there(item: Item) -> bool:
    """Whether the table has this very document, at this revision."""
    found = documents.get((item.pk, item.sk))
    return found is not None and (found.rev, found.blob) == (item.rev, item.blob)


def _id(key: Key) -> UUID:
    return UUID(key[0].removeprefix("RUN#"))


def _pk(run: UUID) -> str:
    return f"RUN#{run}"
