"""A local stack that stays until it is interrupted, and says how to use it."""

import json
import time

from local.paths import STACK_FILE
from local.simulators.control import CONTROL
from local.stack import BUSINESSES, Stack, running_stack

NUMBER = "+14155550100"
"""The first number that the simulated Vapi sells in area code 415."""
TOKEN_RENEWAL_SECONDS = 30 * 60
"""Tokens are good for an hour."""


def keep() -> None:
    """Brings a stack up, writes .local/stack.json for other programs, and waits for Ctrl-C."""
    print("Bringing a local stack up")
    with running_stack("local") as stack:
        try:
            _write(stack)
            print(how_to_use(stack), flush=True)
            while True:
                time.sleep(TOKEN_RENEWAL_SECONDS)
                _write(stack)
        except KeyboardInterrupt:
            print("\nTaking it down", flush=True)
        finally:
            STACK_FILE.unlink(missing_ok=True)


def _write(stack: Stack) -> None:
    """Replaces the file as a whole, so that no reader sees half of it. It holds tokens: for its owner only."""
    new = STACK_FILE.with_suffix(".new")
    new.touch(mode=0o600)
    new.write_text(json.dumps(stack.as_json(), indent=2))
    new.replace(STACK_FILE)


def how_to_use(stack: Stack) -> str:
    """What `make local` prints: addresses, tokens, and commands to copy."""
    first = next(iter(BUSINESSES))
    tokens = "\n\n".join(f"{business}'s token:\n{stack.token(business)}" for business in BUSINESSES)
    wish = {
        "provider": "vapi",
        "areaCode": "415",
        "name": "Front desk",
        "assistant": {"id": stack.new_assistant("Receptionist"), "type": "assistant"},
    }
    simulators = (stack.vapi.url, stack.twilio.url, stack.vonage.url, stack.bandwidth.url)
    aws = " ".join(f"{name}={value}" for name, value in stack.aws.environment.items())
    call = {"from": "+12025550123", "to": NUMBER}
    return f"""
The API is at {stack.api_url}
All addresses and tokens are in {STACK_FILE} (tokens there are renewed every half an hour)

{tokens}

Copy into another terminal, to buy a number with an assistant, see it, and let somebody call it (as `make ring` does):

TOKEN=$(python3 -c 'import json; print(json.load(open("{STACK_FILE}"))["tokens"]["{first}"])')

curl -s {stack.api_url}/phone-numbers -H "Authorization: Bearer $TOKEN" -H 'Idempotency-Key: first' \\
  -H 'Content-Type: application/json' -d '{json.dumps(wish)}'

curl -s {stack.api_url}/phone-numbers -H "Authorization: Bearer $TOKEN"

curl -s {stack.vapi.url}/_simulator/ring -H 'Content-Type: application/json' -d '{json.dumps(call)}'

Numbers of a carrier are bought with its name as provider, and searched for before:

curl -s '{stack.api_url}/available-phone-numbers?provider=twilio&areaCode=212' -H "Authorization: Bearer $TOKEN"

What the outside has: {", ".join(f"{url}{CONTROL}/state" for url in simulators)}

The commands of an operator work here too, with AWS as it is here, such as:

export {aws}
make reconcile DRY_RUN=1

Ctrl-C takes it down."""
