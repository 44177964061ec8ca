"""`@flow`: a function that Headrace can run, by a direct call or from a deployment by a worker."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ParamSpec, Self, TypeVar, Unpack, cast, overload

from headrace.callee import Callee, CalleeOptions
from headrace.context import Run, current_run, new_run_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uuid import UUID

    from headrace.deployment_options import DeploymentOptions
    from headrace.flow_deployments import FlowDeployment

P = ParamSpec("P")
R = TypeVar("R")


class FlowOptions(CalleeOptions, total=False):
    """Options of `@flow`."""

    version: str | None
    validate_parameters: bool


class Flow(Callee[P, R]):
    """A flow. Calling it runs it here and now; `fn` is the function itself."""

    kind = "flow"
    takes = FlowOptions.__optional_keys__

    def __init__(
        self,
        fn: Callable[P, R],
        *,
        version: str | None = None,
        validate_parameters: bool = True,
        **options: Unpack[CalleeOptions],
    ) -> None:
        super().__init__(fn, **options)
        self.version = version
        self.should_validate = validate_parameters
        self._options |= {"version": version, "validate_parameters": validate_parameters}
        self._parameters: Any = None

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run the flow here: plain Python with logs, retries and the time limit; no server is asked."""
        if loading.active:
            return cast("R", _not_now(self))
        from headrace.calls import call, call_async
        from headrace.parameters.arguments import Arguments

        arguments = Arguments.of_call(self.fn, args, kwargs)
        if self.should_validate:
            arguments = arguments.validated(self.label)
        parent = current_run()
        log_prints = parent.log_prints if self.log_prints is None and parent else self.log_prints
        run = Run(
            "flow",
            new_run_name(self.name),
            self.name,
            parameters=arguments.values,
            log_prints=bool(log_prints),
            tags=parent.tags if parent else (),
        )
        start = call_async if self.is_async else call
        return cast("R", start(self, run, *arguments.as_call()))

    @property
    def label(self) -> str:
        """`flow 'x'`, as messages name it."""
        return f"flow '{self.name}'"

    def parameter_schema(self) -> dict[str, Any]:
        """The JSON Schema of the flow's parameters, from its signature, type hints and docstring."""
        from headrace.parameters.document import parameter_schema

        return parameter_schema(self.fn)

    def validate_parameters(self, parameters: Mapping[str, object]) -> dict[str, Any]:
        """Parameters given as JSON, as the Python values that the type hints ask for.

        Raises:
            ParameterError: some do not fit, are missing, or are not the flow's; it lists them all.
        """
        from headrace.parameters.arguments import Arguments

        return Arguments(self.fn, dict(parameters)).validated(self.label).values

    def to_deployment(self, name: str, **options: Unpack[DeploymentOptions]) -> FlowDeployment:
        """A deployment of this flow as a plain value, for `headrace.serve` and `headrace.deploy`.

        Args:
            name: The deployment's name; its full one is `flow-name/deployment-name`.
            **options: When: `cron`, `interval` (seconds or a timedelta) or `rrule`, each one or several, with
                `timezone`; or `schedules`, a list of dicts as in `headrace.yaml`. How: `parameters`, `tags`,
                `description`, `version`, `paused`, `enforce_parameter_schema`, `concurrency_limit` with
                `collision_strategy` (ENQUEUE or CANCEL_NEW). Where: `work_pool_name`, `work_queue_name`,
                `job_variables`.

        Raises:
            TypeError: There is no such option, or it takes something else.
            ValueError: The flow is in no file, or has no name of its own there, or the options contradict
                each other.
        """
        from headrace.flow_deployments import deployment_of

        return deployment_of(self, name, **options)

    def serve(
        self,
        name: str = "main",
        *,
        limit: int = 10,
        pause_on_shutdown: bool = True,
        **options: Unpack[DeploymentOptions],
    ) -> None:
        """`headrace.serve` for this flow alone: registers it, and runs it here until Ctrl-C."""
        import headrace

        if not loading.active:
            headrace.serve(
                self.to_deployment(name, **options), limit=limit, pause_on_shutdown=pause_on_shutdown
            )

    def deploy(
        self,
        name: str,
        *,
        source: str | Mapping[str, Any] = "local",
        create_pool: bool = False,
        **options: Unpack[DeploymentOptions],
    ) -> UUID | None:
        """`headrace.deploy` for this flow alone: the deployment's id; None while a worker loads the file."""
        import headrace

        if loading.active:
            return None
        made = headrace.deploy(self.to_deployment(name, **options), source=source, create_pool=create_pool)
        return made[0]

    def with_options(self, **changes: Unpack[FlowOptions]) -> Self:
        """The same function as a flow with other options."""
        return self.copy_with(dict(changes))


class _Loading:
    """Whether a file is being loaded for its flows: a flow that it calls while doing so is not run."""

    active = False


loading = _Loading()


def _not_now(flow: Flow[..., Any]) -> Any:
    import logging

    logging.getLogger("headrace").warning(
        "%s was called while its file was being loaded, and not run. "
        "Put the call under `if __name__ == '__main__':`.",
        flow.label.capitalize(),
    )
    return _nothing() if flow.is_async else None


async def _nothing() -> None:
    return None


@overload
def flow(fn: Callable[P, R], /) -> Flow[P, R]: ...
@overload
def flow(fn: None = None, /, **options: Unpack[FlowOptions]) -> Callable[[Callable[P, R]], Flow[P, R]]: ...
def flow(fn: Callable[..., Any] | None = None, /, **options: Unpack[FlowOptions]) -> Any:
    """Make a flow of a function, sync or async. Used bare or with options.

    Args:
        fn: The function.
        **options: `name` (default: the function's, with hyphens), `description` (default: the docstring's
            first line) and `version`. `retries`, with `retry_delay_seconds` (a number, or a list with one
            per retry), `retry_backoff` (multiplies the delay from retry to retry), `retry_jitter` (0 to 1,
            spreads it) and `retry_on` (exception types worth a retry; default: all). `timeout_seconds`.
            `log_prints`: what the flow prints becomes part of its log. `validate_parameters` (default
            True): arguments are checked against the type hints and converted. `sleep`: what a direct
            call waits with between attempts.

    Raises:
        TypeError: There is no such option, or `fn` is no function.
    """
    Flow.check_options(options)
    if fn is None:
        return lambda function: Flow(function, **options)
    return Flow(fn, **options)
