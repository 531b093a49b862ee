"""What the operator decides, read from TOML files and checked before anything starts."""

from gateway.config.carrier import BindType, Carrier, CarrierBind, CarrierRoute
from gateway.config.gateway_file import Config, load
from gateway.config.numbering_plan import read_plan
from gateway.config.sections import Callbacks, Log, Queue, Rest, Smpp, Storage

__all__ = [
    "BindType",
    "Callbacks",
    "Carrier",
    "CarrierBind",
    "CarrierRoute",
    "Config",
    "Log",
    "Queue",
    "Rest",
    "Smpp",
    "Storage",
    "load",
    "read_plan",
]
