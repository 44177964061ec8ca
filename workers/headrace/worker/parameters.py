"""Fetches the parameters of a run that are too large for a grant, and proves that they are those meant."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping

from headrace.client.errors import ApiError
from headrace.contract.sync import Grant
from headrace.worker.prepare import PrepareError


def with_parameters(grant: Grant, fetch: Callable[[Grant], Mapping[str, object]]) -> Grant:
    """The grant with all its parameters.

    Raises:
        PrepareError: They cannot be had, or are others.
    """
    if grant.parameters_digest is None:
        return grant
    try:
        values = dict(fetch(grant))
    except ApiError as error:
        raise PrepareError(
            f"The run's parameters ({grant.parameters_size} bytes) cannot be fetched: {error}"
        ) from error
    data = json.dumps(values, separators=(",", ":"), ensure_ascii=False).encode()
    if hashlib.sha256(data).hexdigest() != grant.parameters_digest:
        raise PrepareError(f"The run's parameters arrived changed: {len(data)} bytes. Make the run anew.")
    return grant.model_copy(update={"parameters": values})
