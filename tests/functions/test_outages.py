"""Whatever fails or hangs, a caller is answered by what was last known, or handed to Vapi's fallback; and in time.

Attempts are counted, not seconds: each has an end, and the sum of their ends is what is due.
"""

import json
import socket
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from switchboard.calls.kinds import Kind
from switchboard.calls.messages import Fact
from switchboard.store import dynamo, keys, known, secrets
from switchboard.store.calls import answering_calls
from switchboard.store.dynamo import ANSWER_WITHIN, ANSWERING, LONGEST_REQUEST, Deadline, OutOfTime, answer_deadline
from switchboard.store.lines import answering_lines
from tests.functions.conftest import Deployment
from tests.functions.ringing import CALLER, ends, message, rings
from tests.support.streams import stream_as_dynamodb_does

READ, WRITE, SECRET = "BatchGetItem", "UpdateItem", "GetSecretValue"


@pytest.fixture
def number(aws: Deployment) -> dict[str, Any]:
    """An active number that an assistant answers."""
    return aws.bought(assistant={"id": aws.at_vapi("assistant", name="Front desk")["id"]})


@contextmanager
def attempts(fails: Callable[[str, int], bool] = lambda _operation, _before: False) -> Iterator[Counter[str]]:
    """Counts the requests to AWS by operation; one fails if `fails` (operation, how many of it were before) says so."""
    counted: Counter[str] = Counter()

    def before_send(request: Any, event_name: str, **_: Any) -> None:
        operation = event_name.rpartition(".")[2]
        counted[operation] += 1
        if fails(operation, counted[operation] - 1):
            raise EndpointConnectionError(endpoint_url=request.url)

    clients = [dynamo.table().client, dynamo.answering_table().client, secrets._client()]
    for client in clients:
        client.meta.events.register_first("before-send", before_send)
    try:
        yield counted
    finally:
        for client in clients:
            client.meta.events.unregister("before-send", before_send)


def everything(_operation: str, _before: int) -> bool:
    return True


def always(which: str) -> Callable[[str, int], bool]:
    return lambda operation, _before: operation == which


def new_instance() -> None:
    known.forget()
    secrets._values.clear()


def metrics(capsys: pytest.CaptureFixture[str]) -> set[str]:
    """Names of the metrics that were counted since the last look."""
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith('{"_aws"')]
    return {
        metric["Name"] for line in lines for group in line["_aws"]["CloudWatchMetrics"] for metric in group["Metrics"]
    }


def test_a_decision_is_one_read_and_one_write_and_a_later_message_one_write(
    aws: Deployment, number: dict[str, Any]
) -> None:
    rings(aws, number, "warm")
    with attempts() as asked:
        rings(aws, number, "c1")
        assert asked == {READ: 1, WRITE: 1}
        ends(aws, number, "c1")
        assert asked == {READ: 1, WRITE: 2}


def test_a_decision_on_a_capped_number_is_one_write_more(aws: Deployment, number: dict[str, Any]) -> None:
    aws.api("PATCH", f"/phone-numbers/{number['id']}", body={"maxConcurrentCalls": 5})
    for call in ("first", "c1", "c1"):
        with attempts() as asked:
            assert "assistantId" in rings(aws, number, call).body
        assert asked - Counter({SECRET: 1}) == {READ: 1, WRITE: 2}


@pytest.mark.usefixtures("aws")
def test_the_longest_requests_of_a_decision_fit_into_what_is_due() -> None:
    assert ANSWERING.connect_timeout + ANSWERING.read_timeout == pytest.approx(LONGEST_REQUEST)  # type: ignore[attr-defined]
    assert ANSWERING.retries["total_max_attempts"] == 1  # type: ignore[attr-defined]
    assert 3 * LONGEST_REQUEST <= ANSWER_WITHIN + 1e-9 < 1.5
    key = secrets._client().meta.config
    assert key.connect_timeout + key.read_timeout <= LONGEST_REQUEST + 1e-9
    assert key.retries["total_max_attempts"] == 1


