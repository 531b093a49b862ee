"""What must hold between the keys of gateway.toml."""

from pathlib import Path

import pytest

from gateway.account import InDoubt
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
