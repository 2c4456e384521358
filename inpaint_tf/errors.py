"""The one exception that is written for people."""


class UserError(ValueError):
    """Something the user gave cannot be used.

    The message is one line: what was given, what is accepted, what to do. Commands print it and exit with 2.
    """
