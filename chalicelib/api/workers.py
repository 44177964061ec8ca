"""Routes of workers: their sessions, and `sync`."""

from __future__ import annotations

from uuid import UUID

from pydantic import TypeAdapter, ValidationError

from chalicelib.api import render_work as render
from chalicelib.api.endpoint import Call, endpoint
from chalicelib.api.kept import kept_message, kept_result
from chalicelib.api.pages import Page
from chalicelib.api.requests import MAX_BATCH, refusal
from chalicelib.domain.access import Need
from chalicelib.domain.logs import Record
from chalicelib.domain.reachable import reachable
from chalicelib.domain.reports import Kind, Told
from chalicelib.services.said import Answered, Said
from chalicelib.services.workers import Introduction, served
from headrace.contract import sync as sync_wire
from headrace.contract import workers as wire
from headrace.contract.base import StepName
from headrace.contract.run_states import State

_PATH = "/work_pools/{pool}/workers"
_NAME: TypeAdapter[str] = TypeAdapter(StepName)
SHOWN = 300
"""Characters of its message that the verdict on a report repeats."""
AT_ONCE = 0.1
"""Seconds after which a worker asks again where not all that waits could be looked at."""


@endpoint(
    "POST",
    _PATH + "/{worker}/sessions",
    body=wire.Register,
    answer=wire.Registered,
    status=201,
    needs=Need.WORK,
)
def register(call: Call[wire.Register], pool: str, worker: str) -> wire.Registered:
    """Open a session of a worker."""
    body, settings = call.body, call.plane.ports.settings
    worker = _worker_name(worker)
    said = Introduction(
        session=body.session,
        type=body.info.type,
        limit=body.info.limit,
        work_queues=body.info.work_queues,
        host=body.info.host,
        version=body.info.version,
        predecessor=body.predecessor,
        lost=[ref.run for ref in body.lost],
    )
    session, view = call.plane.workers.register(pool, worker, said)
    return wire.Registered(
        session=session.id,
        work_pool_name=pool,
        type=view.pool.type,
        lease_seconds=(session.lease_until - call.plane.ports.clock()).total_seconds(),
        sync_within_seconds=settings.sync_within_seconds,
        idle_sync_seconds=settings.idle_sync_seconds,
        pool_revision=view.pool.revision,
        queues=render.queue_addresses(view, served(view, session.work_queues)),
        control_queue_url=session.control_queue_url,
        sqs=wire.SqsAccess(
            region=settings.region,
            endpoint_url=reachable(settings.sqs_endpoint_url, call.host if settings.follow_host else None),
            credentials_needed=settings.require_keys and settings.sqs_endpoint_url is not None,
        ),
    )


@endpoint(
    "POST",
    _PATH + "/{worker}/credentials",
    answer=wire.AwsCredentials,
    status=201,
    needs=Need.WORK,
)
def credentials(call: Call[None], pool: str, worker: str) -> wire.AwsCredentials:
    """Give a worker AWS credentials for the queues of its pool, good for an hour."""
    issued = call.plane.credentials.issue(pool, _worker_name(worker))
    return wire.AwsCredentials(
        access_key_id=issued.access_key_id,
        secret_access_key=issued.secret_access_key,
        session_token=issued.session_token,
        expiration=issued.expiration,
        lifetime_seconds=(issued.expiration - call.plane.ports.clock()).total_seconds(),
    )


@endpoint("DELETE", _PATH + "/{worker}/sessions/{session_id}", needs=Need.WORK)
def sign_off(call: Call[None], pool: str, worker: str, session_id: UUID) -> None:
    """Close a session in good order."""
    call.plane.workers.sign_off(pool, worker, session_id)


@endpoint(
    "POST",
    _PATH + "/{worker}/sync",
    body=sync_wire.SyncRequest,
    answer=sync_wire.SyncAnswer,
    max_body=MAX_BATCH,
    needs=Need.WORK,
)
def sync(call: Call[sync_wire.SyncRequest], pool: str, worker: str) -> sync_wire.SyncAnswer:
    """Say and hear everything."""
    body = call.body
    said = Said(
        session=body.session,
        seq=body.seq,
        slots=body.slots,
        want=body.want,
        held={ref.run: ref.attempt for ref in body.held},
        hints=body.hints,
        reports=[(report.run, _told(body.session, report)) for report in body.reports],
        pool_revision=body.pool_revision,
        heard=body.heard,
        logs=[(batch.run, batch.attempt, batch.seq, _records(batch)) for batch in body.logs],
    )
    return _answer(call, body, call.plane.sync.sync(pool, worker, said))


