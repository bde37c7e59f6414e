"""The OpenAPI body of an HTTP API becomes routes, integrations and authorizers.

Trap: SAM turns the events of all functions into one `Body` of AWS::ApiGatewayV2::Api, and
ministack ignores `Body`: the API deploys with no routes.
Upstream: "no HTTP API for the time being" (ministack issue 928).
Workaround: after create and update the body is read, and the service's own functions make
the rest. An authorizer without identity sources gets none, so that it is always asked;
CloudFormation's default of the Authorization header is for another resource type.
An update adds the new routes before it takes the old ones away, so no request falls between.
"""

import json
from collections.abc import Iterator
from typing import Any

from ministack.services import apigateway
from ministack.services.cloudformation import provisioners

from local.aws.patches.hooks import PatchTargetMissing, original
from local.aws.settings import ServerSettings

API_TYPE = "AWS::ApiGatewayV2::Api"
METHODS = frozenset({"get", "put", "post", "delete", "options", "head", "patch"})
ANY_METHOD = "x-amazon-apigateway-any-method"
INTEGRATION = "x-amazon-apigateway-integration"
AUTHORIZER = "x-amazon-apigateway-authorizer"
CORS = "x-amazon-apigateway-cors"
# SAM writes the route of an event without Path and Method as the first, AWS exports the second.
DEFAULT_PATHS = frozenset({"$default", "/$default"})
# What SAM writes for `Authorizer: NONE` where the API has a default authorizer.
OPEN_TO_ALL = "NONE"
DEFAULT_AUTHORIZER_TTL_S = 300


class BodyRefused(ValueError):
    """The body asks for something that this reader does not know."""


