"""Real handlers on moto, with the template's own table and the Vapi simulator on loopback."""

import json
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import boto3
import botocore.session
import httpx
import pytest
from moto import mock_aws
from moto.core.base_backend import AccountSpecificBackend

from local.simulators.vapi import VapiSimulator
from switchboard import bus
from switchboard.exports import ask, work
from switchboard.ledger import watch
from switchboard.provisioning import connected
from switchboard.provisioning.check import check_numbers
from switchboard.store import (
    budgets,
    calls,
    clients,
    downloads,
    dynamo,
    erasure,
    expired,
    exports,
    known,
    lines,
    numbers,
    objects,
    placed,
    queue,
    screening,
    sdk,
    secrets,
    thresholds,
    transcripts,
    usage,
    windows,
)
from switchboard.webhook_token import TOKEN_HEADER, make_token
from tests.functions.documented import assert_documented
from tests.functions.sellers import Seller, sellers
from tests.support.invoking import Answer, invoke, request
from tests.support.template import resources

REGION = "us-east-1"
DEPLOYMENT = "deployment"
BUCKET = "exports-bucket"
WEBHOOK_KEYS = {"current": "current-key", "previous": "previous-key"}
CLIENTS = {"acme": "client-acme", "globex": "client-globex"}


@pytest.fixture(scope="session")
def session() -> boto3.Session:
    """One for all tests: it keeps the services' models, which take longer to read than most tests to run.

    Moto gets a session of its own first: a second one on the same botocore session would teach S3's client twice.
    """
    AccountSpecificBackend.get_session()
    return boto3.Session("testing", "testing", region_name=REGION, botocore_session=botocore.session.get_session())


@pytest.fixture(scope="session")
def dynamodb(session: boto3.Session) -> Any:
    return session.resource("dynamodb")


@pytest.fixture(scope="session")
def vapi_server() -> Iterator[VapiSimulator]:
    with VapiSimulator(api_key="vapi-key", activation_seconds=0) as simulator:
        yield simulator


@pytest.fixture
def vapi(vapi_server: VapiSimulator) -> VapiSimulator:
    vapi_server.reset()
    return vapi_server


@pytest.fixture(scope="session")
def carriers() -> Iterator[dict[str, Seller]]:
    with sellers() as running:
        yield running


