"""carriers.toml: what carriers want otherwise, and the ways to them."""

from pathlib import Path

import pytest

from gateway.config import load
from gateway.config.dialect import (
    PLAIN,
    AddressForms,
    Concatenation,
    ConstantTlv,
    DefaultAlphabet,
    IdFormat,
)
from gateway.errors import ConfigError
from tests.config.files import Files, edit

LAST_OF_ALPHA = """\
id = "2"
host = "127.0.0.1"
port = 27751
system_id = "supernet"
password = "simpass"
"""


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def mistake(files: Files, added: str, taken: str = "") -> str:
    """What is said of alpha's second bind with these lines added."""
    edit(files.carriers, LAST_OF_ALPHA, LAST_OF_ALPHA.replace(taken, "") + added)
    with pytest.raises(ConfigError) as raised:
        load(files.entry, {})
    return str(raised.value).partition("carriers.toml:")[2]


def test_a_carrier_without_a_dialect_is_plain(files: Files) -> None:
    """The same object, which is what every submit_sm asks."""
    edit(files.carriers, 'id = "bravo"', 'id = "bravo"\n[carrier.dialect]\nservice_type = ""')
    binds = [bind for carrier in load(files.entry).carriers for bind in carrier.binds]
    assert all(bind.dialect is PLAIN for bind in binds)


def test_the_dialect_of_a_carrier_is_that_of_its_binds_unless_they_have_their_own(
    files: Files,
) -> None:
    dialect = '[carrier.dialect]\ndefault_alphabet = "latin-1"\n\n[[carrier.bind]]\nid = "1"'
    edit(files.carriers, '[[carrier.bind]]\nid = "1"', dialect)
    own = '[carrier.bind.dialect]\nconcatenation = "sar"\n'
    edit(files.carriers, LAST_OF_ALPHA, LAST_OF_ALPHA + own)
    first, second = (bind.dialect for bind in load(files.entry).carriers[0].binds)
    assert first.default_alphabet is DefaultAlphabet.LATIN_1
    assert second.default_alphabet is DefaultAlphabet.GSM
    assert second.concatenation is Concatenation.SAR


def test_every_table_of_a_bind_is_read(files: Files) -> None:
    added = """\
backups = ["smsc2.example:2775", "[2001:db8::1]:3000"]
sessions = 4

[carrier.bind.tls]
server_name = "smsc.example"

[carrier.bind.dialect.source]
national_prefix = "0"

[[carrier.bind.dialect.tlv]]
tag = 0x1600
value = "cafe"
"""
    edit(files.carriers, LAST_OF_ALPHA, LAST_OF_ALPHA + added)
    bind = load(files.entry).carriers[0].binds[1]
    assert (bind.sessions, bind.backups[1]) == (4, "[2001:db8::1]:3000")
    assert bind.tls
    assert bind.tls.server_name == "smsc.example"
    assert bind.dialect.source == AddressForms(national_prefix="0")
    assert bind.dialect.constant_tlvs == (ConstantTlv(0x1600, "cafe"),)


def test_ids_are_the_same_octets_unless_their_format_is_said(files: Files) -> None:
    said = 'id = "bravo"\nresponse_id = "hex"\nreceipt_id = "decimal"'
    edit(files.carriers, 'id = "bravo"', said)
    alpha, bravo = load(files.entry).carriers
    assert (alpha.response_id, alpha.receipt_id) == (IdFormat.EXACT, IdFormat.EXACT)
    assert (bravo.response_id, bravo.receipt_id) == (IdFormat.HEX, IdFormat.DECIMAL)


def test_a_bind_that_waits_for_an_outbind_has_no_host(files: Files) -> None:
    added = """\
bind_type = "receiver"

[carrier.bind.outbind]
system_id = "smsc"
password_env = "OUTBIND"
"""
    without = LAST_OF_ALPHA.replace('host = "127.0.0.1"\n', "").replace("port = 27751\n", "")
    edit(files.carriers, LAST_OF_ALPHA, without + added)
    bind = load(files.entry, {"OUTBIND": "letmein"}).carriers[0].binds[1]
    assert bind.outbind
    assert bind.outbind.password == "letmein"


@pytest.mark.parametrize(
    ("added", "taken", "expected"),
    [
        ("", 'host = "127.0.0.1"\n', "14: [[carrier.bind]] missing key 'host'"),
        (
            'backups = ["smsc2.example"]\n',
            "",
            '20: [[carrier.bind]] backups[0]: expected "host:port", an IPv6 address in brackets, '
            'got "smsc2.example"',
        ),
        (
            'backups = ["smsc2.example:99999"]\n',
            "",
            "20: [[carrier.bind]] backups: expected ports up to 65535, got smsc2.example:99999",
        ),
        (
            '[carrier.bind.tls]\ncert_file = "us.crt"\n',
            "",
            "20: [[carrier.bind.tls]] cert_file and key_file go together",
        ),
        (
            '[carrier.bind.tls]\nverify = false\nca_file = "ca.crt"\n',
            "",
            "20: [[carrier.bind.tls]] verifies nothing, so ca_file and server_name lie",
        ),
        (
            '[carrier.bind.outbind]\nsystem_id = "smsc"\npassword = "x"\n',
            "",
            "20: [[carrier.bind.outbind]] the carrier connects: take out host and backups",
        ),
        (
            'bind_type = "transmitter"\n[carrier.bind.outbind]\nsystem_id = "smsc"\n',
            'host = "127.0.0.1"\n',
            "20: [[carrier.bind.outbind]] is for a receiver or a transceiver (SMPP v3.4 §2.2.1)",
        ),
        (
            'sessions = 2\n[carrier.bind.outbind]\nsystem_id = "smsc"\n',
            'host = "127.0.0.1"\n',
            "20: [[carrier.bind.outbind]] is for one session without TLS",
        ),
        (
            '[carrier.bind.outbind]\nsystem_id = "smsc"\n',
            'host = "127.0.0.1"\n',
            "19: [[carrier.bind.outbind]] expected either password or password_env",
        ),
        (
            '[carrier.bind.dialect]\ndefault_alphabet = "gsm7"\n',
            "",
            '21: [[carrier.bind.dialect]] default_alphabet: expected "gsm", "gsm-packed", '
            '"latin-1" or "ascii", got "gsm7"',
        ),
        (
            '[[carrier.bind.dialect.tlv]]\ntag = 0x1600\nvalue = "caf"\n',
            "",
            "22: [[carrier.bind.dialect.tlv]] value: expected at most 255 octets as hexadecimal "
            'digits, got "caf"',
        ),
    ],
)
def test_a_mistake_in_a_way_to_a_carrier(
    files: Files, added: str, taken: str, expected: str
) -> None:
    assert mistake(files, added, taken).removeprefix(" ") == expected


def test_numbers_and_octets_cannot_be_compared(files: Files) -> None:
    edit(files.carriers, 'id = "bravo"', 'id = "bravo"\nreceipt_id = "decimal"')
    with pytest.raises(ConfigError, match="expected auto or exact for both, or hex or decimal"):
        load(files.entry)
