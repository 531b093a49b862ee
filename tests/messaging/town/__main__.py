"""`python -m tests.messaging.town outbox|engine TOWN`: live through a town, and print the figures.

TOWN is a `Town` as JSON. It is a process of its own so that its memory can be told, and so that
nothing traces it.
"""

from __future__ import annotations

import asyncio
import logging
import sys

import msgspec

from gateway.messaging.webhook_outbox import OutboxLimits
from tests.messaging.town.engine_life import EngineLife
from tests.messaging.town.outbox_life import OutboxLife
from tests.messaging.town.plan import Figures, Town
from tests.support.virtual_time import VirtualTimeLoop


async def live(town: Town) -> Figures:
    return await EngineLife(town, OutboxLimits()).run()


def main(kind: str, town: Town) -> None:
    logging.disable(logging.WARNING)
    if kind == "outbox":
        figures = OutboxLife(town, OutboxLimits()).run()
    else:
        with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
            figures = runner.run(live(town))
    sys.stdout.write(msgspec.json.encode(figures).decode())


if __name__ == "__main__":
    main(sys.argv[1], msgspec.json.decode(sys.argv[2], type=Town))
