"""The life of runs as a rule-based state machine: everything that may happen, in any order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.property.runs import checks
from tests.property.runs.hands import Hand
from tests.support import world
from tests.support.plane import Rig

START = datetime(2026, 3, 2, 12, 0, 10, tzinfo=UTC)
DEPLOYMENTS = ("main", "fast", "retried", "elsewhere")
TAGS = st.lists(st.sampled_from(["db", "gpu"]), unique=True, max_size=2)
PLACES = st.sampled_from(["pool", "pool/default", "pool/fast", "other"])
MAXIMA = st.sampled_from([None, None, 0, 1, 1, 2, 3])
OUTCOMES = st.sampled_from(["start", "start", "COMPLETED", "FAILED", "CRASHED", "release"])
NUMBERS = st.integers(0, 99)
SECONDS = st.sampled_from([1, 5, 20, 45, 61, 130, 400, 7200])


class RunLife(RuleBasedStateMachine):
    """Two pools, three queues, four deployments, up to four workers. `rig` is shared by all examples."""

    rig: Rig

    def __init__(self) -> None:
        super().__init__()
        self.rig.aws.clear()
        self.rig.clock.now = START
        self.rig.plane.ports.runs._days.clear()
        self.hands: list[Hand] = []
        self.ghosts: list[Hand] = []
        self.reran: set[UUID] = set()
        self.deleted: set[UUID] = set()
        self.rung: list[str] = []
        self.lagging = False
        self.caught_up = True

    @initialize()
    def make_the_place(self) -> None:
        rig = self.rig
        for pool in ("pool", "other"):
            rig.pool(pool)
        rig.ok("POST", "/work_pools/pool/queues", {"name": "fast", "priority": 1})
        self._patch("pool/default", {"priority": 2})
        self.flow = rig.ok("POST", "/flows/", {"name": "flow"})["id"]
        self.ids = {name: self._deploy(name)["id"] for name in DEPLOYMENTS}
        self.register(name="w1", pool="pool", only_fast=False, limit=3)
        self.register(name="w1", pool="other", only_fast=False, limit=2)
        self.before = world.read(rig.aws)

    def _deploy(self, name: str, **values: Any) -> Any:
        where = {"fast": ("pool", "fast"), "elsewhere": ("other", "default")}.get(name, ("pool", "default"))
        body = {"name": name, "flow_id": self.flow, "entrypoint": "f.py:f", "work_pool_name": where[0]}
        body |= {"work_queue_name": where[1], **values}
        if name == "retried":
            body["retry_policy"] = {"retries": 1, "delay": 30, "max_lost": 2}
        return self.rig.ok("POST", "/deployments", body)

    # --- runs -----------------------------------------------------------------------------------------

    @rule(
        names=st.lists(st.sampled_from(DEPLOYMENTS), min_size=1, max_size=6),
        tags=TAGS,
        delay=st.sampled_from([0, 0, 0, 1, 30, 2000]),
    )
    def create(self, names: list[str], tags: list[str], delay: int) -> None:
        for name in names:
            self._create(name, {"tags": tags, "state": self._scheduled(delay)})

    @rule(name=st.sampled_from(DEPLOYMENTS), key=st.sampled_from(["a", "b"]))
    def create_once(self, name: str, key: str) -> None:
        first = self._create(name, {"idempotency_key": key})
        assert self._create(name, {"idempotency_key": key}) == first

    def _create(self, name: str, body: dict[str, Any]) -> str:
        run = self.rig.ok("POST", f"/deployments/{self.ids[name]}/create_flow_run", body)
        self.rung.append(run["id"])
        return str(run["id"])

    def _scheduled(self, delay: int) -> dict[str, Any]:
        due = self.rig.clock.now + timedelta(seconds=delay)
        return {"type": "SCHEDULED", "state_details": {"scheduled_time": due}}

    @rule(
        pick=NUMBERS,
        what=st.sampled_from(["cancel", "again", "move", "delete"]),
        delay=st.sampled_from([0, 40]),
    )
    def by_hand(self, pick: int, what: str, delay: int) -> None:
        ids = sorted(self.before.runs)
        if what == "again":
            ids = [run for run in ids if self.before.runs[run].is_terminal]
        if ids:
            self._by_hand(ids[pick % len(ids)], what, delay)

    def _by_hand(self, run: UUID, what: str, delay: int) -> None:
        if what == "cancel":
            self._set_state(run, {"type": "CANCELLED", "message": "Enough."})
        elif what == "delete":
            reply = self.rig.call("DELETE", f"/flow_runs/{run}")
            assert reply.status in (204, 409)
            if reply.status == 204:
                self.deleted.add(run)
        elif what == "again" or not self.before.runs[run].is_terminal:
            self.reran.add(run)
            self._set_state(run, self._scheduled(delay))

    def _set_state(self, run: UUID, state: dict[str, Any]) -> None:
        self.rig.ok("POST", f"/flow_runs/{run}/set_state", {"state": state, "force": True})

    # --- workers --------------------------------------------------------------------------------------

    @rule(
        name=st.sampled_from(["w1", "w2", "w3"]),
        pool=st.sampled_from(["pool", "pool", "other"]),
        only_fast=st.booleans(),
        limit=st.integers(1, 3),
    )
    def register(self, name: str, pool: str, only_fast: bool, limit: int) -> None:
        old = [hand for hand in self.hands if (hand.pool, hand.name) == (pool, name)]
        queues = ["fast"] if only_fast and pool == "pool" else []
        hand = Hand(self.rig, pool, name, queues, limit)
        for other in old:
            other.children.clear()  # a restart: its keeper is gone, or has ended them
            self.hands.remove(other)
        reply = hand.register(old[0] if old else None)
        if reply.status == 409:
            assert reply.body["code"] == "worker_online"
            assert any((ghost.pool, ghost.name) == (pool, name) for ghost in self.ghosts)
            return
        assert reply.status == 201
        assert hand.register(old[0] if old else None).status == 201, "repeating it is harmless"
        self.hands.append(hand)
        sessions = world.read(self.rig.aws).sessions.values()
        same = [one for one in sessions if (one.work_pool_name, one.worker_name) == (pool, name)]
        assert [str(one.id) for one in same if one.is_open] == [hand.session], "one of a name at a time"

    @precondition(lambda self: self.hands)
    @rule(pick=NUMBERS, want=st.booleans(), lost=st.integers(0, 4), hints=st.lists(NUMBERS, max_size=3))
    def sync(self, pick: int, want: bool, lost: int, hints: list[int]) -> None:
        hand = self.hands[pick % len(self.hands)]
        rung = [self.rung[hint % len(self.rung)] for hint in hints if self.rung]
        self._sync(hand, hand.free if want else 0, list(dict.fromkeys(rung)), lost=lost == 0)

    def _sync(self, hand: Hand, want: int, hints: list[str], lost: bool = False) -> None:
        before = world.read(self.rig.aws)
        plain = hand.unanswered is None and not hand.outbox
        granted = hand.sync(want, hints, lost=lost)
        while hand.is_asked_again and not (lost or hand.is_over):
            granted += hand.sync(max(want - len(granted), 0), [])
        after = world.read(self.rig.aws)
        checks.check_grants(granted, before, after, self.rig, hand)
        if plain and not lost and not self.lagging and not hand.is_over:
            checks.check_choice(granted, want, before, after, self.rig, hand)
        if hand.is_over:
            self.hands.remove(hand)

    @precondition(lambda self: self.hands)
    @rule(rounds=st.integers(1, 3), ends=st.lists(OUTCOMES, min_size=1, max_size=6))
    def work(self, rounds: int, ends: list[str]) -> None:
        """Every worker takes what it can, and something becomes of it."""
        for _ in range(rounds):
            for hand in list(self.hands):
                self._sync(hand, hand.free, [])
            for what in ends:
                if any(hand.idle() for hand in self.hands):
                    self.child(pick=len(what), what=what)

    @precondition(lambda self: any(hand.idle() for hand in self.hands))
    @rule(pick=NUMBERS, what=OUTCOMES)
    def child(self, pick: int, what: str) -> None:
        """Something becomes of a run in hand."""
        holding = [(hand, run) for hand in self.hands for run in hand.idle()]
        hand, run = holding[pick % len(holding)]
        is_running = (run, hand.held[run]) in hand.live()
        if what == "start" and not is_running:
            hand.start(run)
        elif what == "release" and not is_running:
            hand.end(run, "released")
        elif what not in ("start", "release"):
            hand.end(run, "ended", state_type=what)

    @precondition(lambda self: any(hand.outbox for hand in self.hands))
    @rule(pick=NUMBERS, how=st.sampled_from(["reverse", "double", "old", "old"]))
    def shuffle_reports(self, pick: int, how: str) -> None:
        """The next request has its reports in another order, twice, or with some of long ago."""
        full = [hand for hand in self.hands if hand.outbox and hand.unanswered is None]
        if full:
            hand = full[pick % len(full)]
            more = {"reverse": [], "double": hand.outbox, "old": hand.told[-5:]}[how]
            hand.outbox = [*more, *(hand.outbox[::-1] if how == "reverse" else hand.outbox)]

    @precondition(lambda self: self.hands)
    @rule(pick=NUMBERS, politely=st.booleans())
    def leave(self, pick: int, politely: bool) -> None:
        """A worker signs off, or is not heard of any more (its children may go on)."""
        hand = self.hands.pop(pick % len(self.hands))
        if not politely:
            self.ghosts.append(hand)
            return
        hand.children.clear()
        assert self.rig.call("DELETE", f"{hand.path}/sessions/{hand.session}").status == 204

    @precondition(lambda self: self.ghosts)
    @rule(pick=NUMBERS)
    def ghost_speaks(self, pick: int) -> None:
        """A worker thought lost comes back with what it has to say: old reports, old beliefs."""
        ghost = self.ghosts[pick % len(self.ghosts)]
        for run in ghost.idle():
            ghost.end(run, "ended", state_type="COMPLETED")
        self._ghost_syncs(ghost)

    def _ghost_syncs(self, ghost: Hand) -> None:
        before = world.read(self.rig.aws)
        granted = ghost.sync(0)
        checks.check_grants(granted, before, world.read(self.rig.aws), self.rig, ghost)
        if ghost.is_over:
            self.ghosts.remove(ghost)

    # --- pauses, limits, priorities -------------------------------------------------------------------

    @rule(place=PLACES, paused=st.sampled_from([False, False, True]), priority=st.integers(1, 3))
    def pause_or_resume(self, place: str, paused: bool, priority: int) -> None:
        self._patch(place, {"is_paused": paused, **({"priority": priority} if "/" in place else {})})

    @rule(what=PLACES | st.sampled_from(DEPLOYMENTS) | st.sampled_from(["tag:db", "tag:gpu"]), limit=MAXIMA)
    def limit(self, what: str, limit: int | None) -> None:
        if what in DEPLOYMENTS:
            body = {"concurrency_limit": limit}
            self.rig.ok("PATCH", f"/deployments/{self.ids[what]}", body)
        elif what.startswith("tag:"):
            self._limit_tag(what.removeprefix("tag:"), limit)
        else:
            self._patch(what, {"concurrency_limit": limit})

    def _limit_tag(self, tag: str, limit: int | None) -> None:
        if limit is None:
            assert self.rig.call("DELETE", f"/v2/concurrency_limits/{tag}").status in (204, 404)
            return
        reply = self.rig.call("POST", "/v2/concurrency_limits", {"name": tag, "limit": limit})
        if reply.status == 409:
            self.rig.ok("PATCH", f"/v2/concurrency_limits/{tag}", {"limit": limit})

    def _patch(self, place: str, body: dict[str, Any]) -> None:
        pool, slash, queue = place.partition("/")
        path = f"/work_pools/{pool}"
        if slash:
            path = f"/work_queues/{self.rig.ok('GET', f'{path}/queues/{queue}')['id']}"
        self.rig.ok("PATCH", path, body)

    @rule(
        name=st.sampled_from(DEPLOYMENTS),
        paused=st.sampled_from([False, False, True]),
        strategy=st.sampled_from(["ENQUEUE", "ENQUEUE", "CANCEL_NEW"]),
    )
    def change_deployment(self, name: str, paused: bool, strategy: str) -> None:
        body = {"paused": paused, "concurrency_options": {"collision_strategy": strategy}}
        self.rig.ok("PATCH", f"/deployments/{self.ids[name]}", body)

    @rule(name=st.sampled_from(DEPLOYMENTS), count=st.integers(2, 3), ask=st.booleans())
    def resume_a_crowd(self, name: str, count: int, ask: bool) -> None:
        """More wait in a line than are promoted at once when it is lifted."""
        path = f"/deployments/{self.ids[name]}"
        self.rig.ok("PATCH", path, {"paused": True})
        for _ in range(count):
            self._create(name, {})
        self.rig.ok("PATCH", path, {"paused": False})
        if ask and self.caught_up:
            self.ask()

    @rule(
        names=st.permutations(["main", "retried"]),
        what=st.sampled_from(["pause", "cancel", "postpone", "delete"]),
        ask=st.booleans(),
    )
    def first_of_a_line_does_not_start(self, names: list[str], what: str, ask: bool) -> None:
        """It came into its queue, and something came between before a worker took it."""
        self._limit_tag("db", 0)
        owners = {self._create(name, {"tags": ["db"]}): name for name in names}
        self._limit_tag("db", 1)
        lanes = world.read(self.rig.aws).lanes
        run = next((run for run in owners if "READY#" in (lanes[UUID(run)] or "")), next(iter(owners)))
        if what == "pause":
            self.rig.ok("PATCH", f"/deployments/{self.ids[owners[run]]}", {"paused": True})
        elif what == "delete":
            assert self.rig.call("DELETE", f"/flow_runs/{run}").status == 204
        else:
            self._set_state(UUID(run), self._scheduled(40) if what == "postpone" else {"type": "CANCELLED"})
        if ask and self.caught_up:
            self.ask()

    # --- schedules ------------------------------------------------------------------------------------

    @rule(
        name=st.sampled_from(DEPLOYMENTS),
        second=st.sampled_from([0, 30]),
        overlap=st.sampled_from(["allow", "skip", "cancel_running"]),
        catchup=st.sampled_from(["latest", "all", "none"]),
        lateness=st.sampled_from([None, None, 90]),
        active=st.sampled_from([True, True, False, None]),
    )
    def schedule(
        self, name: str, second: int, overlap: str, catchup: str, lateness: int | None, active: bool | None
    ) -> None:
        """Made, changed, paused, or (None) deleted."""
        spec = {"interval": 60, "anchor_date": f"2026-01-01T00:00:{second:02d}Z"}
        options = {"overlap": overlap, "catchup": catchup, "max_lateness": lateness, "active": active}
        wanted = [{"schedule": spec, "slug": "s", **options}] if active is not None else []
        self._change_what_waits(name, {"schedules": wanted})

    @rule(
        name=st.sampled_from(DEPLOYMENTS),
        where=st.sampled_from([("pool", "default"), ("pool", "fast"), ("other", "default")]),
        number=st.integers(1, 2),
    )
    def move(self, name: str, where: tuple[str, str], number: int) -> None:
        """To another pool or queue, with other parameters."""
        body = {"work_pool_name": where[0], "work_queue_name": where[1], "parameters": {"n": number}}
        self._change_what_waits(name, body)

    def _change_what_waits(self, name: str, body: dict[str, Any]) -> None:
        before = world.read(self.rig.aws)
        self.rig.ok("PATCH", f"/deployments/{self.ids[name]}", body)
        checks.check_kept(before, world.read(self.rig.aws), UUID(self.ids[name]), self.rig.clock.now)

    # --- time -----------------------------------------------------------------------------------------

    @rule(seconds=SECONDS)
    def wait(self, seconds: int) -> None:
        self.rig.clock.forward(seconds)

    @rule(times=st.integers(1, 2), seconds=st.sampled_from([0, 20, 60]))
    def tick(self, times: int, seconds: int) -> None:
        for _ in range(times):
            self.rig.clock.forward(seconds)
            self.rig.plane.tick()
        self.caught_up = not self.lagging

    @rule(writes=st.sampled_from([0, 1, 3, 10]))
    def lag(self, writes: int) -> None:
        self.rig.aws.lag(writes)
        self.lagging = writes > 0
        self.caught_up = self.caught_up and not self.lagging

    @precondition(lambda self: self.caught_up)
    @rule()
    def ask(self) -> None:
        """Without a tick, free workers find all that may start, once what a lagging index hid was ticked through."""
        while self._all_ask():  # they had something to repeat or to tell: slots come free by that
            pass
        left = checks.left_over(world.read(self.rig.aws), self.rig, self.hands)
        assert not left, f"could start, and did not: {[(run.id, run.line) for run in left]}"

    def _all_ask(self) -> bool:
        """Whether they are to ask again: with something left to tell, or since runs moved, for which they are rung."""
        had_more = any(hand.unanswered or hand.outbox for hand in self.hands)
        lanes = world.read(self.rig.aws).lanes
        for hand in list(self.hands):
            self._sync(hand, hand.free, [])
        is_moved = lanes != world.read(self.rig.aws).lanes
        return had_more or is_moved or any(hand.outbox for hand in self.hands)

    @rule()
    def settle(self) -> None:
        """With the indexes caught up, a tick and a sync leave nothing that could start beside a free slot."""
        self.lag(0)
        for _ in range(4):
            self.rig.plane.tick()
            for hand in list(self.hands):
                self._sync(hand, hand.free, [])
            left = checks.left_over(world.read(self.rig.aws), self.rig, self.hands)
            if not left and not any(hand.unanswered or hand.outbox for hand in self.hands):
                break
        assert not left, f"could start, and did not: {[run.id for run in left]}"
        now = world.read(self.rig.aws)
        world.check_settled(now)
        checks.check_why(now, self.rig)
        checks.check_schedules(now, self.rig, self.deleted)
        self.rig.clock.forward(13)
        for hand in list(self.hands):
            self._sync(hand, 0, [])
        checks.check_known(world.read(self.rig.aws), self.hands)

    # --- always ---------------------------------------------------------------------------------------

    @invariant()
    def holds_always(self) -> None:
        if not hasattr(self, "before"):
            return
        now = world.read(self.rig.aws)
        world.check_always(now)
        checks.check_step(self.before, now, self.reran)
        checks.check_children([*self.hands, *self.ghosts], now)
        self.before = now
        self.reran.clear()

    def teardown(self) -> None:
        if hasattr(self, "before"):
            self.settle()
            self._let_everything_end()

    def _let_everything_end(self) -> None:
        """With nothing in their way and willing workers, all runs that were ever made come to an end."""
        for place in ("pool", "pool/default", "pool/fast", "other", "other/default"):
            self._patch(place, {"is_paused": False, "concurrency_limit": None})
        for name in DEPLOYMENTS:
            body = {"paused": False, "concurrency_limit": None, "schedules": []}
            self.rig.ok("PATCH", f"/deployments/{self.ids[name]}", body)
        for tag in ("db", "gpu"):
            self._limit_tag(tag, None)
        self.rig.clock.forward(3000)
        last = [Hand(self.rig, pool, "last", [], 100) for pool in ("pool", "other")]
        for hand in last:
            hand.register()
        for _ in range(10):
            self.rig.clock.forward(40)
            self.rig.plane.tick()
            for hand in last:
                self._sync(hand, hand.free, [])
                for run in hand.idle():
                    hand.end(run, "ended", state_type="COMPLETED")
        self.holds_always()
        left = [f"{run.id} {run.state.type}" for run in self.before.runs.values() if not run.is_terminal]
        assert not left, f"never ended: {left}"
