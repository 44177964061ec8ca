"""The one table: its keys, its indexes, and the item that every record is.

    record                pk                   sk                       lane / lane_at
    ------------------------------------------------------------------------------------------------
    pool                  POOL#<name>          POOL                     CATALOGUE#POOL / name
    its queues            POOL#<name>          QUEUE#<name>             CATALOGUE#QUEUE / pool/name
    its workers           POOL#<name>          WORKER#<name>
    queue's id            QUEUE#<id>           ID
    session               SESSION#<id>         SESSION                  CATALOGUE#SESSION / pool/id, until it is let go
    slots of a limit      SLOTS#<limit>        SLOTS                    CATALOGUE#LIMIT / limit
                                                or CATALOGUE#REMOVED / since#limit, while runs may wait for it
    flow                  FLOW#<id>            FLOW                     CATALOGUE#FLOW / name
    deployment            DEPLOYMENT#<id>      DEPLOYMENT               CATALOGUE#DEPLOYMENT / full name
    its schedules         DEPLOYMENT#<id>      SCHEDULE#<slug>          DUE#<shard> / next due#id of it (active)
    its versions          DEPLOYMENT#<id>      VERSION#<number>
    what they say         DEPLOYMENT#<id>      DEFINITION#<number>
    run                   RUN#<id>             RUN                      where it stands:
                                                READY#<pool>/<queue> / due#id     waits, may start
                                                LINE#<limit>         / pool/queue#due#id   waits for it
                                                ACTIVE#<pool or "">  / due#id     RUNNING, CANCELLING
    its large parameters  RUN#<id>             PARAMETERS
    its large outcome     RUN#<id>             OUTCOME
    its log chunks        RUN#<id>             LOG#<attempt>#<time>#<seq>
    a day with runs       DAY#<day>            DAY                      CATALOGUE#DAY / day
    variable              VARIABLE#<id>        VARIABLE                 CATALOGUE#VARIABLE / name
    API key               KEY#<id>             KEY                      CATALOGUE#KEY / role#name#id
    watermark of the tick TICK                 TICK
    how far it came       TICK                 LINE
    queues deleted lately TICK                 GONE#<since>#<pool>
    how far it saw these  TICK                 ROUND

Three sparse indexes, keys only since each projected change is billed: `lane` (above), `history`
(runs of a deployment or of a flow: `DEPLOYMENT#<id>` or `FLOW#<id>` / due#id) and `day` (all runs:
`RUNS#<day>#<shard>` / due#id). Whatever no condition and no key needs is in `doc`, one JSON text,
or in `blob`, compressed: that of runs with their parts and logs, and of definitions. `parts` names a run's parts.
`v` is the number of the form in which an item was written: see `schema`.
"""

from __future__ import annotations

from pynamodb.attributes import (
    BinaryAttribute,
    BinarySetAttribute,
    NumberAttribute,
    TTLAttribute,
    UnicodeAttribute,
)
from pynamodb.indexes import GlobalSecondaryIndex, KeysOnlyProjection
from pynamodb.models import Model

from chalicelib.settings import Settings
from chalicelib.storage import schema


class LaneIndex(GlobalSecondaryIndex["Item"]):  # type: ignore[no-untyped-call]
    """Where a record stands now: waiting, active, due, or in a catalogue."""

    class Meta:
        """Keys only."""

        index_name = "lane"
        projection = KeysOnlyProjection()

    lane = UnicodeAttribute(hash_key=True)
    lane_at = UnicodeAttribute(range_key=True)


class HistoryIndex(GlobalSecondaryIndex["Item"]):  # type: ignore[no-untyped-call]
    """Runs of one deployment or flow, by due time."""

    class Meta:
        """Keys only."""

        index_name = "history"
        projection = KeysOnlyProjection()

    history = UnicodeAttribute(hash_key=True)
    history_at = UnicodeAttribute(range_key=True)


class DayIndex(GlobalSecondaryIndex["Item"]):  # type: ignore[no-untyped-call]
    """All runs, by the day on which they are due."""

    class Meta:
        """Keys only."""

        index_name = "day"
        projection = KeysOnlyProjection()

    day = UnicodeAttribute(hash_key=True)
    day_at = UnicodeAttribute(range_key=True)


class Item(Model):
    """One record of any kind; which attributes it has is drawn above."""

    class Meta:
        """Where the table is; `use_table` says it."""

        table_name = "headrace-local"
        region = "us-east-1"
        billing_mode = "PAY_PER_REQUEST"
        max_retry_attempts = 4
        connect_timeout_seconds = 3
        read_timeout_seconds = 10

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    lane = UnicodeAttribute(null=True)
    lane_at = UnicodeAttribute(null=True)
    history = UnicodeAttribute(null=True)
    history_at = UnicodeAttribute(null=True)
    day = UnicodeAttribute(null=True)
    day_at = UnicodeAttribute(null=True)
    rev = NumberAttribute(null=True)
    v = NumberAttribute(null=True, default_for_new=schema.NUMBER)
    doc = UnicodeAttribute(null=True)
    blob = BinaryAttribute(null=True, legacy_encoding=False)
    parts = UnicodeAttribute(null=True)
    holders = BinarySetAttribute(null=True, legacy_encoding=False)
    maximum = NumberAttribute(null=True)
    expires_at = TTLAttribute(null=True)

    lane_index = LaneIndex()
    history_index = HistoryIndex()
    day_index = DayIndex()


def use_table(settings: Settings) -> None:
    """Point every store at the stage's table."""
    Item.Meta.table_name = settings.table
    Item.Meta.region = settings.region
    Item._connection = None


def create_table() -> None:
    """Make the table with its indexes, for the embedded control plane and tests.

    An account's table is made by `infra/template.yaml`; a test compares the two.
    """
    Item.create_table(wait=True)
