"""A page to open a photo, brush over what should go, and see it filled; and the same as a REST interface.

  inpaint-tf serve                                    then open the address that it prints
  inpaint-tf serve --port=9000 --preset=my_preset/
  inpaint-tf serve --device=gpu:1                     fills on the second GPU; exit code 1 if it is not there
  inpaint-tf serve --host=0.0.0.0 --token=secret      for other machines: they need the token

Photos stay in this process's memory while they are open and are never written to the disk. One fill runs at a time;
others wait in a queue. Needs the extra: pip install "inpaint_tf[serve]".
"""

import ipaddress
import os
import secrets
import sys

from absl import flags

from inpaint_tf.commands.device_flag import define_device_flag
from inpaint_tf.commands.sizes import parse_bytes
from inpaint_tf.devices import use_device
from inpaint_tf.errors import UserError

SUMMARY = "a page to brush on photos, and a REST interface"


def define_flags(values: flags.FlagValues) -> None:
    def integer(name, default, text, low, high):
        flags.DEFINE_integer(name, default, text, lower_bound=low, upper_bound=high, flag_values=values)

    flags.DEFINE_string("host", "127.0.0.1", "Address to listen on; 0.0.0.0 is every one.", flag_values=values)
    integer("port", 8000, "Port; 0 takes a free one.", 0, 65535)
    flags.DEFINE_list(
        "preset", None, "Presets to offer: bundled names or folders. Default: all bundled ones.", flag_values=values
    )
    flags.DEFINE_string("token", None, 'What clients must show. "random" makes one and prints it.', flag_values=values)
    flags.DEFINE_list(
        "allow_host", None, "Names under which other machines' browsers call this server; any by default once --host "
        "is not this machine alone.", flag_values=values,
    )  # fmt: skip
    flags.DEFINE_string("most_bytes", "100MB", "Largest request.", flag_values=values)
    flags.DEFINE_float("most_megapixels", 64, "Largest photo, million pixels.", lower_bound=0.01, flag_values=values)
    flags.DEFINE_float("most_seconds", 900, "Longest fill, seconds.", lower_bound=0.01, flag_values=values)
    integer("queue", 16, "How many fills may wait.", 1, 1000)
    flags.DEFINE_string("photo_memory", "2GiB", "What all open photos may hold; the rest closes.", flag_values=values)
    flags.DEFINE_string("memory_budget", None, "Working memory of the network, e.g. 1.5GiB.", flag_values=values)
    define_device_flag(values)


def run(options: flags.FlagValues, arguments: list[str]) -> int:
    if arguments:
        raise UserError(f"serve takes flags only; got {' '.join(arguments)}.")
    try:
        import multipart  # noqa: F401
        import starlette  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError as error:
        raise UserError(f'serve needs {error.name}, which is not installed: pip install "inpaint_tf[serve]".') from None
    use_device(options.device)
    from inpaint_tf.models.presets import DEFAULT_PRESET, bundled_presets
    from inpaint_tf.serve.application import serve
    from inpaint_tf.serve.settings import ServeSettings

    presets = options.preset or sorted(bundled_presets(), key=lambda name: (name != DEFAULT_PRESET, name))
    token = secrets.token_urlsafe(16) if options.token == "random" else options.token
    if token == "":
        raise UserError('--token is empty; give one, or "random".')
    local = _is_this_machine(options.host)
    own_names = ("127.0.0.1", "localhost", "[::1]", options.host) if local else ()
    settings = ServeSettings(
        presets=tuple(presets),
        token=token,
        hosts=(*own_names, *(options.allow_host or ())),
        most_bytes=parse_bytes(options.most_bytes, "most_bytes") or ServeSettings.most_bytes,
        most_pixels=int(options.most_megapixels * 1e6),
        most_seconds=options.most_seconds,
        most_waiting=options.queue,
        memory_bytes=parse_bytes(options.photo_memory, "photo_memory") or ServeSettings.memory_bytes,
        memory_budget=parse_bytes(options.memory_budget, "memory_budget"),
    )

    def ready(port):
        shown = "localhost" if local else options.host
        query = f"/?token={token}" if token else "/"
        print(f"Open http://{shown}:{port}{query} in a browser. Ctrl+C stops.", flush=True)
        if not local and token is None:
            print("Everybody who reaches this machine can use it; --token=random asks for a token.", flush=True)

    if not serve(settings, options.host, options.port, ready):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)
    return 0


def _is_this_machine(host):
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
