"""Errors that a client sees: a status and one line that says what to do."""

from inpaint_tf.errors import UserError


class RequestError(UserError):
    """A request that cannot be served as it is.

    Attributes:
        status: HTTP status.
        retry_after: Seconds after which it is worth trying again; None if it is not.
    """

    def __init__(self, status: int, message: str, retry_after: int | None = None):
        super().__init__(message)
        self.status = status
        self.retry_after = retry_after
