"""The local stack itself: it is the deployed template, reached over HTTP, with tokens, scopes and IAM as on AWS."""

import json
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path

import httpx
import pytest
from botocore.exceptions import ClientError

from local.aws import REGION, Aws
from local.emulator import running_emulator
from local.events import BusEvents
from local.eventually import eventually
from local.stack import Stack

Api = Callable[..., httpx.Client]


def test_it_reaches_every_route_of_the_template(stack: Stack, warm_up: Callable[[int], None]) -> None:
    warm_up(1)
    assert {"POST", "GET", "DELETE"} <= {route.method for route in stack.deployment.routes}


def test_a_request_without_a_token_is_refused(stack: Stack) -> None:
    assert httpx.get(f"{stack.api_url}/phone-numbers").status_code == HTTPStatus.UNAUTHORIZED


def test_a_forged_token_is_refused(stack: Stack) -> None:
    header, payload, _ = stack.token("acme").split(".")
    headers = {"Authorization": f"Bearer {header}.{payload}.Zm9yZ2Vk"}
    assert httpx.get(f"{stack.api_url}/phone-numbers", headers=headers).status_code == HTTPStatus.UNAUTHORIZED


def test_a_token_without_the_scope_is_refused(api: Api) -> None:
    refused = api("acme", "phone-numbers/read").post("/phone-numbers", json={"provider": "vapi"})
    assert refused.status_code == HTTPStatus.FORBIDDEN


def test_the_queue_receives_what_is_put_on_the_bus(stack: Stack, bus_events: BusEvents) -> None:
    events = stack.aws.session.client("events", endpoint_url=stack.aws.endpoint_url)
    detail = {"phoneNumberId": "of-this-test"}
    bus = stack.outputs["EventBusName"]
    events.put_events(
        Entries=[{"EventBusName": bus, "Source": "test", "DetailType": "hello", "Detail": json.dumps(detail)}]
    )
    (event,) = eventually(lambda: bus_events.of("of-this-test"), what="the event")
    assert (event["detail-type"], event["detail"]) == ("hello", detail)


def test_stack_json_tells_other_programs_how_to_reach_it(stack: Stack) -> None:
    told = stack.as_json()
    assert told["region"] == REGION
    assert told.keys() == {
        "apiUrl",
        "tokens",
        "awsEndpointUrl",
        "region",
        "tableName",
        "eventBusName",
        "exportsBucketName",
        "eventsQueueUrl",
        "vapiUrl",
        "vapiApiKey",
        "stackName",
    }


def test_it_listens_on_loopback_only(stack: Stack) -> None:
    addresses = [stack.api_url, stack.vapi.url, stack.aws.endpoint_url]
    assert all(address.startswith("http://127.0.0.1:") for address in addresses)


def test_an_emulator_beside_another_is_its_own(tmp_path: Path, stack: Stack) -> None:
    with running_emulator(tmp_path, tmp_path / "emulator.log") as other:
        tables = _table_names(other)
    assert tables == []
    assert stack.outputs["TableName"] in _table_names(stack.aws)


def test_a_key_that_nobody_was_given_is_refused(stack: Stack) -> None:
    dynamodb = stack.aws.session.client(
        "dynamodb", endpoint_url=stack.aws.endpoint_url, aws_access_key_id="AKIAIOSFODNN7EXAMPLE"
    )
    with pytest.raises(ClientError, match="UnrecognizedClientException"):
        dynamodb.list_tables()


def _table_names(aws: Aws) -> list[str]:
    return aws.session.client("dynamodb", endpoint_url=aws.endpoint_url).list_tables()["TableNames"]
