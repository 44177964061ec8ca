"""The job variables that a run is given, against the variables of its pool's job template."""

from __future__ import annotations

from collections.abc import Mapping

from chalicelib.domain import job_templates, run_variables
from chalicelib.domain.access import Caller
from chalicelib.services.ports import Ports


def template_of(ports: Ports, pool: str | None) -> Mapping[str, object] | None:
    """The job template of a pool; None if it has none of its own, or is not there."""
    view = ports.pools.view(pool) if pool else None
    return (view.pool.base_job_template or None) if view else None


def check(template: Mapping[str, object] | None, variables: Mapping[str, object], caller: Caller) -> None:
    """See that they fit, and that who makes or changes the run may give it these.

    Raises:
        TooLarge: over 100 KB.
        Invalid: `errors` names each mistake under `job_variables`.
        Forbidden: `errors` names those that need the right to deploy.
    """
    if variables:
        run_variables.check(job_templates.effective(template or {}), variables, caller)
    if template and variables:
        job_templates.check_variables(template, variables)


def check_for(ports: Ports, pool: str | None, variables: Mapping[str, object], caller: Caller) -> None:
    """The same for one run; its pool is read only if there is something to check."""
    if variables:
        check(template_of(ports, pool), variables, caller)
