"""The one way to talk to providers: what is sent, how often, and which error tells what became of it."""

import threading
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from xml.etree import ElementTree as ET

import pytest

from switchboard.carriers import http
from switchboard.carriers.http import FORM, JSON, XML, Api, ClientCredentials, Refused, basic, bearer, turn
from switchboard.errors import (
    OutcomeUnknown,
    ProviderBusy,
    ProviderCredentialsRejected,
    ProviderError,
    ProviderFailed,
    ProviderUnreachable,
)

ACCOUNT = "AC" + "0123456789abcdef" * 2
KEY = "SK" + "fedcba9876543210" * 2
USER, PASSWORD, ENCODED = "Account", "pass/word-1", "QWNjb3VudDpwYXNzL3dvcmQtMQ=="


@dataclass(frozen=True)
class Seen:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Provider:
    """A server that answers with each of `answers` once, (status, body) or (status, body, headers); the last for ever.

    None closes the connection instead; an Event holds the answer back until it is set.
    """

    url: str = ""
    answers: list[tuple[int, bytes] | tuple[int, bytes, dict[str, str]] | threading.Event | None] = field(
        default_factory=lambda: [(200, b"{}")]
    )
    seen: list[Seen] = field(default_factory=list)


@pytest.fixture
def provider() -> Iterator[Provider]:
    here = Provider()

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            """Says nothing of clients that did not wait for their answer."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            here.seen.append(Seen(self.command, self.path, dict(self.headers), body))
            answer = here.answers.pop(0) if len(here.answers) > 1 else here.answers[0]
            if isinstance(answer, threading.Event):
                answer.wait(10)
                answer = None
            if answer is None:
                self.close_connection = True
                return
            self.send_response(answer[0])
            for name, value in (answer[2] if len(answer) > 2 else {}).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer[1])))
            self.end_headers()
            self.wfile.write(answer[1])

        do_GET = do_POST = do_DELETE = answer

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = Server(("127.0.0.1", 0), Handler)
    here.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield here
    server.shutdown()
    server.server_close()


def api(provider: Provider, wire: http.Format = JSON) -> Api:
    return Api("Acme", provider.url, bearer("the-very-secret-key"), wire)


def told(error: BaseException) -> str:
    """All that anybody may come to read of an error, its causes included."""
    return "".join(traceback.format_exception(error)) + repr(error) + repr(error.__cause__)


def test_a_request_carries_our_own_user_agent_and_the_key(provider: Provider) -> None:
    provider.answers = [(200, b'{"a": 1}')]
    assert api(provider).ask("POST", "/things", body={"b": [1]}) == {"a": 1}
    (seen,) = provider.seen
    assert (seen.method, seen.path, seen.body) == ("POST", "/things", b'{"b": [1]}')
    assert seen.headers["User-Agent"] == http.USER_AGENT
    assert seen.headers["Authorization"] == "Bearer the-very-secret-key"
    assert (seen.headers["Content-Type"], seen.headers["Accept"]) == ("application/json", "application/json")


def test_basic_authorization_is_that_of_rfc_7617(provider: Provider) -> None:
    Api("Acme", provider.url, basic("Aladdin", "open sesame")).ask("GET", "/")
    assert provider.seen[0].headers["Authorization"] == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="


def test_forms_and_queries_are_encoded_alike_and_fractions_stay_exact(provider: Provider) -> None:
    provider.answers = [(200, b'{"price": 0.10}')]
    fields = {"To": "+1 415", "Voice": True, "Sms": False, "Left": None, "Page": 2}
    answer = api(provider, FORM).ask("POST", "/buy", body=fields, query=fields)
    (seen,) = provider.seen
    assert seen.body == b"To=%2B1+415&Voice=true&Sms=false&Page=2"
    assert seen.path == "/buy?To=%2B1+415&Voice=true&Sms=false&Page=2"
    assert seen.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert answer == {"price": Decimal("0.10")}


def test_xml_goes_out_and_comes_in(provider: Provider) -> None:
    provider.answers = [(201, "<Order><Name>Zoë &amp; Co</Name></Order>".encode())]
    order = ET.Element("Order")
    ET.SubElement(order, "Name").text = "Zoë & Co"
    answer = api(provider, XML).ask("POST", "/orders", body=order)
    assert (
        provider.seen[0].body
        == "<?xml version='1.0' encoding='utf-8'?>\n<Order><Name>Zoë &amp; Co</Name></Order>".encode()
    )
    assert answer.findtext("Name") == "Zoë & Co"


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"<Order>", id="broken"),
        pytest.param(b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', id="with a document type"),
        pytest.param(b"<a>" + b" " * http.LARGEST_XML + b"</a>", id="too large"),
    ],
)
def test_xml_that_no_provider_means_is_not_parsed(provider: Provider, body: bytes) -> None:
    provider.answers = [(200, body)]
    with pytest.raises(OutcomeUnknown):
        api(provider, XML).ask("GET", "/orders")


def test_an_answer_without_a_body_is_none(provider: Provider) -> None:
    provider.answers = [(204, b"")]
    assert api(provider).ask("DELETE", "/things/1") is None


def test_a_path_never_becomes_part_of_the_hosts_name(provider: Provider) -> None:
    with pytest.raises(ValueError, match="has no path"):
        api(provider).ask("GET", "@elsewhere.example/")
    assert provider.seen == []


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_get_is_asked_three_times(provider: Provider, status: int) -> None:
    provider.answers = [(status, b""), (status, b""), (200, b"[]")]
    assert api(provider).ask("GET", "/things") == []
    assert len(provider.seen) == 3


@pytest.mark.parametrize("method", ["POST", "DELETE"])
@pytest.mark.parametrize("answer", [(429, b""), (503, b""), None])
def test_nothing_but_a_get_is_ever_sent_twice(
    provider: Provider, method: str, answer: tuple[int, bytes] | None
) -> None:
    provider.answers = [answer]
    with pytest.raises(ProviderError):
        api(provider).ask(method, "/things")
    assert len(provider.seen) == 1


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        pytest.param((401, b""), ProviderCredentialsRejected, id="401"),
        pytest.param((403, b""), ProviderCredentialsRejected, id="403"),
        pytest.param((429, b""), ProviderBusy, id="429"),
        pytest.param((500, b"<html>"), ProviderFailed, id="500"),
        pytest.param((200, b"<html>"), OutcomeUnknown, id="200 with something else"),
        pytest.param(None, OutcomeUnknown, id="no answer"),
        pytest.param((400, b'{"message": ["no", "never"]}'), Refused, id="400"),
        pytest.param((302, b""), Refused, id="elsewhere"),
    ],
)
def test_an_error_tells_whether_the_request_was_processed(
    provider: Provider, answer: tuple[int, bytes] | None, error: type[Exception]
) -> None:
    provider.answers = [answer]
    with pytest.raises(error):
        api(provider).ask("POST", "/things", body={})


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_provider_that_is_not_there_was_sent_nothing(method: str) -> None:
    with pytest.raises(ProviderUnreachable):
        Api("Acme", "http://127.0.0.1:1", bearer("k")).ask(method, "/things")


def test_an_answer_that_comes_too_late_was_never_heard(provider: Provider) -> None:
    late = threading.Event()
    provider.answers = [late]
    with pytest.raises(OutcomeUnknown):
        Api("Acme", provider.url, bearer("k"), read_timeout=0.05).ask("POST", "/things")
    late.set()


def test_what_hangs_is_asked_once(provider: Provider) -> None:
    late = threading.Event()
    provider.answers = [late]
    with pytest.raises(OutcomeUnknown):
        Api("Acme", provider.url, bearer("k"), read_timeout=0.05).ask("GET", "/things")
    late.set()
    assert len(provider.seen) == 1


@pytest.mark.parametrize(("wait", "asked"), [("1", 3), ("2", 1), ("600", 1), ("soon", 3)])
def test_who_asks_to_wait_is_not_asked_again_at_once(provider: Provider, wait: str, asked: int) -> None:
    provider.answers = [(429, b"", {"Retry-After": wait})]
    with pytest.raises(ProviderBusy):
        api(provider).ask("GET", "/things")
    assert len(provider.seen) == asked


def test_all_requests_of_a_turn_are_over_by_its_end(provider: Provider) -> None:
    """Time passes when the provider is asked. A request that has less than a second left is not begun."""
    passed = [0.0]
    with turn(3, clock=lambda: passed[0]):
        for seconds in (1.0, 1.5):
            assert api(provider).ask("POST", "/things") == {}
            passed[0] += seconds
        with pytest.raises(ProviderUnreachable):
            api(provider).ask("POST", "/things")
    assert len(provider.seen) == 2
    assert api(provider).ask("POST", "/things") == {}


def test_a_turn_within_another_ends_with_it(provider: Provider) -> None:
    passed = [0.0]
    with turn(3, clock=lambda: passed[0]), turn(60, clock=lambda: passed[0]):
        passed[0] = 2.5
        with pytest.raises(ProviderUnreachable):
            api(provider).ask("POST", "/things")


@pytest.mark.parametrize("answer", [(503, b""), (429, b"")])
def test_who_has_failed_may_be_left_in_peace_for_the_rest_of_a_turn(
    provider: Provider, answer: tuple[int, bytes]
) -> None:
    provider.answers = [answer]
    with turn(60, one_failure_each=True):
        for _ in range(2):
            with pytest.raises(ProviderError):
                api(provider).ask("POST", "/things")
        assert len(provider.seen) == 1
        with pytest.raises(ProviderError):
            Api("Other", provider.url, bearer("k")).ask("POST", "/things")
    assert len(provider.seen) == 2


@pytest.mark.parametrize(
    ("header", "seconds"), [({"Retry-After": "7"}, 7), ({"Retry-After": "soon"}, None), ({}, None)]
)
def test_a_busy_provider_says_how_long_to_wait(provider: Provider, header: dict[str, str], seconds: int | None) -> None:
    provider.answers = [(429, b"", header)]
    with pytest.raises(ProviderBusy) as busy:
        api(provider).ask("POST", "/things")
    assert busy.value.retry_after == seconds


def test_a_refusal_has_the_providers_words_and_code(provider: Provider) -> None:
    provider.answers = [(400, b'{"code": 21422, "words": "taken"}')]
    with pytest.raises(Refused) as refused:
        Api("Acme", provider.url, bearer("k"), complaint=lambda body: (str(body["code"]), body["words"])).ask(
            "POST", "/things"
        )
    assert (refused.value.status, refused.value.code, refused.value.message) == (400, "21422", "taken")


@pytest.mark.parametrize("body", [b"", b"[1]", b'"no"', b"<html>"])
def test_a_refusal_in_another_form_has_no_words(provider: Provider, body: bytes) -> None:
    provider.answers = [(422, body)]
    with pytest.raises(Refused) as refused:
        api(provider).ask("POST", "/things")
    assert (refused.value.code, refused.value.message) == (None, "")


ECHO = f'{{"message": "{ACCOUNT} or {KEY} with {PASSWORD} and {ENCODED} is wrong"}}'.encode()


@pytest.mark.parametrize("status", [400, 429, 500])
def test_no_error_repeats_a_credential_that_the_provider_repeats(provider: Provider, status: int) -> None:
    provider.answers = [(status, ECHO)]
    with pytest.raises((Refused, ProviderError)) as error:
        Api("Acme", provider.url, basic(USER, PASSWORD)).ask("POST", f"/{ACCOUNT}")
    assert "AC*** or SK*** with *** and *** is wrong" in told(error.value)
    for secret in (ACCOUNT, KEY, PASSWORD, ENCODED):
        assert secret not in told(error.value)


@pytest.mark.parametrize("answer", [None, (200, b"<html>" + PASSWORD.encode())])
def test_no_error_of_the_network_tells_the_credentials_in_its_url(
    provider: Provider, answer: tuple[int, bytes] | None
) -> None:
    provider.answers = [answer]
    with pytest.raises(OutcomeUnknown) as unheard:
        Api("Acme", provider.url, basic(USER, PASSWORD)).ask("GET", f"/{ACCOUNT}", query={"secret": PASSWORD})
    for secret in (ACCOUNT, PASSWORD, "pass%2Fword-1"):
        assert secret not in told(unheard.value)


def test_an_authorization_shows_no_secret_in_its_representation() -> None:
    assert "password" not in repr(basic("user", "password")) + repr(bearer("password"))


@pytest.fixture
def now() -> list[float]:
    """A clock's reading that a test sets."""
    return [1000.0]


