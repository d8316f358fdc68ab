"""Refusals, in the bodies that Vapi sends (vapi.md 1.8)."""

from http import HTTPStatus
from typing import Any


class Refusal(Exception):
    """An HTTP error of the REST API. ``message`` is a list for validation errors, as NestJS has it."""

    def __init__(self, status: int, message: str | list[str]) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status
        self.message = message

    @property
    def body(self) -> dict[str, Any]:
        """``{message, error, statusCode}``."""
        return {"message": self.message, "error": HTTPStatus(self.status).phrase, "statusCode": self.status}


def bad_request(message: str | list[str]) -> Refusal:
    """400."""
    return Refusal(400, message)


def unauthorized() -> Refusal:
    """401; the text is Vapi's."""
    return Refusal(
        401, "Invalid Key. Hot tip, you may be using the private key instead of the public key, or vice versa."
    )


def not_found() -> Refusal:
    """404: an id that does not exist, or is another organisation's."""
    return Refusal(404, "Not Found")


class CannotRing(Exception):
    """A call that the telephone network would not bring to Vapi: no such number, or it is not active."""

    def __init__(self, reason: str, status: int = 409) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status