def operations(body: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every (route key, operation) of an OpenAPI document."""
    for path, item in (body.get("paths") or {}).items():
        for method, operation in item.items():
            if method.lower() == ANY_METHOD:
                yield ("$default" if path in DEFAULT_PATHS else f"ANY {path}"), operation
            elif method.lower() in METHODS:
                yield f"{method.upper()} {path}", operation


def authorizer_of(name: str, scheme: dict[str, Any]) -> dict[str, Any]:
    """The authorizer that a security scheme describes, as CreateAuthorizer takes it."""
    described = scheme.get(AUTHORIZER) or {}
    if described.get("type") == "request":
        sources = described.get("identitySource") or []
        return {
            "name": name,
            "authorizerType": "REQUEST",
            "authorizerUri": described["authorizerUri"],
            "authorizerPayloadFormatVersion": str(
                described.get("authorizerPayloadFormatVersion", "2.0")
            ),
            "authorizerResultTtlInSeconds": int(
                described.get("authorizerResultTtlInSeconds", DEFAULT_AUTHORIZER_TTL_S)
            ),
            "enableSimpleResponses": _is_true(described.get("enableSimpleResponses")),
            "identitySource": sources.split(",") if isinstance(sources, str) else sources,
        }
    if described.get("type") == "jwt":
        source = described.get("identitySource", "$request.header.Authorization")
        return {
            "name": name,
            "authorizerType": "JWT",
            "identitySource": [source],
            "jwtConfiguration": described.get("jwtConfiguration") or {},
        }
    raise BodyRefused(f"security scheme {name}: no authorizer of type request or jwt")


def integration_of(route_key: str, operation: dict[str, Any]) -> dict[str, Any]:
    """The integration of an operation, as CreateIntegration takes it."""
    described = operation.get(INTEGRATION)
    if not described or str(described.get("type", "")).lower() != "aws_proxy":
        raise BodyRefused(f"route {route_key}: no {INTEGRATION} of type aws_proxy")
    return {
        "integrationType": "AWS_PROXY",
        "integrationUri": described["uri"],
        "payloadFormatVersion": str(described.get("payloadFormatVersion", "2.0")),
        "timeoutInMillis": int(described.get("timeoutInMillis", 30_000)),
    }


class BodyReader:
    """Makes the parts of one API from its body, with the functions of ministack's own API."""

    def __init__(self, apigateway: Any) -> None:
        self._service = apigateway
        for name in (
            "_create_authorizer",
            "_create_integration",
            "_create_route",
            "_apis",
            "_routes",
            "_integrations",
            "_authorizers",
            "_delete_cors_configuration",
        ):
            original(apigateway, name)

    def apply(self, api_id: str, body: dict[str, Any]) -> None:
        """Replace the routes, integrations and authorizers of an API by those of `body`."""
        stores = [
            store.setdefault(api_id, {})
            for store in (
                self._service._routes,
                self._service._integrations,
                self._service._authorizers,
            )
        ]
        before = [(store, list(store)) for store in stores]
        schemes = (body.get("components") or {}).get("securitySchemes") or {}
        authorizers = {name: authorizer_of(name, scheme) for name, scheme in schemes.items()}
        made = {
            name: self._create("authorizer", api_id, settings)["authorizerId"]
            for name, settings in authorizers.items()
        }
        for route_key, operation in operations(body):
            self._route(api_id, route_key, operation, authorizers, made)
        for store, identifiers in before:
            for identifier in identifiers:
                store.pop(identifier, None)
        self._describe(api_id, body)

    def _route(
        self,
        api_id: str,
        route_key: str,
        operation: dict[str, Any],
        authorizers: dict[str, dict[str, Any]],
        made: dict[str, str],
    ) -> None:
        integration = self._create("integration", api_id, integration_of(route_key, operation))
        route = {
            "routeKey": route_key,
            "target": f"integrations/{integration['integrationId']}",
            "operationName": operation.get("operationId", ""),
        }
        for requirement in operation.get("security") or []:
            for name, scopes in requirement.items():
                if name == OPEN_TO_ALL:
                    continue
                if name not in authorizers:
                    raise BodyRefused(f"route {route_key}: no security scheme named {name}")
                is_jwt = authorizers[name]["authorizerType"] == "JWT"
                route["authorizationType"] = "JWT" if is_jwt else "CUSTOM"
                route["authorizerId"] = made[name]
                if is_jwt:
                    route["authorizationScopes"] = scopes
        self._create("route", api_id, route)

    def _describe(self, api_id: str, body: dict[str, Any]) -> None:
        """Name and CORS of the API, which a body carries as well."""
        api = self._service._apis[api_id]
        api["name"] = (body.get("info") or {}).get("title") or api["name"]
        if body.get(CORS):
            api["corsConfiguration"] = body[CORS]

    def _create(self, kind: str, api_id: str, settings: dict[str, Any]) -> dict[str, Any]:
        status, _, reply = getattr(self._service, f"_create_{kind}")(api_id, settings)
        if status >= 400:
            raise BodyRefused(f"{kind} of API {api_id}: {reply!r}")
        return json.loads(reply)  # type: ignore[no-any-return]


def apply(settings: ServerSettings) -> None:
    handlers = original(provisioners, "_RESOURCE_HANDLERS").get(API_TYPE)
    if not handlers or not {"create", "update", "update_with_logical_id"} <= set(handlers):
        raise PatchTargetMissing(f"no create and update for {API_TYPE}")
    create, update = handlers["create"], handlers["update"]
    reader = BodyReader(apigateway)

    def create_api(logical_id: str, props: dict[str, Any], stack_name: str) -> Any:
        api_id, attributes = create(logical_id, props, stack_name)
        if props.get("Body"):
            reader.apply(api_id, props["Body"])
        return api_id, attributes

    def update_api(
        physical_id: str,
        old_props: dict[str, Any],
        new_props: dict[str, Any],
        stack_name: str,
        logical_id: str | None = None,
    ) -> Any:
        api_id, attributes = update(physical_id, old_props, new_props, stack_name, logical_id)
        if new_props.get("Body"):
            reader.apply(api_id, new_props["Body"])
        return api_id, attributes

    handlers.update(create=create_api, update=update_api)


def _is_true(value: Any) -> bool:
    """CloudFormation hands booleans of a body over as booleans or as strings."""
    return str(value).lower() == "true"
