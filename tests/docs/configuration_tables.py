"""Every key of the configuration: type, bounds and default as the daemon checks them.

What a key means is said here. A key without a meaning, and a meaning without a key, are errors.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from enum import Enum

import msgspec
from msgspec import inspect

from gateway.account import (
    MPS_10DLC_LOW_VOLUME,
    MPS_BY_SENDER_TYPE,
    MPS_BY_TRUST_SCORE,
    Account,
    ApiKey,
    CustomerTrunk,
    Esme,
    Phone,
    Sender,
    SenderType,
)
from gateway.config.account_rules import ACCOUNT_BOUNDS, ESME_BOUNDS, SENDER_BOUNDS
from gateway.config.call_customer_rules import CUSTOMER_TRUNK_BOUNDS, PHONE_BOUNDS
from gateway.config.carrier import BindTls, Carrier, CarrierBind, CarrierRoute, Outbind
from gateway.config.dialect import AddressForms, ConstantTlv, Dialect
from gateway.config.gateway_file import GatewayFile
from gateway.config.ice_servers import Stun, Turn
from gateway.config.media import Media
from gateway.config.mistakes import expected
from gateway.config.phone_page import PhoneNumber, PhonePage
from gateway.config.sections import (
    Admin,
    Archive,
    Callbacks,
    Events,
    EventWebhook,
    Log,
    Mqtt,
    Queue,
    Rest,
    Smpp,
    SmppTls,
    Storage,
    Text,
)
from gateway.config.sip import Sip, SipTls
from gateway.config.trunk import CallRoute, CarrierTrunk, NumberRules
from tests.docs.page import code, table

FILES: dict[str, dict[str, type[msgspec.Struct]]] = {
    "gateway-toml": {
        "": GatewayFile,
        "[rest]": Rest,
        "[admin]": Admin,
        "[smpp]": Smpp,
        "[smpp.tls]": SmppTls,
        "[sip]": Sip,
        "[sip.tls]": SipTls,
        "[media]": Media,
        "[media.stun]": Stun,
        "[media.turn]": Turn,
        "[phone]": PhonePage,
        "[[phone.number]]": PhoneNumber,
        "[store]": Storage,
        "[text]": Text,
        "[queue]": Queue,
        "[callbacks]": Callbacks,
        "[events]": Events,
        "[events.mqtt]": Mqtt,
        "[events.webhook]": EventWebhook,
        "[events.archive]": Archive,
        "[log]": Log,
    },
    "accounts-toml": {
        "[[account]]": Account,
        "[[account.api_keys]]": ApiKey,
        "[[account.esmes]]": Esme,
        "[[account.senders]]": Sender,
        "[[account.trunk]]": CustomerTrunk,
        "[[account.phone]]": Phone,
    },
    "carriers-toml": {
        "[[carrier]]": Carrier,
        "[[carrier.route]]": CarrierRoute,
        "[[carrier.bind]]": CarrierBind,
        "[carrier.bind.tls]": BindTls,
        "[carrier.bind.outbind]": Outbind,
        "[carrier.dialect]": Dialect,
        "[carrier.dialect.source]": AddressForms,
        "[[carrier.dialect.tlv]]": ConstantTlv,
        "[[carrier.trunk]]": CarrierTrunk,
        "[carrier.trunk.numbers]": NumberRules,
        "[[carrier.call_route]]": CallRoute,
    },
}

# Bounds that are checked beside the types, because they belong to values that Python code makes.
BOUNDS = {
    **{("[[account]]", key): (low, high) for key, low, high in ACCOUNT_BOUNDS},
    **{("[[account.esmes]]", key): (low, high) for key, low, high in ESME_BOUNDS},
    **{("[[account.senders]]", key): (low, high) for key, low, high in SENDER_BOUNDS},
    **{("[[account.trunk]]", key): (low, high) for key, low, high in CUSTOMER_TRUNK_BOUNDS},
    **{("[[account.phone]]", key): (low, high) for key, low, high in PHONE_BOUNDS},
}

MEANINGS: dict[str, dict[str, str]] = {
    "": {
        "accounts": "The file of customers, relative to this file.",
        "carriers": "The file of carriers, relative to this file.",
        "numbering_plan": "The CSV file of prefixes and networks, relative to this file.",
        "node": "Part of every message id. Each node of an installation has its own.",
    },
    "[rest]": {
        "host": "Where the REST API listens.",
        "port": "TCP port; 0 takes a free one.",
        "trusted_proxies": "Whose X-Forwarded-For names the client. Behind a proxy that is not "
        "named here, all clients share one limit on failed attempts to authenticate.",
    },
    "[admin]": {
        "host": "Where health and metrics listen. They ask for no credentials: keep this on "
        "loopback or on a management network.",
        "port": "TCP port; 0 takes a free one.",
    },
    "[smpp]": {
        "host": "Where the SMPP server listens.",
        "port": "TCP port; 0 takes a free one.",
        "system_id": "What a bind_resp calls us.",
        "window": "deliver_sm that may await their response on one connection.",
        "session_init_s": "Seconds from a connection to its bind.",
        "enquire_link_s": "Seconds of silence, then we send enquire_link.",
        "response_s": "Seconds for an answer to a request of ours.",
        "inactivity_s": "Seconds without a request other than enquire_link, then we unbind.",
        "connections_max": "Connections at a time, bound or not; one more is closed at once.",
        "connections_per_address_max": "Of those, from one address. Of IPv6 a /64 counts as one.",
        "auth_failures_max": "Wrong passwords or unknown system_ids from one address, then nobody "
        "may bind from there for `lockout_s`; see [SMPP](smpp.md#who-may-bind).",
        "lockout_s": "For so many seconds.",
        "proxy_protocol": "Load balancers, by address or network. A connection from there begins "
        "with a header of the PROXY protocol, version 1 or 2, which names the client.",
        "idempotency_tag": "The tag of the TLV in which a submit_sm or data_sm may carry an "
        "idempotency key. 5120 is 0x1400, the first of the vendor-specific ones.",
        "deliver_s": "Seconds after which a receipt or message that an account's ESMEs have not "
        "taken is given up.",
    },
    "[smpp.tls]": {
        "cert_file": "Our certificate, in PEM. Empty: no listener with TLS.",
        "key_file": "Its key. Empty: the key is in `cert_file` too.",
        "client_ca_file": "The authorities that must have signed a client's certificate (mutual "
        "TLS). Empty: clients need none.",
        "port": "TCP port; 0 takes a free one.",
        "only": "Whether the port without TLS is closed.",
    },
    "[sip]": {
        "enabled": "Whether calls are taken at all.",
        "host": "Where SIP listens.",
        "port": "UDP and TCP port; 0 takes a free one.",
        "websocket_port": "TCP port for browsers (RFC 7118), with TLS where there is a "
        "`cert_file`. 0: none.",
        "websocket_origins": "Pages whose scripts may connect, as browsers name them (Origin, RFC "
        "6455 §10.2), such as `https://phone.example.com`. Left out: any.",
        "public_host": "How peers reach us, where that is not the address they came to. A NAT "
        "needs it.",
        "digest_algorithms": "Of our challenges, in this order. baresip 1.0 and SIPp 3.6 give up "
        'where SHA-256 is offered: `["MD5"]` lets them in.',
        "realm": "Part of every password's hash (`supernet accounts sip-user`): changed, all users "
        "need new ones.",
        "calls_max": "Calls at a time. One more is refused with 503 and Retry-After.",
        "call_max_s": "Seconds after which a call is ended.",
        "no_answer_s": "Seconds that a call may ring.",
        "session_expires_s": "Seconds that a session lives without a refresh, as we offer it (RFC "
        "4028).",
        "min_se_s": "The shortest that we accept; below: 422.",
        "failures_max": "Wrong passwords, or requests of a source that may not call, then its "
        "address is not answered any more for `ban_s`; see [SIP](sip.md#who-is-not-heard).",
        "ban_s": "For so many seconds.",
    },
    "[media]": {
        "host": "The one address that RTP is bound to. Empty: that of `[sip]`.",
        "public_host": "What peers are told. Empty: that of `[sip]`, else `host`.",
        "port_min": "The first port for RTP. A call takes four.",
        "port_max": "The last one.",
        "workers": "Processes that relay media, each with its part of the ports. 0: one a core.",
        "engine": "Who relays media: our own workers, or the servers below, to which none of the "
        "other keys applies.",
        "rtpengine": "See `[[media.rtpengine]]`.",
    },
    "[media.stun]": {
        "host": "A server of STUN that tells us how browsers see us. Empty: none is asked.",
        "port": "Its UDP port.",
    },
    "[media.turn]": {
        "host": "A server of TURN that relays for us. Empty: none does.",
        "port": "Its port.",
        "transport": "`udp`, `tcp`, or `tls`: how we speak with it.",
        "username": "Who we are there.",
        "password": "Our password there.",
        "password_env": "Or the environment variable that holds it.",
    },
    "[[media.rtpengine]]": {
        "host": "Where its `listen-ng` is.",
        "port": "UDP port of the ng protocol.",
        "weight": "Its share of new calls. 0: only while no other is up or has room.",
    },
    "[sip.tls]": {
        "cert_file": "Our certificate, in PEM. Empty: no listener with TLS.",
        "key_file": "Its key. Empty: the key is in `cert_file` too.",
        "port": "TCP port; 0 takes a free one.",
    },
    "[phone]": {
        "enabled": "Whether there is a page at `/phone` of the REST API's port, from which people "
        "[call in a browser](../how-to/call-from-a-browser.md). Wants `[sip]` enabled.",
        "number": "What it suggests: a list of `[[phone.number]]`.",
    },
    "[[phone.number]]": {
        "number": "A number, or the user name of a phone of the account's.",
        "name": "What it is called there.",
    },
    "[store]": {
        "directory": "Where messages are kept, relative to the working directory of the daemon. "
        "It is made when it is missing.",
        "free_bytes_min": "With fewer octets free on its disk, nothing is accepted.",
        "segment_bytes": "A segment file that has grown so large is closed, and a new one begun.",
        "segment_s": "The same after so many seconds.",
        "retention_s": "A segment is dropped so many seconds after it was closed, with the "
        "messages in it; what is not finished is carried over.",
        "bytes_max": "Octets of all segments together; above, the oldest is dropped earlier, "
        "and its finished messages are not found any more. 0: no bound.",
        "idempotency_window_s": "For so long the same idempotency key makes no second message. "
        "Not longer than `retention_s`.",
        "call_retention_s": "Records of calls are kept for so many seconds after the call's end.",
        "call_bytes_max": "Octets of all records of calls; above, the oldest go earlier. 0: no "
        "bound.",
    },
    "[text]": {
        "reference_bits": "The size of the reference that joins the parts of a message again. With "
        "16, which some carriers want, a part holds one septet or UTF-16 unit less.",
        "national_languages": "Those in whose shift tables a text may go where that takes fewer "
        "parts than UCS-2, the preferred first. Not every carrier and handset takes them. See "
        "[how a text becomes parts](../explanation/text.md#national-languages).",
    },
    "[queue]": {
        "expired_error_code": "The code of a message whose time passes in its queue. 30036 is "
        "Twilio's newer one.",
        "receipt_wait_s": "Seconds in `sent`, then a receipt is no longer expected and the message "
        "becomes `undelivered` with 30008.",
        "outcome_unknown_wait_s": "Seconds after an answer of the carrier was due, then a message "
        "that it may or may not have is `failed` with 30410.",
        "reassembly_s": "Seconds that the parts of an inbound message wait for those that are "
        "missing; then each is told as it came, and logged with 30009.",
    },
    "[callbacks]": {
        "connect_timeout_s": "Seconds for name, connection and TLS of one attempt.",
        "response_timeout_s": "Seconds for one attempt as a whole.",
        "concurrency": "Requests under way at once, to all destinations together.",
        "host_concurrency": "Requests under way at once to one host.",
        "allow_private_destinations": "Let customers' URLs lead to loopback and private networks. "
        "Right for a demo, wrong where customers are strangers.",
    },
    "[events]": {
        "source": "The `source` of every CloudEvent: which gateway speaks.",
        "behind_alarm_s": "A sink that is so many seconds behind raises an alarm.",
    },
    "[events.mqtt]": {
        "host": "Name or address of the MQTT broker. Empty: none.",
        "port": "Its TCP port; 8883 is usual with TLS.",
        "version": "3 for MQTT 3.1.1, or 5.",
        "topic_prefix": "What all topics begin with; no wildcards.",
        "client_id": "Ours, the same after each restart. Empty: made of `topic_prefix` and `node`.",
        "username": "Who we are to the broker. Empty: nobody.",
        "password": "The password of `username`; `password_env` is better.",
        "password_env": "The environment variable that holds the password.",
        "tls": "Encrypt, and verify the broker's certificate.",
        "ca_file": "Authorities to verify it by. Empty: the system's.",
        "cert_file": "Our certificate, where the broker wants one.",
        "key_file": "Its private key.",
        "keepalive_s": "Seconds of silence, then we ping.",
        "in_flight_max": "Events that may await their PUBACK.",
    },
    "[events.webhook]": {
        "url": "Where batches of CloudEvents are posted. Empty: nowhere. A private "
        "address is allowed here.",
        "secret": "The key that signs the batches; `secret_env` is better.",
        "secret_env": "The environment variable with the key that signs the batches.",
        "batch_max": "Events in one request.",
        "timeout_s": "Seconds for one request.",
    },
    "[events.archive]": {
        "target": "A directory, or `s3://bucket/prefix`. Empty: no archive.",
        "endpoint": "The URL of an S3-compatible service other than AWS.",
        "region": "Its region.",
        "file_s": "Seconds until a file is closed and its events count as taken.",
        "file_bytes": "Octets of one file, before compression.",
        "segments": "Also write down each segment as a whole before it is dropped.",
    },
    "[log]": {
        "level": "The least serious lines that are written, to standard error.",
        "format": "`text` for people, `json` for machines: one object a line.",
    },
    "[[account]]": {
        "sid": "`AC` and 32 hex digits; unique.",
        "auth_token": "32 hex digits, in clear: it is the key that signs webhooks.",
        "name": "For people.",
        "suspended": "Refuse messages (20005), binds and calls (403).",
        "api_keys": "See below.",
        "esmes": "See below.",
        "senders": "See below.",
        "countries": "Where the account may send to and call, ISO 3166. Elsewhere: 21408, and 403 "
        "to calls. Numbers dialed in national form are of the first.",
        "mps_max": "Segments a second over all senders together. Left out: no cap.",
        "max_queue_s": "Each sender's queue holds so many seconds of its rate, and no message "
        "waits longer.",
        "requests_per_second": "REST requests, with a burst of one second's worth. Above: 20429.",
        "concurrent_requests": "REST requests at a time. Above: 20429.",
        "submits_per_second": "Requests over SMPP, each destination of a submit_multi one, with a "
        "burst of one second's worth. Above: ESME_RTHROTTLED.",
        "in_doubt": "What becomes of a message that a carrier may have taken, when its bind or the "
        "gateway went down before the answer was on record: `resend`, `hold` (for a receipt, then "
        "resend) or `unknown` (never sent twice).",
        "in_doubt_hold_s": "How long `hold` waits for a receipt.",
        "national_languages": "As in `[text]` of gateway.toml, for the texts of this account. Left "
        "out: those of `[text]`.",
        "traffic_class": "What a delivery is worth to [the router](../explanation/routing.md), "
        "where neither the message (`TrafficType`) nor its sender says. Left out: transactional.",
        "trunk": "See below: its PBXs.",
        "phone": "See below: its phones and browsers.",
        "channels": "Calls at a time over all its trunks and phones. One more is refused: 503 to "
        "the account, 486 to a carrier.",
        "cps": "Calls that may begin in a second. Above: 503 with Retry-After.",
        "sees_prices": "Show it prices and utilities where routes are explained: for the "
        "operator's own account.",
        "call_status_callback": "Where the statuses of its calls are posted, signed; the "
        "`status_callback` of a `[[account.trunk]]` comes first for calls from there. See "
        "[receive status callbacks](../how-to/receive-status-callbacks.md#calls).",
    },
    "[[account.api_keys]]": {
        "sid": "`SK` and 32 hex digits; unique.",
        "secret_hash": "`sha256$…`, as `supernet accounts new-key` prints it.",
    },
    "[[account.esmes]]": {
        "system_id": "1 to 15 ASCII characters without blanks; unique in the file.",
        "password_hash": "`scrypt$…`, as `supernet accounts hash-secret` prints it. The password "
        "has at most 8 characters.",
        "binds_max": "Binds at a time. One more is refused with ESME_RBINDFAIL.",
        "allowed_ips": "Addresses or networks that it may bind from. Left out: any.",
        "require_tls": "Whether it must come over TLS.",
        "certificate": "A name (common name or alternative name) in the client certificate that it "
        "must show. Needs `client_ca_file`. Empty: any.",
    },
    "[[account.senders]]": {
        "address": "E.164 with `+`, a short code of 3 to 8 digits, or 1 to 11 letters, digits, "
        "blanks and `&+_.-` with a letter. A number belongs to one account only.",
        "type": "Decides the rate, and where it may send.",
        "mps": "Segments a second. Left out: the rate of the type.",
        "registration": "Where a 10dlc stands with its campaign, or a toll_free with its "
        "verification. Unless `registered`, messages to the US and Canada are refused.",
        "trust_score": "Of a 10dlc: decides its rate, see below.",
        "countries": "Where this sender may send to. Left out: anywhere for a long_code, the US "
        "and Canada for short_code, toll_free and 10dlc, anywhere else for alphanumeric.",
        "sms_url": "Where inbound messages to this number go. Empty: to the account's ESMEs.",
        "sms_method": "POST or GET.",
        "sms_fallback_url": "Called where the `sms_url` fails.",
        "sms_fallback_method": "POST or GET.",
        "traffic_class": "That of this sender's messages. Left out: the account's.",
    },
    "[[account.trunk]]": {
        "id": "Its name in call records: `trunk/<id>`.",
        "allowed_ips": "Addresses or networks that its calls come from. Without a `username` they "
        "are enough to be let in, with one they are asked for as well.",
        "username": "Who it is in its digest; unique in the file. Empty: known by address alone.",
        "ha1_md5": "As `supernet accounts sip-user` prints it.",
        "ha1_sha256": "The same.",
        "uri": "Where calls to the account's numbers go, such as `sip:192.0.2.1:5060` or "
        "`sip:pbx.example.com;transport=tls`. Empty: none go there.",
        "channels": "Calls at a time, both ways; at most the account's. One more is refused: 503 "
        "to the trunk, 486 to a carrier.",
        "cps": "Calls that it may begin in a second; at most the account's. Above: 503 with "
        "Retry-After.",
        "caller_ids": "Numbers that it may show beside the account's senders. Calls to them go to "
        "this trunk only.",
        "status_callback": "Where the statuses of the calls that it makes are posted, signed. "
        "Without one: the account's `call_status_callback`.",
    },
    "[[account.phone]]": {
        "username": "Who it is in its digest and how it is called within the account; unique in "
        "the file.",
        "ha1_md5": "As `supernet accounts sip-user` prints it.",
        "ha1_sha256": "The same.",
        "caller_id": "The number that it shows, and whose calls it gets. Empty: it may show any of "
        "the account's, and gets the calls to those that nobody names.",
        "bindings_max": "Places where it may be registered. Of one more the oldest goes.",
    },
    "[[carrier]]": {
        "id": "Part of every bind's and trunk's name.",
        "bind": "See below; at least one that can send, or a trunk.",
        "route": "See below; at least one where there is a bind.",
        "trunk": "See below: SIP trunks for calls.",
        "call_route": "See below. Without any, its trunks only send us calls.",
        "name": "For people. Left out: the id.",
        "response_id": "How it writes its message_id in a submit_sm_resp: a number in hexadecimal "
        "or decimal, or the octets as they are. `auto` finds out, and is then said of both.",
        "receipt_id": "The same in a receipt.",
    },
    "[[carrier.route]]": {
        "prefixes": 'E.164 without `+`. The longest that fits counts. `["1", …, "9"]` is all.',
        "mccmnc": "Networks by MCC and MNC, or whole countries by their MCC.",
        "priority": "The smallest is tried first.",
        "weight": "Shares traffic among routes of one match and priority.",
        "price": "US dollars a segment. Among equals, half the price gets twice the share.",
        "sender_types": "Which senders may use it. Left out: all.",
    },
    "[[carrier.bind]]": {
        "id": "With the carrier's: `carrier/bind`, its name in logs, metrics and the store.",
        "host": "Name or address of the SMSC. Required, unless the carrier connects (`outbind`).",
        "port": "Its TCP port.",
        "backups": "Other hosts, tried in turn when `host` is not reached or refuses the bind, and "
        "left when the connection is lost.",
        "sessions": "SMPP sessions that are one bind: up while one of them is.",
        "system_id": "Who we are there.",
        "password": "At most 8 characters. Either this or `password_env`.",
        "password_env": "The environment variable that holds the password.",
        "system_type": "Where the carrier asks for one.",
        "bind_type": "A transmitter only sends, a receiver only receives.",
        "window": "submit_sm that may await their response, on each session.",
        "tps": "The contract: submit_sm a second, of all sessions together.",
        "enquire_link_s": "Seconds of silence, then we ask.",
        "response_timeout_s": "Seconds for a submit_sm_resp; then the outcome is unknown.",
        "receipts": "Ask for delivery receipts. Without them `sent` is the last status.",
    },
    "[carrier.bind.tls]": {
        "ca_file": "Authorities to verify the carrier's certificate by. Empty: the system's.",
        "cert_file": "Our certificate, where the carrier wants one.",
        "key_file": "Its private key.",
        "server_name": "Whom the certificate must name. Empty: the host.",
        "verify": "`false` takes any certificate: nothing then protects against who stands in "
        "between.",
    },
    "[carrier.bind.outbind]": {
        "system_id": "What the carrier's outbind must say.",
        "host": "Where we listen for the carrier.",
        "port": "TCP port.",
        "password": "What its outbind must say. Either this or `password_env`.",
        "password_env": "The environment variable that holds it.",
    },
    "[carrier.dialect]": {
        "default_alphabet": "What data_coding 0 is there.",
        "concatenation": "Long texts: a user data header, SAR TLVs, or one submit_sm with "
        "message_payload.",
        "service_type": "Said of every message.",
        "priority": "The same. Left out: the customer's.",
        "protocol_id": "The same. Left out: the customer's.",
        "validity": "Pass on what is left of a message's own time as validity_period.",
        "tlvs": "Which TLVs of customers it gets, and customers of it.",
        "country_code": "Numbers that begin with it are national, and written without it.",
        "tlv": "See below.",
    },
    "[carrier.dialect.source]": {
        "international_ton": "TON of numbers.",
        "international_npi": "Their NPI.",
        "international_prefix": 'What stands before their digits: nothing, `"+"` or `"00"`.',
        "national_ton": "TON of numbers of `country_code`.",
        "national_npi": "Their NPI.",
        "national_prefix": 'What stands in place of the country code: nothing or `"0"`.',
        "short_code_ton": "TON of short codes.",
        "short_code_npi": "Their NPI.",
        "alphanumeric_ton": "TON of alphanumeric senders.",
        "alphanumeric_npi": "Their NPI.",
    },
    "[[carrier.dialect.tlv]]": {
        "tag": "The tag of a TLV that each submit_sm has.",
        "value": "Its value.",
    },
    "[[carrier.trunk]]": {
        "id": "With the carrier's: `carrier/trunk`, its name in logs, metrics and call records.",
        "host": "Name or address; a name is looked up by RFC 3263.",
        "port": "Its port. 0: by NAPTR and SRV, or 5060, 5061 with TLS.",
        "transport": "How we send there.",
        "username": "Who we are where the carrier challenges us.",
        "password": "Either this or `password_env`, with a `username`.",
        "password_env": "The environment variable that holds the password.",
        "from_domain": "The domain in From and in the address that we register. Empty: our address "
        "in From, and `host` where we register.",
        "channels": "Calls at a time.",
        "cps": "Calls that may begin in a second.",
        "options_s": "Seconds between two OPTIONS. Two in a row without an answer, and the trunk "
        "is down; 408 and 503 are none. 0: nothing is asked, and it counts as up.",
        "register_s": "Seconds that we register for. 0: we do not.",
        "no_answer_s": "Seconds without 18x or final answer, then the next trunk is tried.",
        "no_failover": "Final answers that end the call: nobody else is tried.",
        "identity": "`asserted` tells who calls in P-Asserted-Identity too.",
        "srtp": "Whether our offers ask for encrypted media, by keys in the INVITE (RFC 4568): "
        "`may` where the carrier can (RFC 8643), `must` or there is no call. Goes with "
        '`transport = "tls"`.',
        "allowed_ips": "Addresses or networks that its calls to us come from. Left out: what "
        "`host` leads to, over UDP from the same port.",
    },
    "[carrier.trunk.numbers]": {
        "format": "How it writes numbers: `+49…`, `49…`, or as its country dials them.",
        "country_code": "That country.",
        "national_prefix": "What stands in place of its code in `national` form, as `0`.",
        "international_prefix": "What stands before other numbers in `national` form.",
        "add": "What goes before each number that is called: the carrier's technical prefix.",
    },
    "[[carrier.call_route]]": {
        "prefixes": 'E.164 without `+`. The longest that fits counts. `["1", …, "9"]` is all.',
        "priority": "The smallest is tried first.",
        "weight": "Shares calls among routes of one prefix and priority.",
        "price": "US dollars a minute. Among equals, half the price gets twice the share.",
    },
}


def configuration_tables(file: str) -> str:
    """One table of keys for each table of a file."""
    sections = (_section(header, schema) for header, schema in FILES[file].items())
    return "".join(sections) + "\n"


def sender_rates() -> str:
    """Segments a second of each type of sender, where its `mps` is left out."""
    rows = [(code(kind.value), f"{mps:g}") for kind, mps in MPS_BY_SENDER_TYPE.items()]
    rows += [
        (f"{code(SenderType.TEN_DLC.value)}, trust score from {low}", f"{mps:g}")
        for low, mps in MPS_BY_TRUST_SCORE
    ]
    rows.append((f"{code(SenderType.TEN_DLC.value)} without a score", f"{MPS_10DLC_LOW_VOLUME:g}"))
    return table(("Type", "Segments a second"), rows)


def _section(header: str, schema: type[msgspec.Struct]) -> str:
    rows = list(_rows(header, schema))

    differ = sorted({key for key, *_ in rows} ^ set(MEANINGS[header]))
    assert not differ, f"say in {__name__} what these keys mean, or forget them: {differ}"
    described = table(
        ("Key", "Value", "Default", "Meaning"),
        ((code(key), value, default, MEANINGS[header][key]) for key, value, default in rows),
    )
    return f"\n### `{header}`\n{described.rstrip()}\n" if header else described.rstrip() + "\n"


def _rows(header: str, schema: type[msgspec.Struct]) -> Iterator[tuple[str, str, str]]:
    info = inspect.type_info(schema)
    assert isinstance(info, inspect.StructType)
    for field in info.fields:
        if isinstance(_bare(field.type), inspect.StructType):
            continue  # A table of its own.
        bounds = BOUNDS.get((header, field.encode_name))
        yield field.encode_name, _value(field.type, bounds), _default(field)


def _value(kind: inspect.Type, bounds: tuple[float, float] | None) -> str:
    bare = _bare(kind)
    if isinstance(bare, inspect.VarTupleType):
        item = _bare(bare.item_type)
        if isinstance(item, inspect.StructType):
            return "tables"
        return f"array of {_value(bare.item_type, None).replace('a string', 'strings')}"
    text = expected(kind)
    if bounds is not None:
        low, high = bounds
        return f"{text} from {low:,} to {high:,}"
    return text


def _bare(kind: inspect.Type) -> inspect.Type:
    if isinstance(kind, inspect.UnionType):
        tables = [each for each in kind.types if isinstance(each, inspect.StructType)]
        return tables[0] if tables else kind
    return kind.type if isinstance(kind, inspect.Metadata) else kind


def _default(field: inspect.Field) -> str:
    if field.required:
        return "required"
    value = field.default if field.default is not msgspec.NODEFAULT else field.default_factory()
    if value == tuple(SenderType):
        return "all"
    return "none" if value in (None, ()) else code(_toml(value))


def _toml(value: object) -> str:
    match value:
        case Enum():
            return json.dumps(value.value)
        case float():
            return f"{value:.1f}" if value == int(value) else str(value)
        case tuple():
            return json.dumps(value)
        case Mapping():
            raise AssertionError("no key is a free table")
        case _:
            return json.dumps(value)
