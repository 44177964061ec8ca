"""Where the control plane's code lies, and how it is imported."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import headrace
from headrace.contract.roles import Role
from headrace.local.errors import StartError

COMPANION = "worker of this server"


def control_plane_root() -> Path:
    """The directory of `app.py` and `chalicelib`: inside the installed wheel, or the checkout."""
    package = Path(headrace.__file__).resolve().parent
    for root in (package / "_control_plane", package.parent.parent):
        if (root / "app.py").is_file() and (root / "chalicelib").is_dir():
            return root
    raise StartError(
        "This installation of headrace does not carry the control plane.",
        'Install it again: pip install --force-reinstall "headrace[local]"',
    )


class ControlPlane:
    """The application's few entrances that the embedded server uses."""

    def __init__(self, root: Path) -> None:
        self._root = root
        if str(root) not in sys.path:
            sys.path.insert(0, str(root))

    def create_table(self) -> None:
        """Make the table, as the application defines it."""
        self._module("chalicelib.storage.table").create_table()

    def app(self) -> Any:
        """The Chalice application."""
        return self._module("app").app

    def after_start(self) -> None:
        """Extend the leases of workers that could not renew them while nothing was served here."""
        with self._refusals():
            self._plane().after_start()

    def first_admin_key(self) -> str | None:
        """The whole text of the first admin key, made now; None if there is an admin key already."""
        with self._refusals():
            key: str | None = self._plane().access.first_admin()
            return key

    def companion_key(self, pool: str) -> str:
        """A key for the worker beside the server, which serves this pool; the one of an earlier start ends."""
        with self._refusals():
            plane = self._plane()
            with suppress(self._module("chalicelib.domain.errors").Conflict):
                plane.pools.create(pool, {"type": "process"})
            plane.access.revoke_named(COMPANION, Role.WORKER)
            return str(plane.access.create(COMPANION, Role.WORKER, work_pool_name=pool)[1])

    def tick(self) -> None:
        """Do what time must do. This is the only place that knows how the application's tick is called."""
        self._plane().tick()

    def _plane(self) -> Any:
        return self._module("chalicelib.wiring").control_plane()

    @contextmanager
    def _refusals(self) -> Iterator[None]:
        """What the application refuses on the way up, a setting or a write, keeps the server from starting."""
        try:
            yield
        except self._module("chalicelib.domain.errors").HeadraceError as error:
            hint = error.hint or "Correct or leave out what is named here, and start again."
            if isinstance(error, self._module("chalicelib.domain.errors").Unavailable):
                hint = "What is logged above says why; look whether the disk is full."
            raise StartError(f"The server cannot start. {error}", hint) from error

    def _module(self, name: str) -> Any:
        module = importlib.import_module(name)
        if not Path(module.__file__ or "").resolve().is_relative_to(self._root):
            raise StartError(
                f"{name} was found at {module.__file__}, not in {self._root}.",
                "Start the server where no other module of that name is on PYTHONPATH.",
            )
        return module
