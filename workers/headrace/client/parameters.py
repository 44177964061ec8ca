"""The parameters of a run that no answer of the API carries: the run tells where they are."""

from __future__ import annotations

import hashlib
import json
import zlib
from typing import TYPE_CHECKING

from headrace.client.errors import ApiError, Unreachable
from headrace.client.storage import ATTEMPTS, check, storage

if TYPE_CHECKING:
    from headrace.contract.flow_runs import FlowRun


def with_parameters(run: FlowRun) -> FlowRun:
    """The run with all its parameters. The address, which is a credential, is left out.

    Raises:
        ApiError: The storage does not answer, or with something else.
    """
    if run.parameters_url is None:
        return run
    packed = _fetched(run.parameters_url)
    try:
        data = zlib.decompressobj().decompress(packed, (run.parameters_size or 0) + 1)
    except zlib.error:
        data = b""
    if hashlib.sha256(data).hexdigest() != run.parameters_digest:
        text = f"The parameters of flow run {run.name!r} arrived changed: {len(data)} bytes."
        raise ApiError(200, "storage_error", text, hint="Try again.")
    return run.model_copy(update={"parameters": json.loads(data), "parameters_url": None})


def _fetched(url: str) -> bytes:
    for left in reversed(range(ATTEMPTS)):
        try:
            with storage(url) as http:
                answer = http.get(url)
                check(answer)
                return answer.content
        except Unreachable:
            if not left:
                raise
    raise AssertionError("there is at least one attempt")
