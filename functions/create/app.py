"""POST /phone-numbers: purchase or add a phone number."""

from http import HTTPStatus

from switchboard.api.http import (
    BODY_PROBLEMS,
    PROVIDER_PROBLEMS,
    BaseUrl,
    CurrentBusiness,
    IdempotencyKey,
    answers,
    http_app,
    http_entry,
)
from switchboard.api.representation import shown
from switchboard.model.number import PhoneNumberRequest, VapiPhoneNumber
from switchboard.provisioning.connected import lifecycle

app = http_app()

PROBLEMS = (*BODY_PROBLEMS, HTTPStatus.CONFLICT, *PROVIDER_PROBLEMS)


@app.post("/phone-numbers", **answers(HTTPStatus.CREATED, *PROBLEMS))
def create(
    body: PhoneNumberRequest, business: CurrentBusiness, base_url: BaseUrl, idempotency_key: IdempotencyKey = None
) -> VapiPhoneNumber:
    """Buys a number. Until its provider has activated it, it is inactive and `provisioning` tells how far it is."""
    record, is_new = lifecycle().create(body, business=business, idempotency_key=idempotency_key, base_url=base_url)
    return shown(record, told_secret=is_new)


lambda_handler = http_entry(app)
