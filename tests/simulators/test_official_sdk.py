"""Vapi's own Python SDK works against the simulator: what it sends is accepted, what it gets it can read.

Its assistants client takes some fifteen seconds to import, so that all of it is in this one module.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from local.simulators.vapi import VapiSimulator


@pytest.fixture(scope="module")
def simulator() -> Iterator[VapiSimulator]:
    with VapiSimulator(api_key="key", activation_seconds=0) as running:
        yield running


@pytest.fixture(scope="module")
def sdk(simulator: VapiSimulator) -> Any:
    from vapi import Vapi

    return Vapi(token="key", base_url=simulator.url)


def test_phone_numbers(simulator: VapiSimulator, sdk: Any) -> None:
    from vapi.types.create_vapi_phone_number_dto import CreateVapiPhoneNumberDto
    from vapi.types.server import Server
    from vapi.types.update_vapi_phone_number_dto import UpdateVapiPhoneNumberDto

    server = Server(url="https://hooks.example.com/vapi", headers={"X-Token": "t"})
    request = CreateVapiPhoneNumberDto(number_desired_area_code="415", name="Main line", server=server)
    bought = sdk.phone_numbers.create(request=request)
    assert (bought.status, bought.number, bought.server.url) == ("activating", None, server.url)

    active = sdk.phone_numbers.get(id=bought.id)
    assert (active.status, active.number[:5], active.name) == ("active", "+1415", "Main line")
    assert [row.id for row in sdk.phone_numbers.list(limit=10, created_at_ge=bought.created_at)] == [bought.id]

    renamed = sdk.phone_numbers.update(id=bought.id, request=UpdateVapiPhoneNumberDto(name="Night line"))
    assert (renamed.name, renamed.server.headers) == ("Night line", {"X-Token": "t"})
    assert sdk.phone_numbers.delete(id=bought.id).id == bought.id
    assert sdk.phone_numbers.list() == []


def test_a_refusal_is_the_sdks_own_error(sdk: Any) -> None:
    from vapi.core.api_error import ApiError

    with pytest.raises(ApiError) as caught:
        sdk.phone_numbers.get(id="00000000-0000-4000-8000-000000000000")
    assert (caught.value.status_code, caught.value.body["error"]) == (404, "Not Found")


def test_assistants(simulator: VapiSimulator, sdk: Any) -> None:
    made = sdk.assistants.create(name="Front desk", first_message="Hello.", max_duration_seconds=300)
    assert sdk.assistants.get(id=made.id).first_message == "Hello."
    assert sdk.assistants.update(id=made.id, name="Back office").name == "Back office"
    assert [row.id for row in sdk.assistants.list()] == [made.id]
    assert sdk.assistants.delete(id=made.id).name == "Back office"
    assert sdk.assistants.list() == []