@dataclass
class Deployment:
    """What the functions run on. Streams are delivered when told to, so a test decides what has been seen when."""

    table: Any
    vapi: VapiSimulator
    queue_url: str
    sellers: dict[str, Seller]
    _iterator: str | None = None

    def deliver_stream(self) -> int:
        """Brings the changes since the last time to both consumers; how many there were."""
        client = boto3.client("dynamodbstreams", region_name=REGION)
        arn = self.table.latest_stream_arn
        if self._iterator is None:
            shard = client.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]
            self._iterator = client.get_shard_iterator(StreamArn=arn, ShardId=shard, ShardIteratorType="TRIM_HORIZON")[
                "ShardIterator"
            ]
        answer = client.get_records(ShardIterator=self._iterator)
        self._iterator = answer["NextShardIterator"]
        records = [json.loads(json.dumps(record, default=str)) for record in answer["Records"]]
        kinds = {"publish_events": ("NUMBER", "CALL#", "BLOCK#", "THRESHOLD#"), "tally_usage": ("CALL#", "NUMBER")}
        for folder, starts in kinds.items():
            seen = [r for r in records if r["dynamodb"]["Keys"]["SK"]["S"].startswith(starts)]
            if folder == "tally_usage":
                seen = [r for r in seen if r["dynamodb"]["Keys"]["SK"]["S"] != "NUMBER" or _is_watched(r)]
            if seen:
                assert invoke(folder, {"Records": seen}) == {"batchItemFailures": []}
        return len(records)

    def events(self) -> list[dict[str, Any]]:
        """The events on the bus since the last look, in the order of their arrival."""
        self.deliver_stream()
        sqs = boto3.client("sqs", region_name=REGION)
        found = []
        while messages := sqs.receive_message(QueueUrl=self.queue_url, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                found.append(json.loads(message["Body"]))
                sqs.delete_message(QueueUrl=self.queue_url, ReceiptHandle=message["ReceiptHandle"])
        return found

    def api(self, method: str, path: str, business: str = "acme", **kwargs: Any) -> Answer:
        """A request with the token of one of the business's clients. Its status has to be a documented one."""
        kwargs.setdefault("claims", {"client_id": CLIENTS.get(business, business)})
        answer = request(method, path, **kwargs)
        assert_documented(method, path, answer)
        return answer

    def configure(self, provider: str) -> Seller:
        """Puts the credentials of a carrier into its secret; the carrier has nothing sold yet."""
        seller = self.sellers[provider]
        seller.simulator.reset()
        self.put_credentials(provider, seller.credentials)
        return seller

    def put_credentials(self, provider: str, credentials: Mapping[str, str]) -> None:
        """As an operator does it; this instance sees them at once."""
        secret_id = os.environ[f"{provider.upper()}_SECRET_ARN"]
        manager = boto3.client("secretsmanager", region_name=REGION)
        manager.put_secret_value(SecretId=secret_id, SecretString=json.dumps(dict(credentials)))
        secrets._values.clear()

    def reconcile(self, later: float = 0, *, dry_run: bool = False) -> dict[str, Any]:
        """The report of a comparison, as it will be so many seconds from now."""
        from switchboard.provisioning.reconcile import reconciler  # noqa: PLC0415 - its metrics read the environment

        comparing = reconciler(dry_run=dry_run, remaining_ms=lambda: 900_000, clock=lambda: time.time() + later)
        return comparing.run().as_json()

    def check(self, later: float = 0) -> int:
        """The schedule's turn, as it will be so many seconds from now; how many numbers were unfinished."""
        return check_numbers(connected.lifecycle(lambda: time.time() + later))

    def empty(self) -> None:
        """Forgets every number, here and at Vapi."""
        self.vapi.settle()
        self.vapi.reset()
        for seller in self.sellers.values():
            seller.simulator.reset()
        self.table.delete()
        make_table(self.table)
        self.table.reload()
        self._iterator = None

    def items(self, kind: str = "") -> list[dict[str, Any]]:
        """What the table holds beside its clients. kind: how the partition key begins."""
        found = self.table.scan()["Items"]
        return [item for item in found if item["PK"].startswith(kind) and not item["PK"].startswith("CLIENT#")]

    def purchases(self) -> list[dict[str, Any]]:
        """The bodies with which we asked Vapi for a number, in order."""
        seen = self.vapi.requests_to("POST", "/phone-number")
        return [request["body"] for request in seen if request["userAgent"] != "tests"]

    def commit_late(self) -> None:
        """Vapi does only now what it was asked to do by a purchase whose connection it cut before."""
        for seen in self.vapi.requests_to("POST", "/phone-number"):
            if seen["status"] not in (201, 400):
                self.at_vapi("phone-number", **seen["body"])

    def rows(self, number_id: str = "") -> list[dict[str, Any]]:
        """The numbers that Vapi holds: all, or those of one number of ours."""
        return [row for row in self.vapi.state()["numbers"] if row["server"]["url"].endswith(number_id)]

    def tell(self, number: dict[str, Any], message: dict[str, Any], **kwargs: Any) -> Answer:
        """A server message to a number, with its token."""
        token = make_token(WEBHOOK_KEYS, number["id"], number["business"])
        kwargs.setdefault("headers", {TOKEN_HEADER: token})
        return request("POST", f"/vapi/{number['id']}", body=message, **kwargs)

    def at_vapi(self, kind: str, **settings: Any) -> dict[str, Any]:
        """What is made at Vapi by others. kind: `assistant`, `squad` or `phone-number`."""
        headers = {"Authorization": f"Bearer {self.vapi.api_key}", "User-Agent": "tests"}
        answer = httpx.post(f"{self.vapi.url}/{kind}", json=settings, headers=headers)
        answer.raise_for_status()
        made: dict[str, Any] = answer.json()
        return made

    def bought(self, business: str = "acme", **wanted: Any) -> dict[str, Any]:
        """An active number."""
        answer = self.api("POST", "/phone-numbers", business, body={"provider": "vapi", "areaCode": "415", **wanted})
        assert answer.status == 201, answer
        invoke("check_numbers", {})
        number: dict[str, Any] = self.api("GET", f"/phone-numbers/{answer.body['id']}", business).body
        assert number["status"] == "active", number
        return number


def _is_watched(record: dict[str, Any]) -> bool:
    """Whether a number's change is one of which `tally_usage` hears."""
    return record["eventName"] == "MODIFY" and "thresholdsSince" in record["dynamodb"]["NewImage"]


def make_table(table: Any) -> None:
    """Makes the template's table, with the clients of two businesses in it."""
    properties = dict(resources("AWS::DynamoDB::Table")["Table"])
    for beside in ("TimeToLiveSpecification", "PointInTimeRecoverySpecification", "SSESpecification"):
        properties.pop(beside)
    properties["StreamSpecification"] = {**properties["StreamSpecification"], "StreamEnabled": True}
    table.meta.client.create_table(TableName=table.name, **properties)
    for business, client_id in CLIENTS.items():
        clients.bind_client(table, client_id, business)


@pytest.fixture
def aws(
    monkeypatch: pytest.MonkeyPatch,
    vapi: VapiSimulator,
    session: boto3.Session,
    dynamodb: Any,
    carriers: dict[str, Seller],
) -> Iterator[Deployment]:
    for name, value in {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": REGION,
        "TABLE_NAME": "table",
        "EVENT_BUS_NAME": "bus",
        "VAPI_BASE_URL": vapi.url,
        "PUBLIC_BASE_URL": "https://switchboard.example",
        "CURRENCY": "USD",
        "CURRENCY_RATES": "EUR=1.10",
        "PRICE_TABLE": "{}",
        "MONTHLY_BUDGET_CENTS": "",
        "BUSINESS_MONTHLY_BUDGET_CENTS": "",
        "BUSINESS_CLAIM": "",
        "HOME_COUNTRY": "US",
        "DEPLOYMENT_ID": DEPLOYMENT,
        "TIME_ZONE": "UTC",
        "CALL_RETENTION_DAYS": "36500",
        "EXPORTS_BUCKET_NAME": BUCKET,
        "DOWNLOAD_ROLE_ARN": "arn:aws:iam::123456789012:role/download",
        "POWERTOOLS_METRICS_NAMESPACE": "Switchboard",
        "POWERTOOLS_SERVICE_NAME": "switchboard",
        "POWERTOOLS_TRACE_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)
    for seller in carriers.values():
        for name, url in seller.base_urls.items():
            monkeypatch.setenv(name, url)
    for cached in (
        sdk.session,
        dynamo.table,
        dynamo.answering_table,
        dynamo.bulk_table,
        numbers.numbers,
        screening.screening,
        expired.expired,
        calls.calls,
        calls.answering_calls,
        calls.bulk_calls,
        exports.exports,
        objects.objects,
        queue.export_queue,
        downloads._sts,
        downloads.downloads,
        ask.asking,
        work.writer,
        placed.placed,
        lines.lines,
        lines.answering_lines,
        windows.windows,
        usage.usage,
        usage.usage_in_bulk,
        transcripts.transcripts,
        thresholds.thresholds,
        watch.watch,
        erasure.erasure,
        clients.business_of,
        budgets.budgets,
        bus.bus,
        secrets._client,
        connected._vapi,
    ):
        cached.cache_clear()
    secrets._values.clear()
    known.forget()
    monkeypatch.setattr(dynamo, "ANSWER_WITHIN", 60.0)  # tests count requests, however slow the machine
    monkeypatch.setattr(ask, "WAITED_SECONDS", 0.0)  # nobody writes exports until a test says so
    with mock_aws():
        monkeypatch.setattr(boto3, "DEFAULT_SESSION", session)
        monkeypatch.setattr(botocore.session, "get_session", lambda: session._session)
        table = dynamodb.Table("table")
        make_table(table)
        boto3.client("s3", region_name=REGION).create_bucket(Bucket=BUCKET)
        manager = boto3.client("secretsmanager", region_name=REGION)
        for variable, secret in {
            "VAPI_SECRET_ARN": {"apiKey": vapi.api_key},
            "WEBHOOK_SECRET_ARN": WEBHOOK_KEYS,
            **{f"{provider.upper()}_SECRET_ARN": {} for provider in ("twilio", "vonage", "bandwidth")},
        }.items():
            monkeypatch.setenv(variable, manager.create_secret(Name=variable, SecretString=json.dumps(secret))["ARN"])
        sqs = boto3.client("sqs", region_name=REGION)
        queue_url = sqs.create_queue(QueueName="events")["QueueUrl"]
        queue_arn = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        exports_queue = sqs.create_queue(QueueName="exports", Attributes={"VisibilityTimeout": "960"})["QueueUrl"]
        monkeypatch.setenv("EXPORTS_QUEUE_URL", exports_queue)
        events = boto3.client("events", region_name=REGION)
        events.create_event_bus(Name="bus")
        events.put_rule(Name="all", EventBusName="bus", EventPattern='{"source":["vapi.phone-number"]}')
        events.put_targets(Rule="all", EventBusName="bus", Targets=[{"Id": "queue", "Arn": queue_arn}])
        yield Deployment(table, vapi, queue_url, carriers)
