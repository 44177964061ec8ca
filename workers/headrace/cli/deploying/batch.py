"""Deploys from `headrace.yaml`: reads it, plans, shows the plan, and carries it out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headrace.cli.connect import connect
from headrace.cli.deploying import building, remarks
from headrace.cli.deploying.checking import wanted_of_all
from headrace.cli.deploying.terminal import is_interactive
from headrace.cli.errors import BadUsage, CliError
from headrace.cli.lookup import find_pool
from headrace.cli.output import Format, note, print_json, say
from headrace.project.execute import execute
from headrace.project.plan import PROJECT_LABEL, Action, Change, Create, Delete, Wanted, make_plan
from headrace.project.sources import Sources

if TYPE_CHECKING:
    from headrace.client.api import Api
    from headrace.contract.deployments import Deployment
    from headrace.project.model import Project

SIGNS = {Create: ("+", "green", "create"), Change: ("~", "yellow", "change"), Delete: ("-", "red", "delete")}
LONG = 90
"""Characters of a value that a plan shows."""


@dataclass(frozen=True)
class Wish:
    """What was asked of the project."""

    file: Path
    patterns: list[str] | None
    only_plan: bool
    sync: bool
    yes: bool
    check: bool
    output: Format


def deploy(wish: Wish) -> None:
    """Bring about what the project file says."""
    from headrace.project.read import read_file

    found = read_file(wish.file, wish.patterns, variables=_variable)
    project, folder = found.project, wish.file.resolve().parent
    steps = building.steps_of(project)
    if steps and wish.only_plan:
        note("The build and push steps are not run for a plan.")
    elif steps:
        building.run(steps, folder)
    with Sources(folder).kept() as sources:
        wanted = wanted_of_all(found, folder, sources, check=wish.check)
        with connect() as api:
            for remark in _remarks(api, wanted, sources):
                note(f"Warning: {remark}")
            actions = make_plan(project.name, wanted, _existing(api, project, wanted, wish), sync=wish.sync)
            if not wish.only_plan:
                _confirm(actions, wish)
                _carry_out(api, actions, sources, wish)
                return
    _show(actions, wish)


def _variable(name: str) -> object:
    """A variable of the control plane; raises `KeyError`."""
    from headrace.client.errors import NotFound

    with connect() as api:
        try:
            return api.variables.read(name).value
        except NotFound:
            raise KeyError(name) from None


def _remarks(api: Api, wanted: Sequence[Wanted], sources: Sources) -> Iterator[str]:
    """About all of them together: git is asked as often as for one."""
    yield from remarks.about_code([(_from_here(one.body), one.body["pull_steps"]) for one in wanted], sources)
    yield from remarks.about_pools(
        [find_pool(api, name) for name in sorted({str(one.body["work_pool_name"]) for one in wanted})]
    )


def _from_here(body: Mapping[str, Any]) -> str | None:
    """The entrypoint as seen from the project's folder."""
    entrypoint = body["entrypoint"]
    path = f"{str(body['path']).rstrip('/')}/" if entrypoint and body.get("path") else ""
    return f"{path}{entrypoint}" if entrypoint else None


def _existing(api: Api, project: Project, wanted: Sequence[Wanted], wish: Wish) -> dict[str, dict[str, Any]]:
    from headrace.client.errors import NotFound
    from headrace.client.resource import each
    from headrace.contract.deployments import DeploymentList

    found = {}
    for key in {name for one in wanted for name in (one.key, one.renamed_from) if name}:
        try:
            found[key] = _as_deployed(api, api.deployments.read_by_name(key))
        except NotFound:
            continue
    if wish.sync:
        for row in each(api.deployments.list, DeploymentList()):
            if row.labels.get(PROJECT_LABEL) == project.name:
                found[f"{row.flow_name}/{row.name}"] = _as_deployed(api, row)
    return found


def _as_deployed(api: Api, found: Deployment) -> dict[str, Any]:
    """What a deploy changes: of a pinned deployment that is its latest version, not the one in force."""
    shown = found.model_dump(mode="json")
    if not found.pinned:
        return shown
    latest = api.versions.read(found.id, found.latest_version_number).definition
    active = {schedule.slug: schedule.active for schedule in found.schedules}
    said: dict[str, dict[str, Any]] = latest["schedules"]  # type: ignore[assignment]
    schedules = [{**one, "slug": slug, "active": active.get(slug, True)} for slug, one in said.items()]
    return {**shown, **latest, "schedules": schedules}


def _confirm(actions: Sequence[Action], wish: Wish) -> None:
    gone = [action for action in actions if isinstance(action, Delete)]
    if not gone or wish.yes:
        return
    if not is_interactive() or wish.output is Format.JSON:
        names = ", ".join(action.key for action in gone)
        raise BadUsage(f"This would delete {names}.", "Look at it with --plan --sync, and agree with --yes.")
    _print(actions)
    from headrace.cli.wizard.ask import confirm

    if not confirm(f"Delete {len(gone)} deployment(s)?", default=False):
        raise CliError("Stopped: nothing was changed.")


def _carry_out(api: Api, actions: list[Action], sources: Sources, wish: Wish) -> None:
    from headrace.cli.commands.deployment_versions import number_shown
    from headrace.project.target import ApiTarget

    target = ApiTarget(api)
    made = [action for action in actions if not isinstance(action, Delete)]
    if made and sources.packed is not None:
        api.bundles.upload(sources.packed.path, sources.packed.digest)
    done: list[Action] = []
    try:
        execute(actions, target, done.append)
    except BaseException:
        if done:
            note(
                f"Done before this: {', '.join(action.key for action in done)}. The same command goes on from here."
            )
        raise
    if wish.output is Format.JSON:
        print_json([_plain(action) for action in done])
        return
    for action in done:
        sign, colour, word = SIGNS[type(action)]
        deployment = target.made.get(action.key)
        version = f", version {number_shown(deployment)}" if deployment else ""
        say(f"{sign} {word.rstrip('e')}ed {action.key}{version}", colour)
    if not done:
        say("Nothing to do: everything is as the file says.")


def _show(actions: Sequence[Action], wish: Wish) -> None:
    if wish.output is Format.JSON:
        print_json([_plain(action) for action in actions])
    elif actions:
        _print(actions)
    else:
        say("Nothing to do: everything is as the file says.")


def _plain(action: Action) -> dict[str, Any]:
    return {"action": SIGNS[type(action)][2], **asdict(action)}


def _print(actions: Sequence[Action]) -> None:
    for action in actions:
        sign, colour, word = SIGNS[type(action)]
        reason = f": {action.because}" if isinstance(action, Delete) else ""
        say(f"{sign} {word} {action.key}{reason}", colour)
        for change in action.changes if isinstance(action, Change) else ():
            before, after = _brief(change.before), _brief(change.after)
            shown = "differs" if before == after else f"{before} -> {after}"
            say(f"    {change.member}: {shown}")
    counts = [(word, sum(type(one) is kind for one in actions)) for kind, (_, _, word) in SIGNS.items()]
    say(", ".join(f"{count} to {word}" for word, count in counts) + ".")


def _brief(value: Any) -> str:
    import json

    if value is None:
        return "-"
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= LONG else f"{text[: LONG - 3]}..."