@pytest.fixture
def tokened(provider: Provider, now: list[float]) -> Api:
    issuer = Api("Acme", provider.url, basic("client", "its-secret"), FORM)
    return Api("Acme", provider.url, ClientCredentials(issuer, "/token", lambda: now[0]))


TOKEN_1, TOKEN_2 = (
    (200, b'{"access_token": "token-1", "expires_in": 3600}'),
    (200, b'{"access_token": "token-2", "expires_in": 3600}'),
)


def used(provider: Provider) -> list[tuple[str, str]]:
    return [(seen.path, seen.headers["Authorization"]) for seen in provider.seen if seen.path != "/token"]


def test_a_token_is_fetched_once_and_used_until_a_minute_before_its_end(
    provider: Provider, tokened: Api, now: list[float]
) -> None:
    provider.answers = [TOKEN_1, (200, b"{}"), (200, b"{}"), TOKEN_2, (200, b"{}")]
    tokened.ask("GET", "/1")
    now[0] += 3539
    tokened.ask("GET", "/2")
    now[0] += 1
    tokened.ask("GET", "/3")
    assert used(provider) == [("/1", "Bearer token-1"), ("/2", "Bearer token-1"), ("/3", "Bearer token-2")]
    assert provider.seen[0].body == b"grant_type=client_credentials"
    assert provider.seen[0].headers["Authorization"] == basic("client", "its-secret").header()


