"""Who takes part: three customers with senders of every type, one for each policy of what becomes
of messages in doubt; three carriers over five binds.
"""

from __future__ import annotations

from pathlib import Path

from carriers_sim.behaviour import Behaviour
from carriers_sim.config import CarrierConfig, SimulatorConfig
from carriers_sim.dlr_schedule import ReceiptBehaviour, ReceiptForm
from carriers_sim.message_id import IdFormat
from carriers_sim.recorder import Expectations
from gateway.account import Account, Esme, InDoubt, Sender, SenderType
from gateway.config import Carrier, Config
from gateway.config.carrier import BindType, CarrierBind, CarrierRoute
from gateway.config.dialect import PLAIN, Concatenation, Dialect
from gateway.config.sections import Callbacks, Queue, Smpp
from routing.numbering_plan import NumberingPlan
from tests.sim.scenario import Scenario

WALL_START = 1_700_000_000.0
HOST = "127.0.0.1"
GATEWAY_PORT = 2775
MAX_QUEUE_S = 900
RECEIPT_WAIT_S = 900.0
OUTCOME_UNKNOWN_WAIT_S = 240.0
RESPONSE_TIMEOUT_S = 10.0
HOLD_S = 30.0
WINDOW = 10
TPS = 30.0

PASSWORD = "simpass"
# scrypt with n=2 of `PASSWORD`: a hash that costs nothing to check.
PASSWORD_HASH = (
    "scrypt$2$8$1$73696d2d73616c74$6bfa1af3420e8ad8d0430321378e50c657d82be30fb796b4d47333377f3faf69"
)

SMS_URL = "https://cee.example.com/sms"
STATUS_URLS = {
    "acme": "https://acme.example.com/status",
    "cee": "https://cee.example.com/status",
}

ACME = Account(
    sid="AC" + "1" * 32,
    auth_token="a" * 32,
    name="acme",
    mps_max=22.0,
    max_queue_s=MAX_QUEUE_S,
    senders=(
        Sender("55501", SenderType.SHORT_CODE, mps=20.0),
        Sender("+18005550101", SenderType.TOLL_FREE),
        Sender("+12025550101", SenderType.LONG_CODE),
        Sender("+12025550102", SenderType.TEN_DLC, trust_score=30),
    ),
)
BEE = Account(
    sid="AC" + "2" * 32,
    auth_token="b" * 32,
    name="bee",
    max_queue_s=MAX_QUEUE_S,
    submits_per_second=40.0,
    in_doubt=InDoubt.HOLD,
    in_doubt_hold_s=HOLD_S,
    esmes=(Esme("bee", PASSWORD_HASH), Esme("bee2", PASSWORD_HASH)),
    senders=(
        Sender("55502", SenderType.SHORT_CODE, mps=10.0),
        Sender("+12025550103", SenderType.LONG_CODE, mps=2.0),
        Sender("+12025550104", SenderType.TEN_DLC),
    ),
)
# Its queues are so short that they overflow.
CEE = Account(
    sid="AC" + "3" * 32,
    auth_token="c" * 32,
    name="cee",
    max_queue_s=20,
    in_doubt=InDoubt.UNKNOWN,
    countries=("GB", "US"),
    senders=(
        Sender("Cee", SenderType.ALPHANUMERIC, mps=3.0),
        Sender("+447700900001", SenderType.LONG_CODE, sms_url=SMS_URL),
    ),
)
ACCOUNTS = (ACME, BEE, CEE)
SENDERS = {sender.address: (account, sender) for account in ACCOUNTS for sender in account.senders}

RECIPIENTS = {
    "US": tuple(f"+1415555{number:04d}" for number in range(2671, 2677)),
    "GB": tuple(f"+447700900{number}" for number in range(101, 105)),
}

PLAN = NumberingPlan.parse(
    "prefix,country,mcc,mnc,type,operator\n1,US,310,,any,\n44,GB,234,,any,\n447,GB,234,,mobile,\n"
)

