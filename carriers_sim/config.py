"""The simulator's configuration: TOML in, frozen values out, mistakes named by file and line."""

from __future__ import annotations

import re
import tomllib
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import msgspec

from carriers_sim.behaviour import Behaviour
from carriers_sim.call_behaviour import CallBehaviour
from carriers_sim.delay import Seconds
from carriers_sim.handset_traffic import HandsetTraffic
from carriers_sim.recorder import KEEP, Expectations
from carriers_sim.timeline import Change, changed_behaviour
from carriers_sim.user_data import Alphabet
from gateway.sip.digest import Algorithm
from gateway.smpp.constants import INTERFACE_3_3, INTERFACE_3_4, INTERFACE_5_0

Port = Annotated[int, msgspec.Meta(ge=0, le=65_535)]
Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9_-]*$", max_length=32)]
Positive = Annotated[int, msgspec.Meta(ge=1)]
Host = Annotated[str, msgspec.Meta(min_length=1)]


class InterfaceVersion(StrEnum):
    """What a carrier speaks; with a customer that speaks an older one, that."""

    V3_3 = "3.3"
    V3_4 = "3.4"
    V5_0 = "5.0"

    @property
    def octet(self) -> int:
        return INTERFACE_OCTETS[self]


INTERFACE_OCTETS = {
    InterfaceVersion.V3_3: INTERFACE_3_3,
    InterfaceVersion.V3_4: INTERFACE_3_4,
    InterfaceVersion.V5_0: INTERFACE_5_0,
}


class ConfigError(Exception):
    """The configuration cannot be used; the text is one line."""


class Tls(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """PEM files. Without `key` it is in `certificate` too; with `client_ca` a customer must show a
    certificate that it has signed."""

    certificate: str
    key: str = ""
    client_ca: str = ""


class CarrierConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One simulated message centre. Port 0 takes a free one.

    A deliver_sm that is answered with a temporary error, or not within `response_s`, is sent again
    after `deliver_retry_s`, `deliver_attempts_max` times in all. `timeline` changes the behaviour
    as time goes by, `handsets` send messages of their own accord.
    """

    name: Name
    host: Host = "127.0.0.1"
    port: Port = 0
    system_id: Annotated[str, msgspec.Meta(max_length=15)] = "supernet"
    password: Annotated[str, msgspec.Meta(max_length=8)] = "simpass"
    binds_max: Positive = 100
    session_init_s: Seconds = 10.0
    enquire_link_s: Seconds = 30.0
    response_s: Seconds = 10.0
    deliver_window: Positive = 100
    deliver_attempts_max: Positive = 5
    deliver_retry_s: Seconds = 5.0
    version: InterfaceVersion = InterfaceVersion.V3_4
    alphabet: Alphabet = Alphabet.GSM
    tls: Tls | None = None
    behaviour: Behaviour = Behaviour()
    timeline: tuple[Change, ...] = ()
    handsets: HandsetTraffic | None = None

    def __post_init__(self) -> None:
        for change in self.timeline:
            changed_behaviour(self.behaviour, change.behaviour)


class SipCarrierConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One simulated carrier for calls, on UDP and TCP. Port 0 takes a free one.

    `username` and `password` are what it asks for where its behaviour challenges, by `algorithms`
    in this order, and what it says where the customer does. It asks for a refresh of each session
    after `session_expires_s`, and accepts no less than `min_se_s`.
    """

    name: Name
    host: Host = "127.0.0.1"
    port: Port = 0
    username: Annotated[str, msgspec.Meta(max_length=64)] = "supernet"
    password: Annotated[str, msgspec.Meta(max_length=64)] = "simpass"
    algorithms: Annotated[tuple[Algorithm, ...], msgspec.Meta(min_length=1)] = (
        Algorithm.SHA_256,
        Algorithm.MD5,
    )
    session_expires_s: Positive = 1_800
    min_se_s: Positive = 90
    behaviour: CallBehaviour = CallBehaviour()


class ControlConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the HTTP control interface listens."""

    host: Host = "127.0.0.1"
    port: Port = 8090


class SimulatorConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All carriers of one process. `keep` = 0 counts only, for load tests."""

    carriers: tuple[CarrierConfig, ...] = ()
    sip_carriers: tuple[SipCarrierConfig, ...] = msgspec.field(default=(), name="sip_carrier")
    seed: int = 1
    keep: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] = KEEP
    control: ControlConfig | None = None
    expectations: Expectations = Expectations()

    def __post_init__(self) -> None:
        if not self.carriers and not self.sip_carriers:
            raise ValueError("there is no carrier: say [[carriers]] or [[sip_carrier]]")
        names: set[str] = set()
        ports: dict[tuple[str, int], str] = {}
        every: tuple[CarrierConfig | SipCarrierConfig, ...] = (*self.carriers, *self.sip_carriers)
        for carrier in every:
            if carrier.name in names:
                raise ValueError(f"two carriers are called {carrier.name}")
            names.add(carrier.name)
            other = ports.setdefault((carrier.host, carrier.port), carrier.name)
            if carrier.port and other != carrier.name:
                raise ValueError(f"{other} and {carrier.name} both want port {carrier.port}")


def load(path: Path) -> SimulatorConfig:
    """Raises ConfigError, which names the file, the line where it is known, and what was wrong."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: {(error.strerror or str(error)).lower()}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: not UTF-8") from None
    try:
        return parse(text)
    except ConfigError as error:
        raise ConfigError(f"{path}:{error}") from None


def parse(text: str) -> SimulatorConfig:
    """Raises ConfigError, which begins with the line where it is known."""
    try:
        return msgspec.convert(tomllib.loads(text), SimulatorConfig)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f" {error}") from None
    except msgspec.ValidationError as error:
        reason, _, path = str(error).partition(" - at `$.")
        path = path.rstrip("`")
        unknown = re.search(r"unknown field `(.+)`", reason)
        keys = re.findall(r"[^.\[\]`]+", path) + ([unknown[1]] if unknown else [])
        line = line_of(text, keys)
        where = f"{line}: " if line else " "
        key = f"{path}: " if path else ""
        raise ConfigError(f"{where}{key}{reason[:1].lower()}{reason[1:]}") from None


def line_of(text: str, keys: list[str]) -> int:
    """The line of the deepest of nested `keys` that the text has, or 0. An array index is a key."""
    best_line, best_depth = 0, 0
    table: list[str] = []
    arrays: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        header = re.match(r"\s*(\[\[?)\s*([\w.\-]+)\s*\]", line)
        pair = re.match(r"\s*([\w.\-]+|\"[^\"]+\")\s*=", line)
        if header:
            names = header[2].split(".")
            if header[1] == "[[":
                arrays[header[2]] = arrays.get(header[2], -1) + 1
            table = _indexed(names, arrays)
            found = table
        elif pair:
            found = table + pair[1].strip('"').split(".")
        else:
            continue
        depth = len(found)
        if found == keys[:depth] and depth > best_depth:
            best_line, best_depth = number, depth
    return best_line


def _indexed(names: list[str], arrays: dict[str, int]) -> list[str]:
    """`carriers.behaviour` under the second `[[carriers]]` is carriers, 1, behaviour."""
    path: list[str] = []
    for depth, name in enumerate(names, start=1):
        path.append(name)
        index = arrays.get(".".join(names[:depth]))
        if index is not None:
            path.append(str(index))
    return path
