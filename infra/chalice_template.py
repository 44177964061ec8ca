"""What Chalice makes of `app.py` and `.chalice/config.json`, as plain CloudFormation.

Chalice writes a template in SAM's language, which CloudFormation rewrites by a macro. It is rewritten here instead:
then a change set says what will be made, the operator needs no right to run macros, and every emulator and linter
reads the very template that an account gets. What is not known here is refused, never dropped.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from copy import deepcopy
from hashlib import sha256
from pathlib import Path
from typing import Any

from infra.errors import CloudError
from infra.gateway import RESPONSES
from infra.templates import Template

Part = dict[str, Any]
STAGES_FROM = "prod"
"""The stage of `.chalice/config.json` that a stage which is not in it is made like."""


def configuration(root: Path, stage: str) -> Part:
    """The file's content with this stage in it."""
    written: Part = json.loads((root / ".chalice" / "config.json").read_text(encoding="utf-8"))
    if stage not in written["stages"]:
        like = deepcopy(written["stages"][STAGES_FROM])
        like["api_gateway_stage"] = stage
        like["environment_variables"] |= {"HEADRACE_STAGE": stage, "HEADRACE_TABLE": f"headrace-{stage}"}
        written["stages"][stage] = like
    return written


def chalice_template(root: Path, stage: str, chalice_app: Any) -> Template:
    """The functions, their timer, and the API, as Chalice writes them: in SAM's language."""
    from chalice.config import Config
    from chalice.deploy.appgraph import ApplicationGraphBuilder, DependencyBuilder
    from chalice.deploy.deployer import BuildStage, InjectDefaults, SwaggerBuilder
    from chalice.deploy.swagger import CFNSwaggerGenerator
    from chalice.package import SAMTemplateGenerator

    written = configuration(root, stage)
    given = {"project_dir": str(root), "autogen_policy": False, "chalice_app": chalice_app}
    config = Config(chalice_stage=stage, user_provided_params=given, config_from_disk=written)
    graph = ApplicationGraphBuilder().build(config, stage)
    resources = DependencyBuilder().build_dependencies(graph)
    BuildStage([InjectDefaults(), SwaggerBuilder(CFNSwaggerGenerator())]).execute(config, resources)
    options: Any = _Options()
    made: Template = SAMTemplateGenerator(config, options).generate(resources)
    return made


def plain(sam: Template, stage: str, key: str) -> Template:
    """The template without SAM's words. The functions' code is `key` in the stage's bucket."""
    resources: dict[str, Part] = {}
    for name, part in sam["Resources"].items():
        rewrite = _REWRITTEN.get(part["Type"])
        if rewrite is None:
            raise CloudError(f"Chalice made a {part['Type']} ({name}), which is not known here.")
        resources |= rewrite(name, part["Properties"], stage, key)
    return {"Resources": resources}


class _Options:
    """Answers the one question that Chalice has for an account."""

    def service_principal(self, service: str) -> str:
        return f"{service}.amazonaws.com"


def _function(name: str, given: Part, stage: str, key: str) -> dict[str, Part]:
    properties = {word: value for word, value in given.items() if word not in _SAM_WORDS}
    properties["Code"] = {"S3Bucket": {"Ref": "Bucket"}, "S3Key": key}
    properties["TracingConfig"] = {"Mode": given["Tracing"]}
    properties["Tags"] = [{"Key": word, "Value": value} for word, value in sorted(given["Tags"].items())]
    made = {name: {"Type": "AWS::Lambda::Function", "Properties": properties}}
    for event, said in given.get("Events", {}).items():
        if said["Type"] != "Schedule":
            raise CloudError(f"{name} is started by {said['Type']} ({event}), which is not known here.")
        made |= _timer(name, said["Properties"]["Schedule"], stage)
    return made


def _timer(name: str, when: str, stage: str) -> dict[str, Part]:
    arn = {"Fn::GetAtt": [name, "Arn"]}
    rule: Part = {
        "Name": f"headrace-{stage}-{name.lower()}",
        "ScheduleExpression": when,
        "State": "ENABLED",
        "Targets": [{"Arn": arn, "Id": name}],
    }
    permission = {
        "FunctionName": {"Ref": name},
        "Action": "lambda:InvokeFunction",
        "Principal": "events.amazonaws.com",
        "SourceArn": {"Fn::GetAtt": [f"{name}Timer", "Arn"]},
    }
    return {
        f"{name}Timer": {"Type": "AWS::Events::Rule", "Properties": rule},
        f"{name}TimerPermission": {"Type": "AWS::Lambda::Permission", "Properties": permission},
    }


def _api(name: str, given: Part, stage: str, key: str) -> dict[str, Part]:
    body = deepcopy(given["DefinitionBody"])
    body["info"] = {"version": "1.0", "title": f"headrace-{stage}"}
    body["x-amazon-apigateway-gateway-responses"] = RESPONSES
    properties: Part = {
        "Name": f"headrace-{stage}",
        "Body": body,
        "EndpointConfiguration": {"Types": [given["EndpointConfiguration"]]},
    }
    if given.get("MinimumCompressionSize") is not None:
        properties["MinimumCompressionSize"] = int(given["MinimumCompressionSize"])
    digest = sha256(json.dumps(properties, sort_keys=True).encode()).hexdigest()[:10]
    published = f"{name}Deployment{digest}"  # what is published cannot change: another content, another one
    return {
        name: {"Type": "AWS::ApiGateway::RestApi", "Properties": properties},
        published: {
            "Type": "AWS::ApiGateway::Deployment",
            "Properties": {"RestApiId": {"Ref": name}},
        },
        f"{name}Stage": {
            "Type": "AWS::ApiGateway::Stage",
            "Properties": {
                "RestApiId": {"Ref": name},
                "DeploymentId": {"Ref": published},
                "StageName": given["StageName"],
            },
        },
    }


def _as_it_is(kind: str) -> Callable[..., dict[str, Part]]:
    def keep(name: str, given: Part, stage: str, key: str) -> dict[str, Part]:
        return {name: {"Type": kind, "Properties": given}}

    return keep


def _nothing(name: str, given: Part, stage: str, key: str) -> dict[str, Part]:
    return {}  # roles come from functions.yaml, with the account's own names in their policies


_SAM_WORDS = frozenset({"CodeUri", "Tracing", "Events", "Tags"})
_REWRITTEN: Mapping[str, Callable[..., dict[str, Part]]] = {
    "AWS::Serverless::Function": _function,
    "AWS::Serverless::Api": _api,
    "AWS::Lambda::Permission": _as_it_is("AWS::Lambda::Permission"),
    "AWS::IAM::Role": _nothing,
}
