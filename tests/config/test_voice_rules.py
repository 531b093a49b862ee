"""Each mistake in what calls need is one line: file, line, key, what was expected."""

from pathlib import Path

import pytest

from gateway.config import load
from gateway.errors import ConfigError
from tests.config.files import Files

MD5, SHA256 = "0" * 32, "0" * 64
USER = f'username = "pbx"\nha1_md5 = "{MD5}"\nha1_sha256 = "{SHA256}"\n'
TRUNK = '[[account.trunk]]\nid = "pbx"\n'
CARRIER_TRUNK = '[[carrier.trunk]]\nid = "voice"\nhost = "sip.carrier.example"\n'
ROUTE = '[[carrier.call_route]]\nprefixes = ["1"]\n'


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def add(file: Path, text: str) -> int:
    """At the end; the number of its first line."""
    before = file.read_text()
    file.write_text(before + text)
    return before.count("\n") + 1


def mistake(files: Files) -> str:
    with pytest.raises(ConfigError) as caught:
        load(files.entry, {"SECRET": "s3cret", "LONG": "x" * 129})
    return str(caught.value).replace(f"{files.directory}/", "")


def test_sip_of_the_file_is_that_of_the_configuration(files: Files) -> None:
    add(files.entry, "[sip]\nenabled = true\nport = 5080\n")
    assert load(files.entry).sip.port == 5_080


def test_a_page_to_call_from_wants_calls(files: Files) -> None:
    line = add(files.entry, "[phone]\nenabled = true\n")
    assert mistake(files) == (
        f"{files.entry.name}:{line + 1}: [phone] enabled: "
        "expected [sip] enabled too, to take its calls"
    )


def test_numbers_that_the_page_suggests_are_read(files: Files) -> None:
    add(files.entry, "[sip]\nenabled = true\n[phone]\nenabled = true\n")
    add(files.entry, '[[phone.number]]\nnumber = "+14155550123"\nname = "Echo"\n')
    (number,) = load(files.entry).phone.numbers
    assert (number.number, number.name) == ("+14155550123", "Echo")


@pytest.mark.parametrize(
    ("text", "line", "expected"),
    [
        (
            "websocket_port = 5060\n",
            1,
            "[sip] websocket_port: expected a port of its own, got 5060",
        ),
        (
            "session_expires_s = 90\nmin_se_s = 120\n",
            2,
            "[sip] min_se_s: expected at most session_expires_s, which is 90",
        ),
        (
            "realm = 'a\"b'\n",
            1,
            '[sip] realm: expected 1 to 64 characters without quotes, got "a\\"b"',
        ),
        (
            'public_host = "sip:gw"\n',
            1,
            '[sip] public_host: expected a host name or address, got "sip:gw"',
        ),
        (
            '[sip.tls]\ncert_file = "nowhere.pem"\n',
            2,
            "[sip.tls] cert_file: no such file 'nowhere.pem'",
        ),
        (
            '[sip.tls]\nkey_file = "conf/gateway.toml"\n',
            2,
            "[sip.tls] key_file: is of no use without a cert_file",
        ),
        (
            '[sip.tls]\nport = 5060\ncert_file = "conf/gateway.toml"\n',
            2,
            "[sip.tls] port: expected another than [sip] port, which is 5060",
        ),
    ],
)
def test_a_mistake_in_sip_is_pointed_at(files: Files, text: str, line: int, expected: str) -> None:
    first = add(files.entry, "[sip]\n" + text)
    assert mistake(files) == f"gateway.toml:{first + line}: {expected}"


@pytest.mark.parametrize(
    ("text", "line", "expected"),
    [
        (
            "[media]\nport_min = 20000\nport_max = 20006\nworkers = 2\n",
            3,
            "[media] port_max: expected at least 20007, so that each worker has the four ports of "
            "a call",
        ),
        (
            '[media]\nhost = "0.0.0.0"\n[sip]\nenabled = true\n',
            2,
            '[media] host: expected the one address that RTP is bound to, got "0.0.0.0"',
        ),
        (
            '[media]\npublic_host = "sip:gw"\n',
            2,
            '[media] public_host: expected a host name or address, got "sip:gw"',
        ),
        (
            '[media]\nengine = "rtpengine"\n',
            2,
            "[media] engine: expected a [[media.rtpengine]] beside it",
        ),
        (
            '[[media.rtpengine]]\nhost = "sip:one"\n',
            2,
            '[[media.rtpengine]] host: expected a host name or address, got "sip:one"',
        ),
        (
            '[[media.rtpengine]]\nhost = "one"\n[[media.rtpengine]]\nhost = "one"\nport = 2223\n',
            4,
            '[[media.rtpengine]] host: rtpengine "one:2223" is already on line {before}',
        ),
    ],
)
def test_a_mistake_in_media_is_pointed_at(
    files: Files, text: str, line: int, expected: str
) -> None:
    first = add(files.entry, text)
    expected = expected.format(before=first + 1)
    assert mistake(files) == f"gateway.toml:{first + line - 1}: {expected}"