def test_a_token_that_is_rejected_is_renewed_once_even_for_a_post(provider: Provider, tokened: Api) -> None:
    provider.answers = [TOKEN_1, (401, b""), TOKEN_2, (201, b"{}")]
    tokened.ask("POST", "/orders", body={"a": 1})
    assert used(provider) == [("/orders", "Bearer token-1"), ("/orders", "Bearer token-2")]
    assert [seen.body for seen in provider.seen if seen.path == "/orders"] == [b'{"a": 1}'] * 2


def test_a_new_token_that_is_rejected_too_means_that_the_credentials_are_wrong(
    provider: Provider, tokened: Api
) -> None:
    provider.answers = [TOKEN_1, (401, b""), TOKEN_2, (401, b"")]
    with pytest.raises(ProviderCredentialsRejected):
        tokened.ask("POST", "/orders")
    assert len(used(provider)) == 2


@pytest.mark.parametrize("status", [400, 401])
def test_credentials_that_get_no_token_are_rejected_credentials(provider: Provider, tokened: Api, status: int) -> None:
    provider.answers = [(status, b'{"error": "invalid_client"}')]
    with pytest.raises(ProviderCredentialsRejected):
        tokened.ask("GET", "/orders")
    assert used(provider) == []


def test_a_token_is_a_secret(provider: Provider, tokened: Api) -> None:
    provider.answers = [TOKEN_1, (400, b'{"message": "token-1 of its-secret is wrong"}')]
    with pytest.raises(Refused) as refused:
        tokened.ask("GET", "/orders")
    assert refused.value.message == "*** of *** is wrong"
