"""What must hold of every part of template.yaml, so that the next part is not forgotten."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from switchboard.exports.record import KEPT_SECONDS
from switchboard.store.stream import BY_TTL
from tests.support.template import ROOT, functions, resources, template

FUNCTIONS = {
    name: resource["Properties"]
    for name, resource in template()["Resources"].items()
    if resource["Type"] == "AWS::Serverless::Function"
}
QUEUES = resources("AWS::SQS::Queue")
ALARMS = resources("AWS::CloudWatch::Alarm")

MEASURED = {("AWS/Lambda", "FunctionName"), ("AWS/SQS", "QueueName"), ("Switchboard", "service")}
"""Namespace and dimension under which somebody really publishes; an alarm on any other pair can never ring."""

CARRIERS = {"TwilioSecret", "VonageSecret", "BandwidthSecret"}
SECRETS = {
    "create": {"VapiSecret", "WebhookSecret", *CARRIERS},
    "update": {"VapiSecret", "WebhookSecret", *CARRIERS},
    "delete": {"VapiSecret", "WebhookSecret", *CARRIERS},
    "search_available_numbers": CARRIERS,
    "reconcile": {"VapiSecret", "WebhookSecret", *CARRIERS},
    "assign_assistant": {"VapiSecret"},
    "add_routing_rule": {"VapiSecret"},
    "explain_route": {"VapiSecret"},
    "test_call": {"VapiSecret"},
    "check_numbers": {"VapiSecret", "WebhookSecret", *CARRIERS},
    "learn_calls": {"VapiSecret"},
    "vapi": {"WebhookSecret"},
}
"""Vapi's key for who asks Vapi, the carriers' for who buys and releases there; the webhook key for who makes a server
URL's token and who checks it."""


