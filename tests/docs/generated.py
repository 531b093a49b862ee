"""The generated blocks of the documentation, by name."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from gateway.smpp.states import Role
from tests.docs import code_tables, pdu_tables
from tests.docs.command_help import command_help
from tests.docs.configuration_tables import configuration_tables, sender_rates
from tests.docs.form_table import create_parameters
from tests.docs.invariant_table import invariant_table, sip_invariant_table
from tests.docs.log_event_table import log_event_table
from tests.docs.metric_table import metric_table
from tests.docs.status_table import status_table

GENERATED: dict[str, Callable[[], str]] = {
    "gateway-toml": partial(configuration_tables, "gateway-toml"),
    "accounts-toml": partial(configuration_tables, "accounts-toml"),
    "carriers-toml": partial(configuration_tables, "carriers-toml"),
    "sender-rates": sender_rates,
    "commands": command_help,
    "create-parameters": create_parameters,
    "refusals": code_tables.refusals,
    "http-errors": code_tables.http_errors,
    "message-codes": code_tables.message_codes,
    "carrier-answers": code_tables.carrier_answers,
    "receipt-states": code_tables.receipt_states,
    "webhook-codes": code_tables.webhook_codes,
    "statuses": status_table,
    "requests-of-esmes": partial(pdu_tables.requests, Role.ESME),
    "requests-of-ours": partial(pdu_tables.requests, Role.SMSC),
    "receipt-stats": pdu_tables.receipt_stats,
    "metrics": metric_table,
    "log-events": log_event_table,
    "invariants": invariant_table,
    "sip-invariants": sip_invariant_table,
}
