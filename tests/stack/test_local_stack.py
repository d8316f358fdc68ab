"""The local stack itself: it is the deployed template, reached over HTTP, with tokens, scopes and IAM as on AWS."""

import json
import tempfile
import threading
import zipfile
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from botocore.exceptions import ClientError

from local.aws import REGION, Aws
from local.emulator import running_emulator
from local.emulator_process import SharedLayers
from local.events import BusEvents
from local.eventually import eventually
from local.intrinsics import ACCOUNT, Resolver
from local.keep import how_to_use
from local.proxy import running_proxy
from local.stack import Stack

Api = Callable[..., httpx.Client]

BODY = b'{"as":  "it came", "bytes": "\xff\xfe"}'
RESOLVER = Resolver(
    template={
        "Parameters": {"Name": {"Type": "String"}, "Names": {"Type": "CommaDelimitedList"}},
        "Conditions": {
            "IsGiven": {"Fn::Not": [{"Fn::Equals": [{"Ref": "Name"}, ""]}]},
            "IsNot": {"Fn::And": [{"Condition": "IsGiven"}, {"Fn::Equals": ["a", "b"]}]},
        },
        "Resources": {"Function": {"Type": "AWS::Lambda::Function"}},
    },
    stack_name="stack",
    region=REGION,
    parameters={"Name": "given", "Names": "one, two"},
    physical_ids={"Function": "physical"},
)


def test_it_reaches_every_route_of_the_template(stack: Stack) -> None:
    stack.warm_up()
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
        "twilioUrl",
        "vonageUrl",
        "bandwidthUrl",
        "stackName",
    }


def test_make_local_says_how_to_reach_its_parts_and_to_run_an_operators_command(stack: Stack) -> None:
    help_text = how_to_use(stack)
    for simulator in (stack.vapi, stack.twilio, stack.vonage, stack.bandwidth):
        assert f"{simulator.url}/_simulator/state" in help_text
    assert f"export AWS_ENDPOINT_URL={stack.aws.endpoint_url} AWS_ACCESS_KEY_ID=" in help_text


def test_it_listens_on_loopback_only(stack: Stack) -> None:
    carriers = [stack.twilio.url, stack.vonage.url, stack.bandwidth.url]
    addresses = [stack.api_url, stack.vapi.url, stack.aws.endpoint_url, *carriers]
    assert all(address.startswith("http://127.0.0.1:") for address in addresses)


def test_an_emulator_beside_another_is_its_own(tmp_path: Path, stack: Stack) -> None:
    with running_emulator(tmp_path, tmp_path / "emulator.log") as other:
        tables = _table_names(other)
    assert tables == []
    assert stack.outputs["TableName"] in _table_names(stack.aws)


def test_a_key_that_nobody_was_given_is_refused(stack: Stack) -> None:
    dynamodb = stack.aws.session.client(
        "dynamodb",
        endpoint_url=stack.aws.endpoint_url,
        aws_access_key_id="AKIAIOSFODNN7EXAMPLE",
        aws_secret_access_key="of-nobody",
    )
    with pytest.raises(ClientError, match="UnrecognizedClientException"):
        dynamodb.list_tables()


def test_the_proxy_passes_everything_on_as_it_came() -> None:
    with _Echo() as upstream, running_proxy() as proxy:
        threading.Thread(target=upstream.serve_forever, daemon=True).start()
        assert httpx.get(proxy.url).status_code == HTTPStatus.SERVICE_UNAVAILABLE
        proxy.upstream = f"http://127.0.0.1:{upstream.server_port}/prefix"
        answer = httpx.patch(f"{proxy.url}/a%2Fb/%2B1?x=1&x=2&y=%20", content=BODY, headers={"X-Given": "1"})
        upstream.shutdown()
    assert answer.status_code == HTTPStatus.IM_A_TEAPOT
    assert answer.headers["X-Target"] == "PATCH /prefix/a%2Fb/%2B1?x=1&x=2&y=%20"
    assert answer.headers["X-Given"] == "1"
    assert answer.content == BODY


def test_a_layer_is_unpacked_once_for_all_functions_and_their_code_for_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    for kind in ("layer_0", "code"):
        found = []
        for function in ("first", "second"):
            zipped, folder = tmp_path / function / f"{kind}.zip", tmp_path / function / kind
            folder.mkdir(parents=True)
            with zipfile.ZipFile(zipped, "w") as made:
                made.writestr("python/module.py", kind)
            with SharedLayers(zipped) as opened:
                opened.extractall(folder)
            found.append(folder / "python" / "module.py")
        assert [file.read_text() for file in found] == [kind, kind]
        assert found[0].samefile(found[1]) is (kind == "layer_0")


@pytest.mark.parametrize(
    ("value", "resolved"),
    [
        ({"Ref": "Function"}, "physical"),
        ({"Ref": "Name"}, "given"),
        ({"Ref": "Names"}, ["one", "two"]),
        ({"Fn::GetAtt": ["Function", "Arn"]}, f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:physical"),
        (
            {"Fn::Sub": "${AWS::Partition}:${Function.Arn}:${!kept}"},
            f"aws:arn:aws:lambda:{REGION}:{ACCOUNT}:function:physical:${{kept}}",
        ),
        ({"Fn::Sub": ["${It}-${Name}", {"It": {"Ref": "Function"}}]}, "physical-given"),
        ({"Fn::If": ["IsGiven", "yes", "no"]}, "yes"),
        (
            [{"Fn::If": ["IsNot", "gone", {"Ref": "AWS::NoValue"}]}, {"Fn::Join": ["/", ["a", {"Ref": "Name"}]]}],
            ["a/given"],
        ),
        ({"plain": {"Ref": "AWS::NoValue"}, "kept": 1}, {"kept": 1}),
    ],
)
def test_references_are_filled_in(value: object, resolved: object) -> None:
    assert RESOLVER.resolve(value) == resolved


def test_an_unknown_function_of_a_template_is_noticed() -> None:
    with pytest.raises(NotImplementedError, match="Fn::ImportValue"):
        RESOLVER.resolve({"Fn::ImportValue": "x"})


class _EchoHandler(BaseHTTPRequestHandler):
    """Answers with what it was asked, as a teapot."""

    def do_PATCH(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(HTTPStatus.IM_A_TEAPOT)
        self.send_header("X-Target", f"{self.command} {self.path}")
        self.send_header("X-Given", self.headers["X-Given"])
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


class _Echo(ThreadingHTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _EchoHandler)


def _table_names(aws: Aws) -> list[str]:
    return aws.session.client("dynamodb", endpoint_url=aws.endpoint_url).list_tables()["TableNames"]
