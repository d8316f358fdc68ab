"""Vonage's own Python package against the simulator, over TLS, since the package knows nothing else."""

import datetime as dt
import ipaddress
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from vonage_http_client import Auth, HttpClient, HttpClientOptions
from vonage_http_client.errors import AuthenticationError, HttpRequestError, RateLimitedError
from vonage_numbers import (
    ListOwnedNumbersFilter,
    NumberParams,
    Numbers,
    NumbersError,
    SearchAvailableNumbersFilter,
    UpdateNumberParams,
)

from local.simulators.faults import Fault
from local.simulators.vonage import VonageSimulator

APP = "aaaaaaaa-bbbb-cccc-dddd-0123456789ab"
ONE = NumberParams(country="US", msisdn="14155550100")
BEGINNING, DAYS = dt.datetime(2020, 1, 1, tzinfo=dt.UTC), dt.timedelta(days=36500)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for loopback that its own key has signed, and the key."""
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a simulator on loopback")])
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, BEGINNING, BEGINNING + DAYS)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "certificate.pem").write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    encoding, encryption = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (folder / "key.pem").write_bytes(key.private_bytes(serialization.Encoding.PEM, encoding, encryption))
    return folder / "certificate.pem", folder / "key.pem"


@pytest.fixture
def vonage(certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[VonageSimulator]:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(*certificate)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate[0]))
    with VonageSimulator(tls=tls) as simulator:
        yield simulator


@pytest.fixture
def numbers(vonage: VonageSimulator) -> Iterator[Numbers]:
    client = connected(vonage, vonage.api_secret)
    yield Numbers(client)
    client._session.close()


def connected(vonage: VonageSimulator, secret: str) -> HttpClient:
    options = HttpClientOptions(rest_host=vonage.url.removeprefix("https://"), timeout=10, pool_maxsize=1)
    return HttpClient(Auth(api_key=vonage.api_key, api_secret=secret), options)


def test_a_number_is_searched_bought_listed_configured_and_cancelled(numbers: Numbers) -> None:
    wanted = SearchAvailableNumbersFilter(country="US", pattern="1415", search_pattern=0, size=2)
    offers, count, following = numbers.search_available_numbers(wanted)
    assert ([offer.msisdn for offer in offers], count, following) == (["14155550100", "14155550101"], 100, 2)
    assert numbers.buy_number(ONE).error_code == "200"
    numbers.update_number(UpdateNumberParams(country="US", msisdn=ONE.msisdn, app_id=APP))
    (owned,), count, following = numbers.list_owned_numbers(ListOwnedNumbersFilter(country="US"))
    assert (owned.msisdn, owned.app_id, count, following) == (ONE.msisdn, APP, 1, None)
    assert numbers.cancel_number(ONE).error_code_label == "success"
    assert numbers.list_owned_numbers() == ([], 0, None)


def test_it_takes_the_refusals_for_what_they_are(vonage: VonageSimulator, numbers: Numbers) -> None:
    numbers.buy_number(ONE)
    with pytest.raises(HttpRequestError) as refused:
        numbers.buy_number(ONE)
    assert refused.value.response.status_code == 420
    vonage.fault(Fault("POST", "/number/buy", status=429))
    with pytest.raises(RateLimitedError):
        numbers.buy_number(ONE)
    vonage.fault(Fault("POST", "/number/buy", status=200, body={"error-code": "420", "error-code-label": "failed"}))
    with pytest.raises(NumbersError):
        numbers.buy_number(ONE)


def test_it_takes_a_wrong_secret_for_one(vonage: VonageSimulator) -> None:
    client = connected(vonage, "wrong")
    with pytest.raises(AuthenticationError):
        Numbers(client).list_owned_numbers()
    client._session.close()