@endpoint("POST", _PATH + "/filter", body=wire.WorkerList, answer=list[wire.Worker], needs=Need.VIEW)
def page(call: Call[wire.WorkerList], pool: str) -> Page:
    """The workers of a pool. A page of those of one status may be short, and another follow."""
    body = call.body
    found, cursor = call.plane.workers.of_pool(pool, body.cursor, body.limit, body.offset)
    now = call.plane.ports.clock()
    rows = [render.worker(worker, session, now) for worker, session in found]
    status = body.workers.status if body.workers else None
    if status and status.any_ is not None:
        rows = [row for row in rows if row.status in status.any_]
    return Page(rows, cursor)


@endpoint("POST", _PATH + "/{worker}/drain", answer=wire.Worker, needs=Need.OPERATE)
def drain(call: Call[None], pool: str, worker: str) -> wire.Worker:
    """Have a worker take nothing new, and leave when all that it runs is done."""
    told, session = call.plane.workers.drain(pool, worker)
    return render.worker(told, session, call.plane.ports.clock())


@endpoint("POST", _PATH + "/heartbeat", body=wire.WorkerHeartbeat, needs=Need.WORK)
def heartbeat(call: Call[wire.WorkerHeartbeat], pool: str) -> None:
    """The sign of life of a worker that does not use `sync`."""
    call.plane.workers.heartbeat(pool, call.body.name, call.body.heartbeat_interval_seconds)


def _worker_name(text: str) -> str:
    """The name of a worker that is about to be known by it."""
    try:
        return _NAME.validate_python(text)
    except ValidationError as error:
        raise refusal(error, "path.worker") from None


def _told(session: UUID, report: sync_wire.Report) -> Told:
    result, message = kept_result(report.result, report.message)
    return Told(
        session=session,
        attempt=report.attempt,
        seq=report.seq,
        kind=Kind(report.kind),
        at=report.at,
        pid=report.pid,
        state_type=report.state_type,
        state_name=report.state_name,
        message=message,
        result=result,
        error=report.error.model_dump(exclude_none=True) if report.error else None,
        retry_wanted=report.retry.wanted if report.retry else None,
        retry_after=report.retry.after if report.retry else None,
        log_bytes=report.log_bytes,
    )


def _records(batch: sync_wire.LogBatch) -> list[Record]:
    return [
        Record(record.at, record.level, record.name, kept_message(record.message)) for record in batch.records
    ]


def _briefly(state: State) -> State:
    """Who reported a state knows its message: many of them are too much for one answer."""
    return state.model_copy(update={"message": state.message[:SHOWN]}) if state.message else state


def _answer(call: Call[object], body: sync_wire.SyncRequest, answered: Answered) -> sync_wire.SyncAnswer:
    view = answered.view
    changed = view is not None and body.pool_revision != view.pool.revision
    now = call.plane.ports.clock()
    kinds = sync_wire.CommandKind
    commands = [
        sync_wire.Command(kind=kinds.CANCEL, run=run, attempt=attempt) for run, attempt in answered.cancel
    ]
    commands += [
        sync_wire.Command(kind=kinds.FENCED, run=run, attempt=attempt) for run, attempt in answered.fenced
    ]
    if answered.drain:
        commands.append(sync_wire.Command(kind=kinds.DRAIN))
    return sync_wire.SyncAnswer(
        lease_seconds=answered.lease_seconds,
        sync_within_seconds=AT_ONCE if answered.has_more else call.plane.ports.settings.sync_within_seconds,
        granted=[render.grant(granted) for granted in answered.granted],
        hints=[
            sync_wire.HintAnswer(run=run, verdict=sync_wire.HintVerdict(verdict))
            for run, verdict in answered.hints.items()
        ],
        verdicts=[
            sync_wire.Verdict(
                run=run,
                attempt=told.attempt,
                seq=told.seq,
                verdict=sync_wire.ReportVerdict(done.outcome.value),
                code=done.outcome.value,
                message=done.message,
                state=_briefly(render.state(done.run, done.run.state, now)) if done.run else None,
            )
            for run, told, done in answered.verdicts
        ],
        commands=commands,
        pool_revision=answered.pool_revision,
        queues=render.queue_addresses(view, answered.queues) if view and changed else None,
    )
