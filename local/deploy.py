"""Builds and deploys the product's template, unmodified, with the AWS SAM CLI, and fills the emulator's gaps."""

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local import processes
from local.aws import REGION, Aws
from local.http_api import Route, create_routes
from local.intrinsics import Resolver
from local.paths import CACHE
from local.schedule import Scheduled, scheduled_functions

SAM = str(Path(sys.executable).with_name("sam"))
ARTIFACTS_BUCKET = "artifacts"


def build(template: Path, into: Path, log: Path) -> Path:
    """`sam build`, with the layer made for the Python that runs here; gives the built template."""
    env = processes.environment(
        AWS_DEFAULT_REGION=REGION,
        LAYER_TARGET="host",
        LAYER_PYTHON=sys.executable,
        LAYER_CACHE=str(CACHE),
    )
    processes.run([SAM, "build", "--template-file", str(template), "--build-dir", str(into)], log, env)
    return into / "template.yaml"


@dataclass(frozen=True)
class Deployment:
    """What the emulator made of the template: the stack's outputs, its schedules, its routes."""

    outputs: Mapping[str, str]
    schedules: list[Scheduled]
    routes: list[Route]


def deploy(built: Path, stack_name: str, aws: Aws, parameters: Mapping[str, str], log: Path) -> Deployment:
    """`sam deploy`, then the routes that the emulator does not make of the API's OpenAPI body."""
    aws.session.client("s3", endpoint_url=aws.endpoint_url).create_bucket(Bucket=ARTIFACTS_BUCKET)
    command = [
        SAM,
        "deploy",
        "--template-file",
        str(built),
        "--stack-name",
        stack_name,
        "--s3-bucket",
        ARTIFACTS_BUCKET,
    ]
    command += ["--capabilities", "CAPABILITY_IAM", "--no-confirm-changeset", "--no-progressbar"]
    command += ["--parameter-overrides", *(f"{name}={json.dumps(value)}" for name, value in parameters.items())]
    processes.run(command, log, processes.environment(**aws.environment))

    cloudformation = aws.session.client("cloudformation", endpoint_url=aws.endpoint_url)
    stack = cloudformation.describe_stacks(StackName=stack_name)["Stacks"][0]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    template = _processed_template(cloudformation.get_template(StackName=stack_name, TemplateStage="Processed"))
    resources = cloudformation.describe_stack_resources(StackName=stack_name)["StackResources"]
    resolver = Resolver(
        template=template,
        stack_name=stack_name,
        region=REGION,
        parameters={parameter["ParameterKey"]: parameter["ParameterValue"] for parameter in stack["Parameters"]},
        physical_ids={resource["LogicalResourceId"]: resource["PhysicalResourceId"] for resource in resources},
    )
    (body,) = (
        resource["Properties"]["Body"]
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::ApiGatewayV2::Api"
    )
    gateway = aws.session.client("apigatewayv2", endpoint_url=aws.endpoint_url)
    routes = create_routes(gateway, outputs["ApiId"], resolver.resolve(body))
    return Deployment(outputs, scheduled_functions(template, resolver), routes)


def _processed_template(answer: Any) -> dict[str, Any]:
    """The template of a GetTemplate answer: boto3 gives JSON as an object, and other text as it is."""
    body = answer["TemplateBody"]
    template: dict[str, Any] = body if isinstance(body, dict) else json.loads(body)
    return template
