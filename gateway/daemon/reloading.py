"""SIGHUP: the files of the configuration are read again. Calls take over what they can while they
stand; what is changed beside that is named, and waits for a restart."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Iterator, Sequence

from msgspec.structs import fields, replace

from gateway.account import Account
from gateway.carriers.configured_trunks import routed_trunks
from gateway.config import Config, load
from gateway.config.carrier import Carrier
from gateway.daemon.voice import Voice
from gateway.errors import GatewayError
from gateway.voice.customers import Customers

log = logging.getLogger(__name__)

# Of what waits for a restart so much is named.
NAMED_MAX = 20
# What calls have of [sip] and take over.
OF_SIP = frozenset({"calls_max", "call_max_s", "no_answer_s"})
_NOT_COMPARED = frozenset({"path", "accounts_key", "accounts", "carriers"})


class Reloading:
    """Each time that it is `asked` for. What waits for a restart is as it was `started` with."""

    def __init__(self, started: Config, voice: Voice | None, asked: asyncio.Event) -> None:
        self._started = started
        self._voice = voice
        self._asked = asked

    async def run(self) -> None:
        """Until canceled."""
        while True:
            await self._asked.wait()
            self._asked.clear()
            try:
                await self._reload()
            except GatewayError as error:
                log.error("configuration not reloaded", extra={"reason": str(error)})
            except Exception:
                log.exception("reloading broke")

    async def _reload(self) -> None:
        """What takes long where there are many accounts is done beside the loop."""
        config = await asyncio.to_thread(load, self._started.path, from_cache=True)
        calls = self._voice is not None
        waits = await asyncio.to_thread(waiting, self._started, config, calls)
        facts: dict[str, object] = {}
        if self._voice is not None:
            customers = await asyncio.to_thread(Customers, config.accounts)
            changes = self._voice.reload(config, customers)
            facts = {
                "trunks_new": changes.new,
                "trunks_changed": changes.changed,
                "trunks_gone": changes.gone,
            }
        log.info("configuration reloaded", extra=facts)
        if waits:
            named = [*waits[:NAMED_MAX], *(["…"] if len(waits) > NAMED_MAX else [])]
            log.warning("changes wait for a restart", extra={"changes": named})


def waiting(started: Config, config: Config, calls: bool) -> list[str]:
    """What differs and is not taken over while the gateway runs; where it carries `calls`, theirs
    is."""
    found = list(_keys(started, config, calls))
    before, now = started.accounts, config.accounts
    if calls:
        before, now = _without_calls(before), _without_calls(now)
    if before != now:
        found.append("accounts, as to messages" if calls else "accounts")
    if _binds(started.carriers) != _binds(config.carriers) or (
        not calls and started.carriers != config.carriers
    ):
        found.append("carriers, as to messages" if calls else "carriers")
    if calls:
        found += _routes(started.carriers, config.carriers)
    return found


def _keys(started: Config, config: Config, calls: bool) -> Iterator[str]:
    """Of gateway.toml."""
    for section in fields(Config):
        name = section.name
        before, now = getattr(started, name), getattr(config, name)
        if name in _NOT_COMPARED or before == now:
            continue
        keys = [one.name for one in fields(before)] if hasattr(before, "__struct_fields__") else []
        if not keys:
            yield name
        for key in keys:
            taken_over = calls and name == "sip" and key in OF_SIP
            if getattr(before, key) != getattr(now, key) and not taken_over:
                yield f"{name}.{key}"


def _routes(started: Sequence[Carrier], carriers: Sequence[Carrier]) -> list[str]:
    """The router knows its trunks from the start."""
    before = {trunk.id: trunk for trunk in routed_trunks(started)}
    now = {trunk.id: trunk for trunk in routed_trunks(carriers)}
    differ = [
        name for name in {**before, **now} if name in now and before.get(name) != now.get(name)
    ]
    return [f"calls to {name}: its routes, channels and cps" for name in differ]


def _without_calls(accounts: Iterable[Account]) -> tuple[Account, ...]:
    """What messages have of them."""
    unset = {"trunks": (), "phones": (), "call_status_callback": "", "channels": 0, "cps": 0.0}
    return tuple(replace(account, **unset) for account in accounts)


def _binds(carriers: Iterable[Carrier]) -> list[Carrier]:
    return [
        replace(carrier, trunks=(), call_routes=())
        for carrier in carriers
        if carrier.binds or carrier.routes
    ]
