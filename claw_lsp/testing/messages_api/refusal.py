"""How the scripted Messages API says no: one exception, and the error body of the real API."""

from typing import Final

KINDS: Final = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    405: "invalid_request_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    502: "api_error",
    503: "api_error",
    504: "timeout_error",
    529: "overloaded_error",
}


class Refused(Exception):
    """A request that is answered with an error. `kind` is the API's error type, by default the status's usual one."""

    def __init__(self, status: int, message: str, *, kind: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.kind = kind or KINDS.get(status, "api_error")


def error_body(kind: str, message: str, request_id: str) -> dict[str, object]:
    """The JSON of an error answer, also the data of an `error` event in mid-stream."""
    return {"type": "error", "error": {"type": kind, "message": message}, "request_id": request_id}
