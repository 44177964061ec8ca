"""A moto server that `chalice deploy` can talk to: `python moto_server.py PORT`.

moto's API Gateway refuses what AWS takes: a description without `info.description`, in the words of Swagger 2.0,
with integrations that name no address. Three patches bridge that; a fourth tells of the account's Lambda quota.
"""

from __future__ import annotations

import json
import sys
import threading
from typing import Any

from moto.apigateway.models import APIGatewayBackend
from moto.awslambda import urls
from moto.server import ThreadedMotoServer

_import, _put = APIGatewayBackend.import_rest_api, APIGatewayBackend.put_rest_api
_arguments = APIGatewayBackend._build_integration_args


def import_rest_api(self: Any, api_doc: dict[str, Any], fail_on_warnings: bool) -> Any:
    api_doc["info"].setdefault("description", "")
    return _import(self, api_doc, fail_on_warnings)


def put_rest_api(self: Any, function_id: str, api_doc: dict[str, Any], *rest: Any, **named: Any) -> Any:
    api_doc.pop("swagger", None)
    return _put(self, function_id, api_doc, *rest, **named)


def build_integration_args(self: Any, integration: dict[str, Any]) -> Any:
    return _arguments(self, {"httpMethod": "POST", "uri": "", **integration})


def account_settings(request: Any, full_url: str, headers: Any) -> tuple[int, dict[str, str], str]:
    return 200, {}, json.dumps({"AccountLimit": {"UnreservedConcurrentExecutions": 1000}})


if __name__ == "__main__":
    APIGatewayBackend.import_rest_api = import_rest_api  # type: ignore[method-assign]
    APIGatewayBackend.put_rest_api = put_rest_api  # type: ignore[method-assign]
    APIGatewayBackend._build_integration_args = build_integration_args  # type: ignore[method-assign]
    urls.url_paths[r"{0}/2016-08-19/account-settings/?$"] = account_settings
    ThreadedMotoServer("127.0.0.1", int(sys.argv[1]), verbose=False).start()
    threading.Event().wait()
