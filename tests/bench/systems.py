"""The systems that are measured, and how each is made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tests.bench import traffic
from tests.bench.gateway_files import ORDINARY, GatewaySize
from tests.bench.gateway_process import GatewayProcess
from tests.bench.jasmin_process import JasminProcess
from tests.bench.kannel_process import KannelProcess
from tests.bench.load import DialectName
from tests.bench.system import System

SystemName = Literal["ours", "Kannel", "Kannel, file store", "Jasmin"]
OURS: SystemName = "ours"


@dataclass(frozen=True, slots=True)
class Setting:
    """What a system is told: where its data go, the port of the sink, and whether the scenario has
    receipts. `size` is for ours alone."""

    directory: Path
    carrier_port: int
    receipts: bool
    size: GatewaySize = ORDINARY


@dataclass(frozen=True, slots=True)
class SystemKind:
    """`warm_up` bounds the messages before the measurement: a slow peer would take minutes. `make`
    raises PeerMissing where a program is not here.
    """

    dialect: DialectName
    warm_up: int
    make: Callable[[Setting], System]


def ours(setting: Setting) -> System:
    return GatewayProcess(
        setting.directory, setting.carrier_port, setting.size, receipts=setting.receipts
    )


def kannel(setting: Setting) -> System:
    return KannelProcess(setting.directory, setting.carrier_port, file_store=False)


def kannel_with_store(setting: Setting) -> System:
    return KannelProcess(setting.directory, setting.carrier_port, file_store=True)


def jasmin(setting: Setting) -> System:
    return JasminProcess(setting.directory, setting.carrier_port)


SYSTEMS: dict[SystemName, SystemKind] = {
    "ours": SystemKind("twilio", traffic.RECIPIENTS, ours),
    "Kannel": SystemKind("kannel", 2_000, kannel),
    "Kannel, file store": SystemKind("kannel", 2_000, kannel_with_store),
    "Jasmin": SystemKind("jasmin", 300, jasmin),
}
