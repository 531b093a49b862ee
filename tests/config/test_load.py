"""Each mistake is one line: file, line, key, what was expected."""

from pathlib import Path

import pytest

from gateway.account import Language
from gateway.config import load
from gateway.config.sections import Text
from gateway.errors import ConfigError
from tests.config.files import Files, edit


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def mistake(files: Files, **environ: str) -> str:
    """What `load` says, without the directory, which differs from test to test."""
    with pytest.raises(ConfigError) as caught:
        load(files.entry, environ)
    return str(caught.value).replace(f"{files.directory}/", "")


def test_keys_left_out_take_their_defaults(files: Files) -> None:
    assert load(files.entry).queue.receipt_wait_s == 259_200


def test_files_are_found_beside_the_entry_file(files: Files) -> None:
    assert load(files.entry).numbering_plan == files.directory / "plan.csv"


def test_a_carrier_without_a_name_is_called_by_its_id(files: Files) -> None:
    assert load(files.entry).carriers[0].name == "alpha"


def test_a_password_comes_from_the_environment(files: Files) -> None:
    edit(files.carriers, 'password = "simpass"', 'password_env = "ALPHA"')
    carriers = load(files.entry, {"ALPHA": "s3cret"}).carriers
    assert carriers[0].binds[0].password == "s3cret"


def test_national_languages_are_the_gateways_unless_an_account_has_its_own(files: Files) -> None:
    edit(
        files.entry, "[queue]", "[text]\nreference_bits = 16\nnational_languages = ['tr']\n[queue]"
    )
    edit(files.accounts, 'countries = ["US", "CA"]', "national_languages = []")
    config = load(files.entry)
    assert config.text == Text(reference_bits=16, national_languages=(Language.TURKISH,))
    assert config.accounts[0].national_languages == ()
    assert config.accounts[1].national_languages is None


