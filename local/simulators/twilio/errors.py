"""Refusals, in the bodies that Twilio sends (carriers.md 1.5). Codes and words: Twilio's error dictionary."""

from flask import Response, jsonify

NEEDS_ADDRESS, NEEDS_BUNDLE = 21631, 21649
MESSAGES = {
    20001: "Invalid parameter",
    20003: "Authenticate",
    20403: "Account is not active",
    20404: "The requested resource was not found",
    20429: "Too Many Requests",
    20500: "Internal Server Error",
    20503: "Service unavailable. Please try again.",
    21404: "Trial accounts are allowed only one Twilio number. To purchase additional numbers, please upgrade.",
    21421: "PhoneNumber is invalid",
    21422: "PhoneNumber is not available",
    21451: "Invalid area code",
    21452: "No phone numbers found in area code",
    NEEDS_ADDRESS: "Phone Number Requires an Address",
    NEEDS_BUNDLE: "Bundle required and not provided",
}
STATUS = {20003: 401, 20403: 403, 20404: 404, 20429: 429, 20500: 500, 20503: 503}
"""Of the codes that are no 400."""


class Refusal(Exception):
    """An error of the API. `detail` is put behind the code's own words."""

    def __init__(self, code: int, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


def answered(refusal: Refusal) -> Response:
    """`{code, message, more_info, status}`."""
    message = MESSAGES[refusal.code] + (f": {refusal.detail}" if refusal.detail else "")
    return body(refusal.code, message, STATUS.get(refusal.code, 400))


def body(code: int, message: str, status: int) -> Response:
    answer = jsonify(
        {
            "code": code,
            "message": message,
            "more_info": f"https://www.twilio.com/docs/errors/{code}",
            "status": status,
        }
    )
    answer.status_code = status
    return answer