PORTS = {"alpha": 27751, "bravo": 27752, "charlie": 27753}
CARRIERS = {port: name for name, port in PORTS.items()}
SILENT_BIND = "charlie/2"

HEALTHY = {
    "alpha": Behaviour(
        response_delay_s=(0.005, 0.05), receipts=ReceiptBehaviour(delay_s=(0.2, 4.0))
    ),
    "bravo": Behaviour(
        response_delay_s=(0.02, 0.2),
        id_format=IdFormat.HEX,
        receipts=ReceiptBehaviour(delay_s=(0.2, 8.0), form=ReceiptForm.TEXT),
    ),
    # Numbers its messages as alpha does: only the carrier's name tells their receipts apart.
    "charlie": Behaviour(
        response_delay_s=(0.01, 0.1),
        receipts=ReceiptBehaviour(
            delay_s=(0.2, 6.0), form=ReceiptForm.TLV, outcomes={"DELIVRD": 3.0, "UNDELIV": 1.0}
        ),
    ),
}


def gateway_config(scenario: Scenario) -> Config:
    return Config(
        path=Path("sim.toml"),
        numbering_plan=Path("sim.csv"),
        smpp=Smpp(host=HOST, port=GATEWAY_PORT, inactivity_s=600.0),
        queue=Queue(receipt_wait_s=RECEIPT_WAIT_S, outcome_unknown_wait_s=OUTCOME_UNKNOWN_WAIT_S),
        callbacks=Callbacks(concurrency=20),
        accounts=ACCOUNTS,
        carriers=(
            Carrier(
                "alpha",
                binds=(_bind("alpha", "1"), _bind("alpha", "2")),
                routes=(CarrierRoute(prefixes=("1",), weight=2, price=0.004),),
            ),
            Carrier(
                "bravo",
                binds=(
                    _bind(
                        "bravo",
                        "tx",
                        BindType.TRANSMITTER,
                        dialect=(
                            Dialect(concatenation=Concatenation.PAYLOAD)
                            if scenario.payload_carrier
                            else PLAIN
                        ),
                    ),
                    _bind("bravo", "rx", BindType.RECEIVER),
                ),
                routes=(
                    CarrierRoute(prefixes=("1",), price=0.005),
                    CarrierRoute(prefixes=("44",), price=0.03),
                ),
            ),
            Carrier(
                "charlie",
                binds=(
                    _bind("charlie", "1"),
                    _bind("charlie", "2", receipts=not scenario.silent_carrier),
                ),
                routes=(
                    CarrierRoute(prefixes=("1",), priority=2),
                    CarrierRoute(prefixes=("44",), price=0.04),
                ),
            ),
        ),
    )


def simulator_config(scenario: Scenario) -> SimulatorConfig:
    """Where answers get lost, a window is ours to free and the carrier's to count; the order of
    messages is for `audit_wire` to judge."""
    doubtful = scenario.lost_answers or scenario.freezes
    return SimulatorConfig(
        carriers=tuple(
            CarrierConfig(
                name=name,
                host=HOST,
                port=port,
                password=PASSWORD,
                deliver_attempts_max=10_000,
                behaviour=HEALTHY[name],
            )
            for name, port in PORTS.items()
        ),
        seed=scenario.seed,
        expectations=Expectations(order="", window=0 if doubtful else WINDOW),
    )


def _bind(
    carrier: str,
    bind: str,
    bind_type: BindType = BindType.TRANSCEIVER,
    receipts: bool = True,
    dialect: Dialect = PLAIN,
) -> CarrierBind:
    return CarrierBind(
        id=bind,
        host=HOST,
        port=PORTS[carrier],
        system_id="supernet",
        password=PASSWORD,
        bind_type=bind_type,
        window=WINDOW,
        tps=TPS,
        enquire_link_s=30.0,
        response_timeout_s=RESPONSE_TIMEOUT_S,
        receipts=receipts,
        dialect=dialect,
    )
