"""Vapi's own Python SDK works against the simulator: what it sends is accepted, what it gets it can read.

Its assistants client takes some fifteen seconds to import, so everything that needs it is in this module.
"""

from collections.abc import Iterator

import pytest
from vapi import (
    CreatePhoneNumbersRequest_Vapi,
    Server,
    UpdatePhoneNumbersRequestBody_Vapi,
    Vapi,
)
from vapi.core.api_error import ApiError

from local.simulators.vapi import VapiSimulator


@pytest.fixture
def sdk() -> Iterator[Vapi]:
    with VapiSimulator(api_key="key", activation_seconds=0) as simulator:
        yield Vapi(token="key", base_url=simulator.url)


def test_phone_numbers(sdk: Vapi) -> None:
    server = Server(url="https://hooks.example.com/vapi", headers={"X-Token": "t"})
    wish = CreatePhoneNumbersRequest_Vapi(number_desired_area_code="415", name="Main line", server=server)
    bought = sdk.phone_numbers.create(request=wish)
    assert (bought.status, bought.number) == ("activating", None)

    active = sdk.phone_numbers.get(id=bought.id)
    assert (active.status, active.name, active.server) == ("active", "Main line", server)
    assert str(active.number).startswith("+1415")
    assert [row.id for row in sdk.phone_numbers.list(limit=10, created_at_ge=bought.created_at)] == [bought.id]

    change = UpdatePhoneNumbersRequestBody_Vapi(name="Night line")
    renamed = sdk.phone_numbers.update(id=bought.id, request=change)
    assert (renamed.name, renamed.server) == ("Night line", server)
    assert sdk.phone_numbers.delete(id=bought.id).id == bought.id
    assert sdk.phone_numbers.list() == []


def test_a_refusal_is_the_sdks_own_error(sdk: Vapi) -> None:
    with pytest.raises(ApiError) as caught:
        sdk.phone_numbers.get(id="00000000-0000-4000-8000-000000000000")
    assert (caught.value.status_code, caught.value.body["error"]) == (404, "Not Found")


def test_assistants(sdk: Vapi) -> None:
    made = sdk.assistants.create(name="Front desk", first_message="Hello.", max_duration_seconds=300)
    assert sdk.assistants.get(id=made.id).first_message == "Hello."
    assert sdk.assistants.update(id=made.id, name="Back office").name == "Back office"
    assert [row.id for row in sdk.assistants.list()] == [made.id]
    assert sdk.assistants.delete(id=made.id).name == "Back office"
    assert sdk.assistants.list() == []
