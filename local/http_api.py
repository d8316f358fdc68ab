"""Bridges a gap of the emulator: it creates an HttpApi but does not turn the OpenAPI body that SAM writes into routes.

AWS does that itself when the stack is deployed. Here the body is read back from the processed template, and the
authorizers, integrations and routes it describes are created by the API Gateway v2 API.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mypy_boto3_apigatewayv2 import ApiGatewayV2Client


@dataclass(frozen=True)
class Route:
    """One method and path of the API, such as POST /phone-numbers/{id}/assistant."""

    method: str
    path: str


def create_routes(client: ApiGatewayV2Client, api_id: str, body: Mapping[str, Any]) -> list[Route]:
    """Makes the API `api_id` answer what its OpenAPI `body` (references filled in) describes; gives the routes made."""
    schemes = body.get("components", {}).get("securitySchemes", {})
    authorizers = {name: _create_authorizer(client, api_id, name, scheme) for name, scheme in schemes.items()}
    routes = []
    for path, operations in body["paths"].items():
        for method, operation in operations.items():
            if "x-amazon-apigateway-integration" not in operation:
                continue
            route = Route("ANY" if method == "x-amazon-apigateway-any-method" else method.upper(), path)
            _create_route(client, api_id, route, operation, authorizers)
            routes.append(route)
    return routes


def _create_authorizer(client: ApiGatewayV2Client, api_id: str, name: str, scheme: Mapping[str, Any]) -> str:
    settings = scheme["x-amazon-apigateway-authorizer"]
    jwt = settings["jwtConfiguration"]
    created = client.create_authorizer(
        ApiId=api_id,
        Name=name,
        AuthorizerType="JWT",
        IdentitySource=[settings["identitySource"]],
        JwtConfiguration={"Issuer": jwt["issuer"], "Audience": jwt["audience"]},
    )
    return created["AuthorizerId"]


def _create_route(
    client: ApiGatewayV2Client,
    api_id: str,
    route: Route,
    operation: Mapping[str, Any],
    authorizers: Mapping[str, str],
) -> None:
    described = operation["x-amazon-apigateway-integration"]
    integration = client.create_integration(
        ApiId=api_id,
        IntegrationType="AWS_PROXY",
        IntegrationUri=described["uri"],
        PayloadFormatVersion=described["payloadFormatVersion"],
    )
    target = f"integrations/{integration['IntegrationId']}"
    route_key = "$default" if route.path == "$default" else f"{route.method} {route.path}"
    scopes = [
        (name, scopes)
        for entry in operation.get("security", [])
        for name, scopes in entry.items()
        if name in authorizers
    ]
    if not scopes:
        client.create_route(ApiId=api_id, RouteKey=route_key, Target=target)
        return
    ((name, required),) = scopes
    client.create_route(
        ApiId=api_id,
        RouteKey=route_key,
        Target=target,
        AuthorizationType="JWT",
        AuthorizerId=authorizers[name],
        AuthorizationScopes=required,
    )