def statements(properties: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for policy in properties.get("Policies", []):
        yield from policy["Statement"]


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def events(kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """(function, properties) of all event sources of a kind."""
    for name, properties in FUNCTIONS.items():
        for event in properties["Events"].values():
            if event["Type"] == kind:
                yield name, event["Properties"]


def alarms_on(namespace: str, metric: str, dimension: dict[str, Any]) -> list[str]:
    return [
        name
        for name, alarm in ALARMS.items()
        if (alarm["Namespace"], alarm["MetricName"], alarm["Dimensions"]) == (namespace, metric, [dimension])
    ]


def test_every_folder_is_a_function_and_every_function_a_folder() -> None:
    folders = {path.parent.name for path in (ROOT / "functions").glob("*/app.py")}
    assert {path.name for path in (ROOT / "functions").iterdir() if path.name != "__pycache__"} == folders
    assert functions().keys() == folders
    assert len(functions()) == len(FUNCTIONS)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_is_called_as_its_folder(name: str) -> None:
    folder = FUNCTIONS[name]["CodeUri"].removeprefix("functions/").strip("/")
    assert name == folder.title().replace("_", "") + "Function"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_functions_logs_are_kept_for_as_long_as_the_deployment_says(name: str) -> None:
    group = {"Fn::Sub": f"/aws/lambda/${{{name}}}"}
    groups = [group_ for group_ in resources("AWS::Logs::LogGroup").values() if group_.get("LogGroupName") == group]
    assert [found["RetentionInDays"] for found in groups] == [{"Ref": "LogRetentionDays"}]


def test_no_log_is_kept_for_ever() -> None:
    assert all("RetentionInDays" in group for group in resources("AWS::Logs::LogGroup").values())


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_functions_errors_ring_an_alarm(name: str) -> None:
    (alarm,) = alarms_on("AWS/Lambda", "Errors", {"Name": "FunctionName", "Value": {"Ref": name}})
    assert ALARMS[alarm]["Statistic"] == "Sum"


@pytest.mark.parametrize("name", ALARMS)
def test_an_alarm_watches_what_somebody_publishes_and_tells_whoever_asked(name: str) -> None:
    alarm = ALARMS[name]
    assert {(alarm["Namespace"], dimension["Name"]) for dimension in alarm["Dimensions"]} <= MEASURED
    assert len(alarm["Dimensions"]) == 1
    assert alarm["TreatMissingData"] == "notBreaching"
    assert alarm["AlarmDescription"].endswith((".", "!"))
    assert alarm["AlarmActions"]["Fn::If"][1] == [{"Ref": "AlarmTopicArn"}]


def test_the_latency_of_the_answer_rings_an_alarm_when_it_is_over_its_budget() -> None:
    (alarm,) = alarms_on("AWS/Lambda", "Duration", {"Name": "FunctionName", "Value": {"Ref": "VapiFunction"}})
    assert (ALARMS[alarm]["Threshold"], ALARMS[alarm]["ExtendedStatistic"]) == (1500, "p99")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_has_a_role_of_its_own_written_out_by_action_and_resource(name: str) -> None:
    assert "Role" not in FUNCTIONS[name]
    for policy in FUNCTIONS[name].get("Policies", []):
        assert isinstance(policy, dict), "a managed policy"
        assert policy.keys() == {"Statement"}, "a SAM policy template"
    for statement in statements(FUNCTIONS[name]):
        assert statement["Effect"] == "Allow"
        assert all(re.fullmatch(r"[a-z0-9]+:[A-Za-z]+", action) for action in statement["Action"])
        for resource in as_list(statement["Resource"]):
            plain = re.sub(r"\$\{ExportsBucket\.Arn\}/\w+/\*", "", json.dumps(resource))  # objects of one kind
            assert "*" not in plain


@pytest.mark.parametrize("folder", functions())
def test_a_function_reads_the_secrets_it_needs_and_no_other(folder: str) -> None:
    allowed = {
        resource["Fn::GetAtt"]
        for statement in statements(functions()[folder])
        if statement["Action"] == ["secretsmanager:GetSecretValue"]
        for resource in as_list(statement["Resource"])
    }
    assert allowed == {f"{secret}.Id" for secret in SECRETS.get(folder, ())}


def test_events_are_published_by_one_function_and_in_our_name_only() -> None:
    allowed = {
        folder: statement
        for folder, properties in functions().items()
        for statement in statements(properties)
        if "events:PutEvents" in statement["Action"]
    }
    assert allowed.keys() == {"publish_events"}
    assert allowed["publish_events"]["Condition"] == {"StringEquals": {"events:source": "vapi.phone-number"}}


def test_no_policy_in_the_whole_template_allows_everything() -> None:
    for kind in ("AWS::SQS::QueuePolicy", "AWS::S3::BucketPolicy"):
        for policy in resources(kind).values():
            for statement in policy["PolicyDocument"]["Statement"]:
                if statement["Effect"] == "Allow":
                    assert "*" not in json.dumps(statement)


WORKED_OFF = {name: queue for name, queue in QUEUES.items() if "RedrivePolicy" in queue}
DEAD_LETTERS = {name: queue for name, queue in QUEUES.items() if name not in WORKED_OFF}


def dead_letter_queues() -> set[str]:
    """The queues to which anything sends what it could not do."""
    found = re.findall(r'"Fn::GetAtt": "(\w+)\.Arn"', json.dumps([*FUNCTIONS.values(), *WORKED_OFF.values()]))
    return {name for name in found if name in QUEUES}


def test_every_queue_takes_dead_letters_for_two_weeks_or_sends_its_own_on() -> None:
    assert dead_letter_queues() == QUEUES.keys()
    assert {queue["MessageRetentionPeriod"] for queue in DEAD_LETTERS.values()} == {1_209_600}
    for queue in WORKED_OFF.values():
        assert queue["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"].removesuffix(".Arn") in DEAD_LETTERS


QUEUE_SOURCES = [*events("SQS")]


@pytest.mark.parametrize(("name", "source"), QUEUE_SOURCES, ids=[name for name, _ in QUEUE_SOURCES])
def test_a_message_at_work_is_not_given_to_somebody_else(name: str, source: dict[str, Any]) -> None:
    queue = QUEUES[source["Queue"]["Fn::GetAtt"].removesuffix(".Arn")]
    assert queue["VisibilityTimeout"] > FUNCTIONS[name]["Timeout"]
    assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_a_message_of_an_export_never_outlives_the_export() -> None:
    assert QUEUES["Exports"]["MessageRetentionPeriod"] < KEPT_SECONDS


def test_the_role_that_signs_downloads_reads_exports_and_nothing_else() -> None:
    (policy,) = resources("AWS::IAM::Role")["DownloadRole"]["Policies"]
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert (statement["Action"], statement["Resource"]) == (
        "s3:GetObject",
        {"Fn::Sub": "${ExportsBucket.Arn}/exports/*"},
    )
    (trust,) = resources("AWS::IAM::Role")["DownloadRole"]["AssumeRolePolicyDocument"]["Statement"]
    trusted = [role["Fn::GetAtt"] for role in trust["Principal"]["AWS"]]
    assert trusted == ["ExportCallsFunctionRole.Arn", "GetExportFunctionRole.Arn"]


@pytest.mark.parametrize("name", DEAD_LETTERS)
def test_a_dead_letter_rings_an_alarm(name: str) -> None:
    dimension = {"Name": "QueueName", "Value": {"Fn::GetAtt": f"{name}.QueueName"}}
    (alarm,) = alarms_on("AWS/SQS", "ApproximateNumberOfMessagesVisible", dimension)
    assert (ALARMS[alarm]["Threshold"], ALARMS[alarm]["ComparisonOperator"]) == (0, "GreaterThanThreshold")


STREAMS = [*events("DynamoDB")]
SCHEDULES = [*events("Schedule")]


@pytest.mark.parametrize(("name", "source"), STREAMS, ids=[name for name, _ in STREAMS])
def test_a_stream_consumer_loses_nothing_and_hears_of_no_removal_but_of_expired_blocks(
    name: str, source: dict[str, Any]
) -> None:
    assert source["DestinationConfig"]["OnFailure"]["Type"] == "SQS", name
    assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert source["BisectBatchOnFunctionError"] is True
    assert source["StartingPosition"] == "TRIM_HORIZON"
    assert source["MaximumRetryAttempts"] > 0
    patterns = [json.loads(filter_["Pattern"]) for filter_ in source["FilterCriteria"]["Filters"]]
    assert patterns
    for pattern in patterns:
        if pattern["eventName"] == ["REMOVE"]:
            assert pattern["userIdentity"] == {"principalId": [BY_TTL]}
            assert pattern["dynamodb"]["Keys"]["SK"]["S"] == [{"prefix": "BLOCK#"}]
            continue
        assert {*pattern["eventName"]} <= {"INSERT", "MODIFY"}
        assert pattern["dynamodb"]["Keys"]["SK"]["S"], "only the kinds it needs"


def test_there_are_stream_consumers_and_schedules_to_be_checked() -> None:
    assert {name for name, _ in STREAMS} == {"PublishEventsFunction", "TallyUsageFunction"}
    assert {name for name, _ in SCHEDULES} >= {"CheckNumbersFunction", "SettleCallsFunction"}


@pytest.mark.parametrize(("name", "source"), SCHEDULES, ids=[name for name, _ in SCHEDULES])
def test_a_schedule_that_fails_is_not_lost(name: str, source: dict[str, Any]) -> None:
    queue = source["DeadLetterConfig"]["Arn"]["Fn::GetAtt"].removesuffix(".Arn")
    destination = FUNCTIONS[name]["EventInvokeConfig"]["DestinationConfig"]["OnFailure"]
    assert destination == {"Type": "SQS", "Destination": {"Fn::GetAtt": f"{queue}.Arn"}}
    principals = [
        statement["Principal"]["Service"]
        for policy in resources("AWS::SQS::QueuePolicy").values()
        if {"Ref": queue} in policy["Queues"]
        for statement in policy["PolicyDocument"]["Statement"]
        if "sqs:SendMessage" in as_list(statement["Action"])
    ]
    assert "events.amazonaws.com" in principals, "a queue that cannot receive keeps nothing"


READ_BY_POST = ("/route-explanations", "/usage-analyses", "/exports")
"""What is asked by a POST and changes nothing of a number."""

ROUTES = [(f"{route['Method'].upper()} {route['Path']}", route) for _, route in events("HttpApi")]


@pytest.mark.parametrize(("name", "route"), ROUTES, ids=[name for name, _ in ROUTES])
def test_a_route_asks_for_its_scope(name: str, route: dict[str, Any]) -> None:
    if route["Path"] == "/vapi/{id}":
        assert route["Auth"] == {"Authorizer": "NONE"}, "Vapi has a token of its own"
        return
    reads = name.startswith("GET ") or route["Path"].endswith(READ_BY_POST)
    calls = route["Path"] == "/phone-numbers/{id}/test-calls"
    scope = "call" if calls else "read" if reads else "write"
    assert route["Auth"] == {"AuthorizationScopes": [f"phone-numbers/{scope}"]}


def test_the_api_asks_for_a_token_unless_a_route_says_otherwise_and_is_throttled_and_logged() -> None:
    (api,) = resources("AWS::Serverless::HttpApi").values()
    assert api["Auth"]["DefaultAuthorizer"] in api["Auth"]["Authorizers"]
    assert api["DefaultRouteSettings"]["ThrottlingRateLimit"]
    assert api["AccessLogSettings"]["DestinationArn"] == {"Fn::GetAtt": "AccessLogs.Arn"}
    assert "authorization" not in api["AccessLogSettings"]["Format"].lower()


def test_routes_are_told_apart() -> None:
    assert len({name for name, _ in ROUTES}) == len(ROUTES)


def test_nothing_that_is_kept_goes_with_the_stack_and_all_of_it_can_be_brought_back() -> None:
    for name in ("Table", "ExportsBucket"):
        kept = template()["Resources"][name]
        assert (kept["DeletionPolicy"], kept["UpdateReplacePolicy"]) == ("Retain", "Retain")
    table = resources("AWS::DynamoDB::Table")["Table"]
    assert table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expiresAt", "Enabled": True}
    assert table["StreamSpecification"]["StreamViewType"] == "NEW_AND_OLD_IMAGES"


def test_no_function_refers_to_the_api_in_its_environment() -> None:
    environments = [template()["Globals"]["Function"]["Environment"]]
    environments += [properties.get("Environment", {}) for properties in FUNCTIONS.values()]
    assert not re.search(r'"Ref": "Api"|Api\.|\$\{Api\}', json.dumps(environments)), "a circular dependency"


def test_every_environment_variable_is_read_and_every_one_read_is_set() -> None:
    code = "\n".join(path.read_text() for path in (ROOT / "layers/switchboard/switchboard").rglob("*.py"))
    read = {*re.findall(r'environ\["(\w+)"\]', code), *re.findall(r'\b(?:secret|credentials)\("(\w+)"', code)}
    variables = template()["Globals"]["Function"]["Environment"]["Variables"].keys()
    assert read == {name for name in variables if not name.startswith("POWERTOOLS_")}


def test_the_dashboard_opens_with_the_question_it_answers() -> None:
    (dashboard,) = resources("AWS::CloudWatch::Dashboard").values()
    first = json.loads(dashboard["DashboardBody"]["Fn::Sub"], strict=False)["widgets"][0]
    assert first["type"] == "text"
    assert re.match(r"# .+\?", first["properties"]["markdown"])


def test_a_secret_given_as_a_parameter_is_never_shown() -> None:
    assert template()["Parameters"]["VapiApiKey"]["NoEcho"] is True


@pytest.mark.parametrize(
    ("rates", "are_taken"),
    [("", True), ("USD=0.92", True), ("USD=1,GBP=1.27", True), ("USD=", False), ("USD=0.9.2", False), ("USD=.", False)],
)
def test_a_rate_that_is_no_number_is_refused_with_the_deployment(rates: str, are_taken: bool) -> None:
    pattern = template()["Parameters"]["CurrencyRates"]["AllowedPattern"]
    assert bool(re.fullmatch(pattern, rates)) == are_taken