def test_two_accounts_may_share_an_alphanumeric_sender(files: Files) -> None:
    for number in ("55501", "55502"):
        edit(files.accounts, f'"{number}"\ntype = "short_code"', '"DEMO"\ntype = "alphanumeric"')
    senders = [account.senders[0].address for account in load(files.entry).accounts]
    assert senders == ["DEMO", "DEMO"]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "port = 8080",
            'port = "abc"',
            'gateway.toml:6: [rest] port: expected an integer from 0 to 65535, got "abc"',
        ),
        (
            "port = 8080",
            "port = 65536",
            "gateway.toml:6: [rest] port: expected an integer from 0 to 65535, got 65536",
        ),
        (
            "port = 8080",
            "port = 99999999999999999999999",
            "gateway.toml:6: [rest] port: expected an integer from 0 to 65535, "
            "got 99999999999999999999999",
        ),
        (
            "port = 8080",
            "prot = 8080",
            "gateway.toml:6: [rest] unknown key 'prot'; did you mean 'port'?",
        ),
        (
            "port = 8080",
            "x = 1",
            "gateway.toml:6: [rest] unknown key 'x'; expected one of host, port, trusted_proxies",
        ),
        ("port = 8080", "port = ", "gateway.toml:6: not TOML: invalid value (column 8)"),
        ("[rest]", "[reest]", "gateway.toml:5: unknown key 'reest'; did you mean 'rest'?"),
        ("[rest]", 'rest = "here"\n[x]', 'gateway.toml:5: rest: expected a table, got "here"'),
        (
            "accounts =",
            "acounts =",
            "gateway.toml:1: unknown key 'acounts'; did you mean 'accounts'?",
        ),
        ('accounts = "accounts.toml"', "", "gateway.toml: missing key 'accounts'"),
        ("accounts.toml", "none.toml", "gateway.toml:1: accounts: no such file 'none.toml'"),
        ("plan.csv", "none.csv", "gateway.toml:3: numbering_plan: no such file 'none.csv'"),
        (
            "[rest]",
            "node = 1024\n[rest]",
            "gateway.toml:5: node: expected an integer from 0 to 1023, got 1024",
        ),
        (
            "[log]\nlevel",
            "[log]\nlevel = 'loud'\nx",
            'gateway.toml:12: [log] level: expected "debug", "error", "info" or "warning", '
            'got "loud"',
        ),
        (
            "outcome_unknown_wait_s = 60.0",
            "outcome_unknown_wait_s = nan",
            "gateway.toml:9: [queue] outcome_unknown_wait_s: "
            "expected a number from 1 to 2592000, got nan",
        ),
        (
            "[queue]",
            "[queue]\nexpired_error_code = 30002",
            "gateway.toml:9: [queue] expired_error_code: expected 30001 or 30036, got 30002",
        ),
        (
            "[queue]",
            "[text]\nreference_bits = 12\n[queue]",
            "gateway.toml:9: [text] reference_bits: expected 8 or 16, got 12",
        ),
        (
            "[queue]",
            "[text]\nnational_languages = ['tr', 'de']\n[queue]",
            'gateway.toml:9: [text] national_languages[1]: expected "tr", "es", "pt", "bn", "gu", '
            '"hi", "kn", "ml", "or", "pa", "ta", "te" or "ur", got "de"',
        ),
        (
            "[log]",
            "[callbacks]\nallow_private_destinations = 1\n[log]",
            "gateway.toml:12: [callbacks] allow_private_destinations: "
            "expected true or false, got 1",
        ),
    ],
)
def test_a_mistake_in_the_entry_file(files: Files, old: str, new: str, expected: str) -> None:
    edit(files.entry, old, new)
    assert mistake(files) == expected


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            'sid = "AC0123456789abcdef0123456789abcdef"',
            'sid = "AC0123"',
            '2: [[account]] sid: expected "AC" and 32 hex digits, got "AC0123"',
        ),
        (
            'auth_token = "0123456789abcdef0123456789abcdef"',
            'auth_token = "hunter2"',
            "3: [[account]] auth_token: expected 32 hex digits, got a secret of 7 characters",
        ),
        (
            'sid = "ACfedcba9876543210fedcba9876543210"',
            'sid = "AC0123456789abcdef0123456789abcdef"',
            '20: [[account]] sid: account sid "AC0123456789abcdef0123456789abcdef" '
            "is already on line 2",
        ),
        (
            '"US", "CA"',
            '"UK"',
            '4: [[account]] countries[0]: expected an ISO 3166 country code such as "US", got "UK"',
        ),
        (
            'countries = ["US", "CA"]',
            'national_languages = ["xx"]',
            '4: [[account]] national_languages[0]: expected "tr", "es", "pt", "bn", "gu", "hi", '
            '"kn", "ml", "or", "pa", "ta", "te" or "ur", got "xx"',
        ),
        (
            'countries = ["US", "CA"]',
            "national_languages = true",
            "4: [[account]] national_languages: expected an array, got true",
        ),
        (
            'countries = ["US", "CA"]',
            "max_queue_s = 36001",
            "4: [[account]] max_queue_s: expected a number from 1 to 36000, got 36001",
        ),
        (
            'countries = ["US", "CA"]',
            "requests_per_second = nan",
            "4: [[account]] requests_per_second: expected a number from 0.01 to 1000000, got nan",
        ),
        (
            'sid = "SK01',
            'sid = "SX01',
            '7: [[account.api_keys]] sid: expected "SK" and 32 hex digits, '
            'got "SX0123456789abcdef0123456789abcdef"',
        ),
        (
            "sha256$4ba",
            "sha1$4ba",
            "8: [[account.api_keys]] secret_hash: expected sha256$<hex>, "
            "got a secret of 69 characters",
        ),
        (
            'system_id = "second"',
            'system_id = "demo"',
            '24: [[account.esmes]] system_id: system_id "demo" is already on line 11',
        ),
        (
            'system_id = "demo"',
            'system_id = "longer-than-fifteen"',
            "11: [[account.esmes]] system_id: expected 1 to 15 ASCII characters without blanks, "
            'got "longer-than-fifteen"',
        ),
        (
            "scrypt$2$",
            "scrypt$1073741824$",
            "12: [[account.esmes]] password_hash: expected scrypt$n$r$p$<salt>$<hash> "
            "as `supernet accounts hash-secret` prints it, got a secret of 103 characters",
        ),
        (
            'system_id = "demo"',
            'system_id = "demo"\nallowed_ips = ["10.0.0.0/8", "localhost"]',
            "12: [[account.esmes]] allowed_ips[1]: expected an IP address or network "
            'such as "192.0.2.0/24", got "localhost"',
        ),
        (
            'address = "55501"',
            'address = "+15005550017"',
            "15: [[account.senders]] address: expected 3 to 8 digits for a short_code, "
            'got "+15005550017"',
        ),
        (
            'address = "55502"',
            'address = "55501"',
            '28: [[account.senders]] address: sender "55501" is already on line 15',
        ),
        (
            "mps = 100",
            "mps = 0",
            "17: [[account.senders]] mps: expected a number from 0.01 to 10000, got 0",
        ),
        (
            "mps = 100",
            "trust_score = 75",
            "17: [[account.senders]] trust_score: only a 10dlc has a trust score",
        ),
        (
            "mps = 100",
            'sms_url = "ftp://a.example"',
            '17: [[account.senders]] sms_url: expected an http or https URL, got "ftp://a.example"',
        ),
        (
            "mps = 100",
            'sms_method = "PUT"',
            '17: [[account.senders]] sms_method: expected GET or POST, got "PUT"',
        ),
        (
            'type = "short_code"',
            'type = "shortcode"',
            '16: [[account.senders]] type: expected "short_code", "toll_free", "10dlc", '
            '"long_code" or "alphanumeric", got "shortcode"',
        ),
        ('type = "short_code"', "", "14: [[account.senders]] missing key 'type'"),
    ],
)
def test_a_mistake_in_the_accounts(files: Files, old: str, new: str, expected: str) -> None:
    edit(files.accounts, old, new)
    assert mistake(files) == f"accounts.toml:{expected}"