def test_a_start_counts_and_a_slow_one_still_leaves_time_for_the_key_and_a_read() -> None:
    assert answer_deadline(10, 10.3).ends == pytest.approx(10 + ANSWER_WITHIN)
    assert answer_deadline(10, 12).ends == pytest.approx(12 + 2 * LONGEST_REQUEST)


@pytest.mark.usefixtures("aws")
def test_nothing_is_begun_that_could_not_end_in_time(number: dict[str, Any]) -> None:
    late = Deadline(0)
    secrets._values.clear()
    with attempts() as asked:
        with pytest.raises(OutOfTime):
            answering_calls().read_for_decision(number["id"], "acme", CALLER, 0, late)
        with pytest.raises(secrets.SecretUnavailable):
            secrets.secret("WEBHOOK_SECRET_ARN", deadline=late)
        assert not answering_calls().record_in_time(number["id"], "acme", Fact("c1", Kind.DECISION, 1), late)
    assert not asked


def test_an_instance_that_has_seen_the_number_answers_without_the_table(
    aws: Deployment, number: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    before = rings(aws, number, "c1")
    capsys.readouterr()
    with attempts(everything) as asked:
        answer = rings(aws, number, "c2")
    assert (answer.status, answer.body) == (200, before.body)
    assert asked == {READ: 2, WRITE: 1}
    assert metrics(capsys) == {"LastKnownGood", "DecisionLost"}


def test_a_new_instance_hands_the_caller_to_vapis_fallback_at_once(
    aws: Deployment, number: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    rings(aws, number, "warm")
    known.forget()
    capsys.readouterr()
    with attempts(everything) as asked:
        assert rings(aws, number, "c1").status == 500
    assert asked == {READ: 2}
    assert metrics(capsys) == {"NoAnswer"}


def test_what_was_seen_of_a_number_is_told_to_its_own_business_only(number: dict[str, Any], aws: Deployment) -> None:
    rings(aws, number, "warm")
    with attempts(always(READ)):
        assert rings(aws, number | {"business": "globex"}, "c1").status == 500


@pytest.fixture
def hanging(aws: Deployment, number: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter[str]]:
    """The table takes connections and never answers, to an instance that has seen the number; the requests to it."""
    rings(aws, number, "warm")
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", f"http://127.0.0.1:{server.getsockname()[1]}")
        dynamo.answering_table.cache_clear()
        answering_calls.cache_clear()
        with attempts() as asked:
            yield asked


def test_a_table_that_hangs_is_not_waited_for(
    aws: Deployment, number: dict[str, Any], hanging: Counter[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert "assistantId" in rings(aws, number, "c1").body
    assert hanging[READ] == 2
    assert hanging.total() <= 3
    assert metrics(capsys) == {"LastKnownGood", "DecisionLost"}


def test_a_new_instance_does_not_wait_for_a_table_that_hangs(
    aws: Deployment, number: dict[str, Any], hanging: Counter[str]
) -> None:
    known.forget()
    assert rings(aws, number, "c1").status == 500
    assert hanging == {READ: 2}


def test_a_read_that_fails_once_is_repeated(
    aws: Deployment, number: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    known.forget()
    with attempts(lambda operation, before: operation == READ and before == 0) as asked:
        assert rings(aws, number, "c1").status == 200
    assert asked[READ] == 2
    assert not metrics(capsys)


def test_a_blocked_caller_stays_out_by_the_prefixes_that_are_known(aws: Deployment, number: dict[str, Any]) -> None:
    aws.api("PATCH", f"/phone-numbers/{number['id']}", body={"blockedNumbers": ["+1202*"]})
    rings(aws, number, "warm")
    with attempts(everything):
        assert "error" in rings(aws, number, "c1").body


def test_a_change_of_the_number_is_what_is_remembered(aws: Deployment, number: dict[str, Any]) -> None:
    rings(aws, number, "c1")
    aws.api("PATCH", f"/phone-numbers/{number['id']}", body={"status": "suspended"})
    assert "error" in rings(aws, number, "c2").body
    with attempts(everything):
        assert "error" in rings(aws, number, "c3").body


def test_a_line_that_cannot_be_asked_for_does_not_keep_the_caller_out(
    aws: Deployment, number: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    aws.api("PATCH", f"/phone-numbers/{number['id']}", body={"maxConcurrentCalls": 1})
    capsys.readouterr()
    with attempts(always(WRITE)) as asked:
        assert "assistantId" in rings(aws, number, "c1").body
    assert asked[WRITE] == 2
    assert metrics(capsys) == {"LastKnownGood", "DecisionLost"}


def test_the_numbering_plan_is_loaded_for_who_needs_it_and_missed_by_nobody(
    aws: Deployment, number: dict[str, Any], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    careful = aws.bought(assistant=number["assistant"], spamFilter=True)
    capsys.readouterr()
    monkeypatch.setitem(sys.modules, "phonenumbers", None)
    assert "assistantId" in rings(aws, number, "c1").body
    assert not metrics(capsys)
    assert "assistantId" in rings(aws, careful, "c2").body
    assert metrics(capsys) == {"LastKnownGood"}


def test_a_line_that_was_taken_unheard_is_given_back(
    aws: Deployment, number: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    stream_as_dynamodb_does(monkeypatch)
    aws.api("PATCH", f"/phone-numbers/{number['id']}", body={"maxConcurrentCalls": 1})
    rings(aws, number, "c1")
    item = aws.table.get_item(Key=keys.lines(number["id"]))["Item"]
    assert answering_lines().give_back(number["id"], "c1")
    with attempts(lambda operation, before: operation == WRITE and before == 0):
        rings(aws, number, "c2")
    aws.table.put_item(Item=item | {"lines": {"c2": item["lines"]["c1"]}})
    ends(aws, number, "c2")
    aws.deliver_stream()
    assert aws.table.get_item(Key=keys.lines(number["id"]))["Item"]["lines"] == {}


def test_a_decision_that_cannot_be_written_is_answered_and_the_later_messages_make_the_record(
    aws: Deployment, number: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    before = rings(aws, number, "c1")
    with attempts(always(WRITE)) as asked:
        assert rings(aws, number, "c2").body == before.body
    assert asked[WRITE] == 1
    assert metrics(capsys) == {"DecisionLost"}
    ends(aws, number, "c2")
    item = aws.table.get_item(Key={"PK": f"NUMBER#{number['id']}", "SK": "CALL#c2"})["Item"]
    assert ("report" in item, "decision" in item) == (True, False)


def test_the_webhook_key_is_held_on_to_while_its_store_fails(aws: Deployment, number: dict[str, Any]) -> None:
    rings(aws, number, "warm")
    fetched, held = secrets._values["WEBHOOK_SECRET_ARN"]
    secrets._values["WEBHOOK_SECRET_ARN"] = (fetched - secrets.FRESH_SECONDS - 1, held)
    with attempts(always(SECRET)) as asked:
        assert rings(aws, number, "c1").status == 200
        assert rings(aws, number, "c2").status == 200
    assert asked[SECRET] == 1


def test_a_new_instance_without_the_webhook_key_answers_nobody(
    aws: Deployment, number: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    new_instance()
    capsys.readouterr()
    with attempts(always(SECRET)) as asked:
        assert rings(aws, number, "c1").status == 500
    assert asked == {SECRET: 2}
    assert metrics(capsys) == {"NoAnswer"}


def test_a_message_that_is_no_question_is_told_again_if_it_could_not_be_kept(
    aws: Deployment, number: dict[str, Any]
) -> None:
    rings(aws, number, "c1")
    with attempts(always(WRITE)), pytest.raises(EndpointConnectionError):
        aws.tell(number, message("c1", "status-update", after=2000, status="in-progress"))
