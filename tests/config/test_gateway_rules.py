"""What must hold between the keys of gateway.toml."""

from pathlib import Path

import pytest

from gateway.account import InDoubt, TrafficClass
from gateway.config import load
from gateway.errors import ConfigError
from tests.config.files import Files, edit

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def add(files: Files, text: str) -> None:
    edit(files.entry, "[log]\n", f"{text}\n[log]\n")


def mistake(files: Files, **environ: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load(files.entry, environ)
    return str(caught.value).replace(f"{files.directory}/", "")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "[store]\nretention_s = 3600\n",
            "gateway.toml: [store] idempotency_window_s: expected at most retention_s, which is"
            " 3600",
        ),
        (
            '[smpp.tls]\ncert_file = "nowhere.pem"\n',
            "gateway.toml:12: [smpp.tls] cert_file: no such file 'nowhere.pem'",
        ),
        (
            '[smpp.tls]\nclient_ca_file = "conf/gateway.toml"\n',
            "gateway.toml:12: [smpp.tls] client_ca_file: is of no use without a cert_file",
        ),
        (
            "[smpp.tls]\nonly = true\n",
            "gateway.toml:12: [smpp.tls] only: expected a cert_file, or nobody could connect",
        ),
        (
            '[smpp.tls]\nport = 2775\ncert_file = "conf/gateway.toml"\n',
            "gateway.toml:12: [smpp.tls] port: expected another than [smpp] port, which is 2775",
        ),
        (
            '[smpp]\nproxy_protocol = ["10.0.0.0/8", "999.0.0.1"]\n',
            "gateway.toml:12: [smpp] proxy_protocol[1]: expected an IP address or network such as"
            ' "10.0.0.0/8", got "999.0.0.1"',
        ),
        (
            '[events.mqtt]\ntls = true\ncert_file = "us.pem"\n',
            "gateway.toml:11: [events.mqtt] expected cert_file and key_file together, or neither",
        ),
        (
            '[events.mqtt]\nca_file = "conf/gateway.toml"\n',
            "gateway.toml:12: [events.mqtt] ca_file: is of no use without tls = true",
        ),
        (
            '[events.mqtt]\ntls = true\nca_file = "nowhere.pem"\n',
            "gateway.toml:13: [events.mqtt] ca_file: no such file 'nowhere.pem'",
        ),
        (
            '[events.archive]\ntarget = "ftp://archive.example"\n',
            "gateway.toml:12: [events.archive] target: expected a directory or s3://bucket/prefix",
        ),
        (
            '[events.mqtt]\npassword = "p"\n',
            "gateway.toml:11: [events.mqtt] expected a username with the password",
        ),
        (
            "[store]\nbytes_max = 1000\n",
            "gateway.toml:12: [store] bytes_max: expected 0, or at least segment_bytes, which"
            " is 268435456",
        ),
        (
            '[events.mqtt]\nhost = "a b"\n',
            "gateway.toml:12: [events.mqtt] host: expected a host name or address, without blanks,"
            ' got "a b"',
        ),
        (
            '[events.mqtt]\ntopic_prefix = "a/#"\n',
            "gateway.toml:12: [events.mqtt] topic_prefix: expected a topic of 1 to 200 characters,"
            ' without # and + and not after $, got "a/#"',
        ),
        (
            '[events.mqtt]\nusername = "u"\npassword_env = "BROKER"\n',
            "gateway.toml:13: [events.mqtt] password_env: the environment has no variable BROKER",
        ),
        (
            '[events.mqtt]\nusername = "u"\npassword = "p"\npassword_env = "BROKER"\n',
            "gateway.toml:11: [events.mqtt] expected either password or password_env",
        ),
        (
            '[events.webhook]\nurl = "ftp://events.example"\nsecret = "s"\n',
            "gateway.toml:12: [events.webhook] url: expected an http or https URL",
        ),
        (
            '[events.webhook]\nurl = "http://[::1"\nsecret = "s"\n',
            "gateway.toml:12: [events.webhook] url: expected an http or https URL",
        ),
        (
            '[events.webhook]\nurl = "https://events.example"\nsecret = "whsec_short"\n',
            "gateway.toml:11: [events.webhook] expected a secret, or secret_env, of 'whsec_' and"
            ' the base64 of 24 to 64 octets, as `echo "whsec_$(openssl rand -base64 32)"` makes it',
        ),
    ],
)
def test_a_mistake_between_keys(files: Files, text: str, expected: str) -> None:
    add(files, text)
    assert mistake(files) == expected


def test_the_environment_holds_the_secrets_of_sinks(files: Files) -> None:
    add(
        files,
        '[events.mqtt]\nusername = "u"\npassword_env = "BROKER"\n'
        '[events.webhook]\nurl = "https://events.example/in"\nsecret_env = "SIGN"\n',
    )
    events = load(files.entry, {"BROKER": "b", "SIGN": SECRET}).events
    assert (events.mqtt.password, events.webhook.secret) == ("b", SECRET)


def test_an_account_says_what_its_traffic_is(files: Files) -> None:
    edit(files.accounts, "[[account.api_keys]]", 'traffic_class = "otp"\n\n[[account.api_keys]]')
    assert [account.traffic_class for account in load(files.entry).accounts] == [
        TrafficClass.OTP,
        None,
    ]


def test_an_account_says_what_becomes_of_messages_in_doubt(files: Files) -> None:
    edit(files.accounts, "[[account.api_keys]]", 'in_doubt = "hold"\n\n[[account.api_keys]]')
    assert [account.in_doubt for account in load(files.entry).accounts] == [
        InDoubt.HOLD,
        InDoubt.RESEND,
    ]


def test_a_fallback_needs_a_url_to_stand_in_for(files: Files) -> None:
    edit(files.accounts, "mps = 100", 'sms_fallback_url = "https://customer.example/sms"')
    assert mistake(files) == (
        "accounts.toml:17: [[account.senders]] sms_fallback_url: a fallback needs an sms_url"
    )


TLS = '[smpp.tls]\ncert_file = "conf/gateway.toml"\n'
MUTUAL_TLS = f'{TLS}client_ca_file = "conf/gateway.toml"\n'


@pytest.mark.parametrize(
    ("listener", "esme", "expected"),
    [
        (
            "",
            "require_tls = true",
            "accounts.toml:12: [[account.esmes]] require_tls: expected [smpp.tls] in gateway.toml",
        ),
        (
            TLS,
            'certificate = "gateway.customer.example"',
            "accounts.toml:12: [[account.esmes]] certificate: expected a client_ca_file in"
            " [smpp.tls] of gateway.toml",
        ),
    ],
)
def test_an_esme_can_meet_its_own_terms(
    files: Files, listener: str, esme: str, expected: str
) -> None:
    add(files, listener)
    edit(files.accounts, 'system_id = "demo"\n', f'system_id = "demo"\n{esme}\n')
    assert mistake(files) == expected


def test_an_esme_may_have_to_show_a_certificate(files: Files) -> None:
    add(files, MUTUAL_TLS)
    terms = 'require_tls = true\ncertificate = "gateway.customer.example"\n'
    edit(files.accounts, 'system_id = "demo"\n', f'system_id = "demo"\n{terms}')
    config = load(files.entry)
    assert config.smpp.tls.client_ca_file == "conf/gateway.toml"
    assert config.accounts[0].esmes[0].certificate == "gateway.customer.example"
