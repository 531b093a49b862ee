"""One target under atheris, in a process of its own: libFuzzer ends the process that it runs in.

`python -m tests.fuzz.atheris_process TARGET ARGUMENTS…`, with libFuzzer's own arguments.
"""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(
    include=["gateway.net", "gateway.sip", "gateway.smpp", "gateway.text", "media"]
):
    from tests.fuzz.targets import TARGETS

from gateway.smpp import codec


def main() -> None:
    name, *arguments = sys.argv[1:]
    for command_id, decode in codec._DECODERS.items():  # Compiled at the import, past the hook.
        codec._DECODERS[command_id] = atheris.instrument_func(decode)
    atheris.Setup([sys.argv[0], *arguments], TARGETS[name].fuzz)
    atheris.Fuzz()


main()
