"""Takes back what one deploy made, if it does not come to its end: by a refusal, or by Ctrl-C."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from headrace.cli.connect import checked
from headrace.cli.errors import CliError
from headrace.cli.output import note
from headrace.cli.values import quote

if TYPE_CHECKING:
    from headrace.client.api import Api

INTERRUPTED = 130


class Undo:
    """What is to be taken back: only what was not there before."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._pool: str | None = None
        self._deployment: str | None = None

    def make_pool(self, name: str) -> None:
        """Make a pool of type process that was not there a moment ago."""
        from headrace.client.errors import ApiError
        from headrace.contract.work_pools import WorkPoolCreate

        body = checked(WorkPoolCreate, name=name, type="process")
        self._pool = name
        try:
            self._api.pools.create(body)
        except ApiError as error:
            if error.status:
                self._pool = None  # refused: one of that name is somebody else's, made at the same moment
            raise

    def makes(self, deployment: str | None) -> None:
        """The deployment of this full name is made next, if it is a new one."""
        self._deployment = deployment

    def refused(self) -> None:
        """The deployment was not made: one of that name is somebody else's."""
        self._deployment = None

    def all(self) -> None:
        """Take back; what stays nevertheless is told."""
        if self._deployment is not None:
            self._try(self._remove_deployment, f"headrace deployment delete {quote(self._deployment)}")
        if self._pool is not None:
            self._try(self._remove_pool, f"headrace work-pool delete {quote(self._pool)}")

    def _remove_deployment(self) -> None:
        self._api.deployments.delete(self._api.deployments.read_by_name(str(self._deployment)).id)

    def _remove_pool(self) -> None:
        self._api.pools.delete(str(self._pool))

    def _try(self, remove: Callable[[], None], command: str) -> None:
        from headrace.client.errors import ApiError, NotFound

        try:
            remove()
        except NotFound:
            return
        except (ApiError, KeyboardInterrupt) as error:
            reason = f" ({error.message})" if isinstance(error, ApiError) else ""
            note(f"What was made before this may still be there{reason}; to remove it: {command}")


@contextmanager
def undoing(api: Api) -> Iterator[Undo]:
    """Take back what was made here if what follows fails."""
    from headrace.client.errors import ApiError

    undo = Undo(api)
    try:
        yield undo
    except BaseException as error:
        if isinstance(error, ApiError) and error.status:
            undo.refused()
        undo.all()
        if isinstance(error, KeyboardInterrupt):
            raise CliError("Stopped before the deployment was made.", code=INTERRUPTED) from None
        raise