@pytest.mark.parametrize(
    ("type_", "address", "fits"),
    [
        ("short_code", "123", True),
        ("short_code", "12", False),
        ("short_code", "12a", False),
        ("toll_free", "+18005550100", True),
        ("toll_free", "+448001111111", True),
        ("toll_free", "+15005550006", False),
        ("10dlc", "+12025550143", True),
        ("10dlc", "+18005550100", False),
        ("10dlc", "+4915112345678", False),
        ("long_code", "+4915112345678", True),
        ("long_code", "15005550006", False),
        ("alphanumeric", "My Shop 24", True),
        ("alphanumeric", "12345", False),
        ("alphanumeric", "Twelve chars", False),
        ("alphanumeric", "Müller", False),
    ],
)
def test_a_sender_has_the_form_of_its_type(
    files: Files, type_: str, address: str, fits: bool
) -> None:
    new = f'address = "{address}"\ntype = "{type_}"'
    edit(files.accounts, 'address = "55501"\ntype = "short_code"', new)
    if fits:
        assert load(files.entry).accounts[0].senders[0].address == address
    else:
        assert "accounts.toml:15: [[account.senders]] address: expected " in mistake(files)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            'id = "bravo"',
            'id = "alpha"',
            '22: [[carrier]] id: carrier id "alpha" is already on line 2',
        ),
        (
            'id = "2"',
            'id = "1"',
            '15: [[carrier.bind]] id: bind id "1" is already on line 8',
        ),
        (
            'id = "1"',
            'id = "alpha/1"',
            "8: [[carrier.bind]] id: expected an id of at most 32 small letters, digits, "
            "'-' and '_', got \"alpha/1\"",
        ),
        ('prefixes = ["1"]', "", "4: [[carrier.route]] leads nowhere: give prefixes or mccmnc"),
        (
            'prefixes = ["1"]',
            'prefixes = ["1", "+44"]',
            '5: [[carrier.route]] prefixes[1]: expected 1 to 15 digits of E.164 without "+", '
            'got "+44"',
        ),
        (
            '"310260"',
            '"310", "3102"',
            '25: [[carrier.route]] mccmnc[1]: expected an MCC such as "310" or an MCC and MNC '
            'such as "310260", got "3102"',
        ),
        (
            'prefixes = ["1"]',
            'prefixes = ["1"]\nsender_types = []',
            "6: [[carrier.route]] sender_types: expected at least one, or no such key for all",
        ),
        (
            'password = "simpass"\n',
            "",
            "7: [[carrier.bind]] expected either password or password_env",
        ),
        (
            'password = "simpass"',
            'password = "simpassword"',
            "12: [[carrier.bind]] password: expected a string of at most 8 characters, "
            "got a secret of 11 characters",
        ),
        (
            'password = "simpass"',
            'password_env = "NONE"',
            "12: [[carrier.bind]] password_env: the environment has no variable NONE",
        ),
        (
            'password = "simpass"',
            'password_env = "LONG"',
            "12: [[carrier.bind]] password_env: expected at most 8 characters in LONG, got 9",
        ),
        (
            "port = 27751",
            "window = 0\nport = 27751",
            "10: [[carrier.bind]] window: expected an integer from 1 to 1000, got 0",
        ),
    ],
)
def test_a_mistake_in_the_carriers(files: Files, old: str, new: str, expected: str) -> None:
    edit(files.carriers, old, new)
    assert mistake(files, LONG="123456789") == f"carriers.toml:{expected}"


def test_a_carrier_needs_a_bind_that_sends(files: Files) -> None:
    edit(files.carriers, "port = 27752", 'port = 27752\nbind_type = "receiver"')
    assert mistake(files) == (
        "carriers.toml:21: [[carrier]] has receiver binds only, so nothing can be sent to it"
    )


def test_a_missing_entry_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"gateway\.toml: no such file or directory$"):
        load(tmp_path / "gateway.toml")


def test_a_directory_is_no_entry_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r": is a directory$"):
        load(tmp_path)


def test_a_file_that_is_not_utf8_names_the_line(files: Files) -> None:
    files.accounts.write_bytes(b"# one\n# \xff\n")
    assert mistake(files) == "accounts.toml:2: expected UTF-8 text"


def test_nesting_without_end_is_refused(files: Files) -> None:
    files.accounts.write_text("account = " + "[" * 100_000)
    assert mistake(files) == "accounts.toml: arrays or tables are nested too deeply"