def test_media_needs_an_address_where_sip_listens_at_all_of_them(files: Files) -> None:
    add(files.entry, '[sip]\nenabled = true\nhost = "0.0.0.0"\n')
    assert "[media] host: expected the one address" in mistake(files)


def test_trunks_and_phones_of_an_account_are_read(files: Files) -> None:
    add(
        files.accounts,
        f'{TRUNK}{USER}allowed_ips = ["192.0.2.0/24"]\nuri = "sip:pbx.example.com;transport=tls"\n'
        f'caller_ids = ["+12025550100"]\n[[account.phone]]\n{USER.replace("pbx", "alice")}',
    )
    account = load(files.entry).accounts[1]
    assert [trunk.username for trunk in account.trunks] == ["pbx"]
    assert [phone.username for phone in account.phones] == ["alice"]


@pytest.mark.parametrize(
    ("text", "line", "expected"),
    [
        (
            TRUNK,
            0,
            "[[account.trunk]] lets nobody in and leads nowhere: give allowed_ips, a username or a"
            " uri",
        ),
        (
            f'{TRUNK}allowed_ips = ["192.0.2.1/99"]\n',
            2,
            "[[account.trunk]] allowed_ips[0]: expected an IP address or network such as"
            ' "192.0.2.0/24", got "192.0.2.1/99"',
        ),
        (
            f'{TRUNK}username = "pbx"\nha1_md5 = "{MD5}"\n',
            0,
            "[[account.trunk]] missing key 'ha1_sha256'",
        ),
        (
            f'{TRUNK}username = "pbx"\nha1_md5 = "secret"\n',
            3,
            "[[account.trunk]] ha1_md5: expected 32 hex digits, as `supernet accounts sip-user`"
            " prints them, got a secret of 6 characters",
        ),
        (
            f'{TRUNK}uri = "sip:gw"\nha1_md5 = "{MD5}"\n',
            0,
            "[[account.trunk]] has hashes and no username",
        ),
        (
            f'{TRUNK}uri = "pbx.example.com"\n',
            2,
            '[[account.trunk]] uri: expected a URI such as "sip:192.0.2.1:5060", got'
            ' "pbx.example.com"',
        ),
        (
            f'{TRUNK}uri = "sip:pbx.example.com:70000"\n',
            2,
            "[[account.trunk]] uri: expected a port up to 65535, got 70000",
        ),
        (
            f'{TRUNK}uri = "sip:gw"\nchannels = 0\n',
            3,
            "[[account.trunk]] channels: expected a number from 1 to 100000, got 0",
        ),
        (
            f'{TRUNK}uri = "sip:gw"\ncps = 26.0\n',
            3,
            "[[account.trunk]] cps: expected at most the account's, which is 25",
        ),
        (
            f'{TRUNK}uri = "sip:gw"\ncaller_ids = ["12025550100"]\n',
            3,
            '[[account.trunk]] caller_ids[0]: expected E.164 such as "+12025550100", got'
            ' "12025550100"',
        ),
        (
            f"[[account.phone]]\n{USER}bindings_max = 1000\n",
            4,
            "[[account.phone]] bindings_max: expected a number from 1 to 100, got 1000",
        ),
        (
            f"[[account.phone]]\n{USER.replace('pbx', 'a b')}",
            1,
            "[[account.phone]] username: expected 1 to 64 letters, digits and _.!~*'()&=+$,- that"
            ' begin with a letter or digit, got "a b"',
        ),
    ],
)
def test_a_mistake_in_a_customer_of_calls_is_pointed_at(
    files: Files, text: str, line: int, expected: str
) -> None:
    first = add(files.accounts, text)
    assert mistake(files) == f"accounts.toml:{first + line}: {expected}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f'{TRUNK}uri = "sip:a"\n{TRUNK}uri = "sip:b"\n', 'trunk id "pbx"'),
        (f"{TRUNK}{USER}[[account.phone]]\n{USER}", 'username "pbx"'),
        (
            f'{TRUNK}allowed_ips = ["192.0.2.1"]\n'
            f'{TRUNK.replace("pbx", "b")}allowed_ips = ["192.0.2.1"]\n',
            'allowed_ips "192.0.2.1"',
        ),
    ],
)
def test_what_tells_customers_apart_stands_once(files: Files, text: str, expected: str) -> None:
    add(files.accounts, text)
    assert f"{expected} is already on line" in mistake(files)


