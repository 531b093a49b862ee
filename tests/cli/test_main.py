import sys
from pathlib import Path
from types import ModuleType

import pytest

import gateway
from gateway.cli import main
from gateway.config import Config
from gateway.errors import GatewayError
from tests.config.files import Files, edit


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def daemon(monkeypatch: pytest.MonkeyPatch, outcome: int | BaseException) -> list[Config]:
    """Puts a daemon in place of the real one; what it was run with is in the list."""
    configs: list[Config] = []

    def run(config: Config) -> int:
        configs.append(config)
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    module = ModuleType("gateway.daemon")
    vars(module)["run"] = run
    monkeypatch.setitem(sys.modules, "gateway.daemon", module)
    monkeypatch.setattr(gateway, "daemon", module, raising=False)
    return configs


def test_version_is_that_of_the_distribution(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--version"])
    assert capsys.readouterr().out.count(".") == 2


@pytest.mark.parametrize("command", ["run", "demo", "send", "check-config", "accounts"])
def test_help_names_every_command(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    assert f"    {command}" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["rum"],
        ["run"],
        ["send"],
        ["send", "--to", "+1"],
        ["send", "--to", "+1", "--csv", "f", "--body", "b"],
        ["send", "--csv", "f", "--body", "b"],
        ["send", "--csv", "f", "--concurrency", "0"],
        ["accounts"],
    ],
)
def test_wrong_arguments_are_exit_code_2(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    assert "usage: supernet" in capsys.readouterr().err


def test_run_gives_the_configuration_to_the_daemon(
    files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    configs = daemon(monkeypatch, 7)
    assert main(["run", "--config", str(files.entry)]) == 7
    assert configs[0].rest.port == 8080


def test_trouble_of_the_daemon_is_one_line_and_exit_code_1(
    files: Files, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    daemon(monkeypatch, GatewayError("127.0.0.1:8080 is in use"))
    assert main(["run", "--config", str(files.entry)]) == 1
    assert capsys.readouterr().err == "supernet: 127.0.0.1:8080 is in use\n"


def test_ctrl_c_is_exit_code_130(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    daemon(monkeypatch, KeyboardInterrupt())
    assert main(["run", "--config", str(files.entry)]) == 130


@pytest.mark.parametrize("command", [["run", "--config"], ["check-config"]])
def test_a_mistake_in_the_configuration_is_one_line_and_exit_code_2(
    files: Files, command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    edit(files.entry, "port = 8080", "prot = 8080")
    assert main([*command, str(files.entry)]) == 2
    assert capsys.readouterr().err == (
        f"supernet: {files.entry}:6: [rest] unknown key 'prot'; did you mean 'port'?\n"
    )


def test_check_config_says_what_a_right_configuration_amounts_to(
    files: Files, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check-config", str(files.entry)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"OK: {files.entry}",
        "  accounts  2 accounts, 2 senders, 2 ESMEs",
        "  carriers  2 carriers, 3 binds, 300 submit_sm a second in all",
        "  rest      127.0.0.1:8080",
        "  admin     127.0.0.1:8081",
        "  smpp      127.0.0.1:2775",
        "  store     var/gateway",
    ]


def test_check_config_says_where_calls_go(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check-config", "conf/demo.toml"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == (
        "  sip       127.0.0.1:5060, 2 trunks to carriers, 1 trunk and 1 phone of accounts"
    )


def test_check_config_opens_the_certificates(
    files: Files, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "broken.pem"
    broken.write_text("-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n")
    with files.entry.open("a") as entry:
        entry.write(f'[smpp.tls]\ncert_file = "{broken}"\n')
    assert main(["check-config", str(files.entry)]) == 2
    assert capsys.readouterr().err == (
        f"supernet: {files.entry}: cert_file {broken}: there is no private key in it (PEM)\n"
    )


def test_check_config_reads_the_numbering_plan_too(
    files: Files, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = files.directory / "plan.csv"
    edit(plan, "1,US,310,,any,", "1,US,310,,anny,")
    assert main(["check-config", str(files.entry)]) == 2
    assert capsys.readouterr().err == (
        f"supernet: {plan}: line 2: type 'anny' is not one of any, mobile, fixed, toll_free, "
        "premium, personal, satellite\n"
    )
