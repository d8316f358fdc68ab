"""An outage of one AWS service for the call plane of the deployed stack, as long as a block lasts."""

from collections.abc import Iterator
from contextlib import contextmanager

from local.stack import Stack
from local.switch import Switch, running_switch

CALL_PLANE = "VapiFunction"
ROUTE = "POST /vapi/{id}"


@contextmanager
def breakable(stack: Stack, service: str) -> Iterator[Switch]:
    """Puts a switch between the call plane and a service (`DYNAMODB`, `SECRETS_MANAGER`), which passes everything on.

    It is done as an operator does it, by the function's environment. So there is no instance at first: each is new.
    """
    functions = stack.aws.session.client("lambda", endpoint_url=stack.aws.endpoint_url)
    name = stack.physical_id(CALL_PLANE)
    usual = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]

    def use(variables: dict[str, str]) -> None:
        functions.update_function_configuration(FunctionName=name, Environment={"Variables": variables})
        functions.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})

    with running_switch(stack.aws.endpoint_url) as switch:
        try:
            use({**usual, f"AWS_ENDPOINT_URL_{service}": switch.url})
            yield switch
        finally:
            use(usual)
            stack.warm_up(only=ROUTE)
