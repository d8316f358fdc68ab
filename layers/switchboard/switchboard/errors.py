"""What can go wrong, in the domain's words. `api/problems.py` maps each to HTTP; nothing here knows of it.

SwitchboardError
├── InvalidRequest            a field is wrong; names each field's path
├── NumberNotFound            no such number, or it is another business's
├── RuleNotFound              the number has no such routing rule
├── CallNotFound              the number had no such call
├── ExportNotFound            the number has no such export, or none any more
├── UnknownClient             the token is good, but no business stands behind it
├── StatusConflict            the number's status forbids the move
├── VersionMismatch           If-Match names another version than the number's
├── ChangedMeanwhile          the number kept changing under a write
├── IdempotencyKeyReused      the key was used with another request
├── ProviderNotConfigured     the deployment has no credentials for the provider
├── PurchaseRefused           the provider will not sell this
├── NotAvailable              the provider has not, or no longer, the number that was asked for
├── RequirementMissing        the provider wants an address, a regulatory bundle or the like first
├── BudgetExceeded            the number would cost more by the month than may be spent
├── NumberTaken               another number of this deployment has this E.164
├── OutboundForbidden         the number's direction forbids to call from it
├── DailyCallLimitReached     the number has placed as many calls today as it may
├── CallNotPlaced             a call that was asked for was surely never placed
├── TranscriptUnavailable     what was said in a call is kept, and out of reach now
└── ProviderError
    ├── ProviderCredentialsRejected   401 or 403 from the provider
    ├── ProviderBusy                  429: the request was not processed
    ├── ProviderUnreachable           the request was never sent
    ├── ProviderRefused               the provider understood the request and said no
    ├── ProviderFailed                the provider answered with an error of its own
    └── OutcomeUnknown                sent, and no answer: it may have worked
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class FieldError:
    """One refused field: its path in the request body (`businessHours.timezone`) and what is wrong with it."""

    path: str
    message: str


class SwitchboardError(Exception):
    """The root of all errors that a caller can cause or has to be told of."""

    code = "error"

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class InvalidRequest(SwitchboardError):
    code = "invalid_request"

    def __init__(self, *errors: FieldError) -> None:
        super().__init__("; ".join(f"{error.path}: {error.message}" for error in errors))
        self.errors = errors


class NumberNotFound(SwitchboardError):
    code = "number_not_found"

    def __init__(self, number_id: str) -> None:
        super().__init__(f"There is no phone number {number_id}.")


class RuleNotFound(SwitchboardError):
    code = "rule_not_found"

    def __init__(self, rule_id: str) -> None:
        super().__init__(f"The number has no routing rule {rule_id}.")


class CallNotFound(SwitchboardError):
    code = "call_not_found"

    def __init__(self, call_id: str) -> None:
        super().__init__(f"The number had no call {call_id}.")


class ExportNotFound(SwitchboardError):
    code = "export_not_found"

    def __init__(self, export_id: str) -> None:
        super().__init__(f"The number has no export {export_id}; an export is kept for seven days.")


class UnknownClient(SwitchboardError):
    code = "unknown_client"

    def __init__(self) -> None:
        super().__init__("This API client belongs to no business of this deployment.")


class StatusConflict(SwitchboardError):
    code = "status_conflict"


class VersionMismatch(SwitchboardError):
    code = "version_mismatch"

    def __init__(self, version: int) -> None:
        super().__init__(f"The number has changed since you read it: it is at version {version}.")


class ChangedMeanwhile(SwitchboardError):
    code = "changed_meanwhile"

    def __init__(self) -> None:
        super().__init__("The number kept changing while this request was at work. Nothing was written; try again.")


class IdempotencyKeyReused(SwitchboardError):
    code = "idempotency_key_reused"

    def __init__(self) -> None:
        super().__init__("This Idempotency-Key was used with a different request.")


class ProviderNotConfigured(SwitchboardError):
    code = "provider_not_configured"

    def __init__(self, provider: str, remedy: str) -> None:
        super().__init__(f"This deployment is not configured for {provider}: {remedy}")


class PurchaseRefused(SwitchboardError):
    code = "purchase_refused"


class NotAvailable(SwitchboardError):
    code = "number_not_available"


class RequirementMissing(SwitchboardError):
    """The account has to meet a condition before it may buy; the text says which, with the provider's code."""

    code = "requirement_missing"


class BudgetExceeded(SwitchboardError):
    code = "budget_exceeded"

    def __init__(self) -> None:
        super().__init__("The number would cost more a month than the budget has left. Nothing was bought.")


class NumberTaken(SwitchboardError):
    code = "number_taken"

    def __init__(self, phone_number: str) -> None:
        super().__init__(f"{phone_number} is held by another number of this deployment.")


class OutboundForbidden(SwitchboardError):
    code = "outbound_forbidden"

    def __init__(self) -> None:
        super().__init__("The number's direction is inbound: nobody can be called from it.")


class DailyCallLimitReached(SwitchboardError):
    """retry_after: seconds until the number's day ends."""

    code = "daily_call_limit_reached"

    def __init__(self, limit: int, retry_after: int) -> None:
        super().__init__(f"The number may place {limit} calls a day (outboundSettings.dailyCallLimit), and has today.")
        self.retry_after = retry_after


class CallNotPlaced(SwitchboardError):
    code = "call_not_placed"


class TranscriptUnavailable(SwitchboardError):
    code = "transcript_unavailable"

    def __init__(self) -> None:
        super().__init__("What is kept of what was said in calls is out of reach at the moment. Try again.")


class ProviderError(SwitchboardError):
    """The outside world failed. The text never holds a secret: it is made of our words and the provider's message."""

    code = "provider_error"


class ProviderCredentialsRejected(ProviderError):
    code = "provider_credentials_rejected"


class ProviderBusy(ProviderError):
    """retry_after: seconds that the provider asks to wait, where it says."""

    code = "provider_busy"

    def __init__(self, detail: str, retry_after: int | None = None) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class ProviderUnreachable(ProviderError):
    code = "provider_unreachable"


class ProviderRefused(ProviderError):
    code = "provider_refused"


class ProviderFailed(ProviderError):
    code = "provider_failed"

    def __init__(self, detail: str, status: int) -> None:
        super().__init__(detail)
        self.status = status


class OutcomeUnknown(ProviderError):
    code = "provider_outcome_unknown"
