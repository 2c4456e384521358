"""What the owner of a server may choose, and what a request may choose."""

import dataclasses

from inpaint_tf.errors import UserError

DETAILS = ("none", "patches")
BLENDS = ("none", "poisson")
WORKING_SIZES = ("auto", "full")


@dataclasses.dataclass(frozen=True)
class ServeSettings:
    """Limits and names of one server.

    Attributes:
        presets: Names or folders of the presets that are offered; the first is the default. They are loaded when
            first used.
        token: What a client must show; None lets everybody in who reaches the port.
        hosts: Names under which browsers may call this server, without ports; others are turned away, so that a
            foreign page cannot reach a server on this machine under a name of its own. Empty: any name.
        most_bytes: Of one request.
        most_pixels: Of one photo or mask, by its header, before it is decoded.
        most_seconds: Of one fill, from when it starts to run.
        most_waiting: Fills that may wait behind the running one; more are turned away.
        memory_bytes: What all open photos and their versions may hold; the longest unused ones are closed first.
        idle_seconds: A photo that nobody touched for so long is closed.
        memory_budget: Bytes of the network's working memory; None is a share of what is free.
    """

    presets: tuple[str, ...]
    token: str | None = None
    hosts: tuple[str, ...] = ()
    most_bytes: int = 100_000_000
    most_pixels: int = 64_000_000
    most_seconds: float = 900
    most_waiting: int = 16
    memory_bytes: int = 2**31
    idle_seconds: float = 3600
    memory_budget: int | None = None


@dataclasses.dataclass(frozen=True)
class FillOptions:
    """How one hole is filled. None is the preset's own word.

    Attributes:
        preset: One of the server's presets, by its public name.
        detail: "none" or "patches".
        working_size: "auto", "full", or pixels of the longer side as a decimal number.
        blend: "none" or "poisson".
    """

    preset: str
    detail: str | None = None
    working_size: str | None = None
    blend: str | None = None

    @classmethod
    def from_request(cls, fields: dict, presets: tuple[str, ...]) -> "FillOptions":
        """Checks the values of a form or of JSON. Raises UserError naming the field and what it takes."""
        given = {name: str(fields[name]) for name in ("preset", "detail", "working_size", "blend") if fields.get(name)}
        options = cls(**{"preset": presets[0], **given})
        _one_of("preset", options.preset, presets)
        _one_of("detail", options.detail, (None, *DETAILS))
        _one_of("blend", options.blend, (None, *BLENDS))
        size = options.working_size
        if size not in (None, *WORKING_SIZES) and not (
            size.isascii() and size.isdecimal() and 32 <= int(size) <= 2**14
        ):
            raise UserError(f"working_size must be auto, full, or pixels from 32 to {2**14}; got {size:.40}.")
        return options


def _one_of(name: str, value: str | None, known: tuple[str | None, ...]) -> None:
    if value not in known:
        raise UserError(f"{name} must be one of {', '.join(word for word in known if word)}; got {value!s:.60}.")