def test_a_number_of_another_account_cannot_be_shown(files: Files) -> None:
    number = '\n[[account.senders]]\naddress = "+12025550100"\ntype = "long_code"\n'
    other = '\n[[account]]\nsid = "AC' + "1" * 32 + '"\nauth_token = "' + "1" * 32 + '"\n'
    add(files.accounts, f'{number}{other}[[account.phone]]\n{USER}caller_id = "+12025550100"\n')
    assert mistake(files).endswith(
        'caller_id: "+12025550100" is a number of ACfedcba9876543210fedcba9876543210'
    )


def test_a_carrier_may_have_trunks_alone(files: Files) -> None:
    add(files.carriers, f'\n[[carrier]]\nid = "voice"\n{CARRIER_TRUNK}{ROUTE}')
    assert load(files.entry).carriers[2].trunks[0].host == "sip.carrier.example"


def test_the_password_of_a_trunk_may_stand_in_the_file(files: Files) -> None:
    add(files.carriers, f'{CARRIER_TRUNK}username = "us"\npassword = "longer than eight"\n')
    assert load(files.entry).carriers[1].trunks[0].password == "longer than eight"


def test_the_password_of_a_trunk_comes_from_the_environment(files: Files) -> None:
    add(files.carriers, f'{CARRIER_TRUNK}username = "us"\npassword_env = "SECRET"\n')
    config = load(files.entry, {"SECRET": "s3cret"})
    assert config.carriers[1].trunks[0].password == "s3cret"


@pytest.mark.parametrize(
    ("text", "line", "expected"),
    [
        (ROUTE, 0, "[[carrier.call_route]] leads nowhere: the carrier has no trunk"),
        (
            CARRIER_TRUNK.replace("voice", "1"),
            1,
            '[[carrier.trunk]] id: bind id "1" is already on line 28',
        ),
        (
            CARRIER_TRUNK.replace("sip.", "sip:"),
            2,
            '[[carrier.trunk]] host: expected a host name or address, got "sip:carrier.example"',
        ),
        (
            f'{CARRIER_TRUNK}allowed_ips = ["carrier"]\n',
            3,
            "[[carrier.trunk]] allowed_ips[0]: expected an IP address or network such as"
            ' "192.0.2.0/24", got "carrier"',
        ),
        (
            f"{CARRIER_TRUNK}register_s = 600\n",
            3,
            "[[carrier.trunk]] register_s: is of no use without a username",
        ),
        (
            f'{CARRIER_TRUNK}password = "x"\n',
            0,
            "[[carrier.trunk]] expected a username with the password",
        ),
        (
            f'{CARRIER_TRUNK}username = "us"\n',
            0,
            "[[carrier.trunk]] expected either password or password_env",
        ),
        (
            f'{CARRIER_TRUNK}username = "us"\npassword_env = "NONE"\n',
            4,
            "[[carrier.trunk]] password_env: the environment has no variable NONE",
        ),
        (
            f'{CARRIER_TRUNK}username = "us"\npassword_env = "LONG"\n',
            4,
            "[[carrier.trunk]] password_env: expected at most 128 characters in LONG, got 129",
        ),
        (
            f'{CARRIER_TRUNK}[carrier.trunk.numbers]\ncountry_code = "0049"\n',
            4,
            "[[carrier.trunk.numbers]] country_code: expected 1 to 3 digits of a country code, got"
            ' "0049"',
        ),
    ],
)
def test_a_mistake_in_a_trunk_is_pointed_at(
    files: Files, text: str, line: int, expected: str
) -> None:
    first = add(files.carriers, text)
    assert mistake(files) == f"carriers.toml:{first + line}: {expected}"


def test_rtpengines_need_no_address_of_ours(files: Files) -> None:
    add(
        files.entry,
        '[sip]\nenabled = true\nhost = "0.0.0.0"\n[media]\nengine = "rtpengine"\n'
        '[[media.rtpengine]]\nhost = "media.example"\n'
        '[[media.rtpengine]]\nhost = "::1"\nweight = 0\n',
    )
    media = load(files.entry).media
    assert [(each.host, each.port, each.weight) for each in media.rtpengine] == [
        ("media.example", 2_223, 1),
        ("::1", 2_223, 0),
    ]


def test_a_turn_server_lets_in_who_has_a_name_and_a_password(files: Files) -> None:
    line = add(files.entry, '[media.turn]\nhost = "turn.example"\nusername = "gateway"\n')
    assert mistake(files) == (
        f"{files.entry.name}:{line}: [media.turn] "
        "expected host, username and password together, or none"
    )


def test_the_password_of_a_turn_server_may_stand_in_the_environment(files: Files) -> None:
    add(
        files.entry,
        '[media.turn]\nhost = "turn.example"\nusername = "gateway"\npassword_env = "SECRET"\n',
    )
    assert load(files.entry, {"SECRET": "s3cret"}).media.turn.password == "s3cret"
