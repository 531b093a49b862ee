"""Jasmin under test: jasmind, with a RabbitMQ and a Redis of its own (Debian's packages).

Everything listens on free ports of loopback and keeps its data in the run's directory; the name
service of Erlang (epmd) is ours too, so that nothing stays behind.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.bench.foreign_python import environment_with
from tests.bench.jasmin_console import ADMIN, ADMIN_PASSWORD, JasminConsole
from tests.bench.load import PASSWORD, SYSTEM_ID
from tests.bench.system import Usage, free_ports, listens, start, stop, usage_of, wait_until
from tests.interop.peers import PeerMissing, program

REQUIREMENT = "jasmin==0.11.1"
# As it comes it looks for the answer in the request, so that it knows the id of no message and no
# receipt finds its own (jookies/jasmin issue 1236).
LISTENERS = "lib/python3*/site-packages/jasmin/managers/listeners.py"
WRONG, RIGHT = "_pdu.response.", "r.response."

START_S = 60.0
STOP_S = 10.0
# Debian's own command insists on its user; this is what it calls.
RABBITMQ = "lib/rabbitmq/lib/rabbitmq_server-*/sbin/rabbitmq-server"
AMQP = "lib/python3*/site-packages/txamqp/specs/standard/amqp0-9-1.stripped.xml"
# Its own place for this is one for the whole machine.
LOCK, OUR_LOCK = '"/tmp/jasmind"', '"./jasmind"'

LOGGERS = (
    *("smpp-server", "service-smppclient", "client-management", "sm-listener", "dlr", "router"),
    *("deliversm-thrower", "dlr-thrower", "http-api", "redis-client", "amqp-broker", "jcli"),
)
CONNECTOR = (
    *("cid sink", "host 127.0.0.1", "username supernet", "password sink"),
    *("submit_throughput 0", "con_loss_delay 1", "con_fail_delay 1"),
)
USER = (f"username {SYSTEM_ID}", f"password {PASSWORD}", "gid bench", "uid bench")
ROUTE = ("type DefaultRoute", "connector smppc(sink)", "rate 0.0")


def mend(environment: Path) -> None:
    for listeners in environment.glob(LISTENERS):
        listeners.write_text(listeners.read_text().replace(WRONG, RIGHT))


class JasminProcess:
    def __init__(self, directory: Path, carrier_port: int) -> None:
        self._directory = directory
        self._carrier_port = carrier_port
        self._environment = environment_with(REQUIREMENT, mend)
        self._programs = {name: program(name) for name in ("redis-server", "epmd")}
        program("rabbitmq-server")
        found = sorted(Path("/usr").glob(RABBITMQ))
        if not found:
            raise PeerMissing(f"rabbitmq-server is not where Debian puts it (/usr/{RABBITMQ})")
        self._rabbitmq = str(found[-1])
        names = (
            *("smpp-server", "http-api", "jcli", "client-management", "router", "smpp-server-pb"),
            *("amqp-broker", "redis-client", "distribution", "epmd"),
        )
        self._ports = dict(zip(names, free_ports(len(names)), strict=True))
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self.started_in_s = 0.0

    def __enter__(self) -> Self:
        began = time.monotonic()
        try:
            self._start_servers()
            self._start_jasmind()
            self._configure()
        except BaseException:
            self._stop()
            raise
        self.started_in_s = time.monotonic() - began
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stop()

    @property
    def http_port(self) -> int:
        return self._ports["http-api"]

    @property
    def smpp_port(self) -> int:
        return self._ports["smpp-server"]

    def usage(self) -> Usage:
        return usage_of(
            {name: process.pid for name, process in self._processes.items() if name != "epmd"}
        )

    def check(self, arrived: int, receipts: bool) -> None:
        """What a peer counts is its own affair."""

    def troubles(self) -> list[str]:
        return []

    def _start_servers(self) -> None:
        epmd_port = str(self._ports["epmd"])
        self._start("epmd", [self._programs["epmd"], "-address", "127.0.0.1", "-port", epmd_port])
        self._start(
            "redis",
            [
                *(self._programs["redis-server"], "--port", str(self._ports["redis-client"])),
                *("--bind", "127.0.0.1", "--dir", str(self._directory)),
            ],
        )
        (self._directory / "plugins").write_text("[].")
        self._start("rabbitmq", [self._rabbitmq], self._rabbitmq_environment())
        for server in ("redis-client", "amqp-broker"):
            wait_until(partial(listens, self._ports[server]), server, START_S)

    def _rabbitmq_environment(self) -> dict[str, str]:
        directory = self._directory
        return {
            "HOME": str(directory),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": str(self._ports["epmd"]),
            "RABBITMQ_NODENAME": "bench@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self._ports["amqp-broker"]),
            "RABBITMQ_DIST_PORT": str(self._ports["distribution"]),
            "RABBITMQ_MNESIA_BASE": str(directory / "mnesia"),
            "RABBITMQ_LOG_BASE": str(directory / "rabbitmq-log"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(directory / "plugins"),
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
        }

    def _start_jasmind(self) -> None:
        source = (self._environment / "bin" / "jasmind.py").read_text()
        (self._directory / "jasmind.py").write_text(source.replace(LOCK, OUR_LOCK))
        (self._directory / "store").mkdir()
        (self._directory / "log").mkdir()
        (self._directory / "jasmin.cfg").write_text(self._configuration())
        self._start(
            "jasmind",
            [
                *(str(self._environment / "bin" / "python"), "jasmind.py", "-c", "jasmin.cfg"),
                *("-u", ADMIN, "-p", ADMIN_PASSWORD),
                *("--enable-dlr-thrower", "--enable-dlr-lookup", "--enable-deliver-thrower"),
            ],
            {"LOG_PATH": str(self._directory / "log"), "CONFIG_PATH": f"{self._directory}/"},
        )
        wait_until(lambda: listens(self._ports["jcli"]), "Jasmin's console", START_S)

    def _configuration(self) -> str:
        """Its defaults, but for where things are."""
        amqp = next(self._environment.glob(AMQP))
        more = {
            "amqp-broker": {"host": "127.0.0.1", "spec": str(amqp)},
            "redis-client": {"host": "127.0.0.1"},
            "router": {"store_path": f"{self._directory}/store"},
            "client-management": {"store_path": f"{self._directory}/store"},
            "smpp-server-pb-client": {"port": str(self._ports["smpp-server-pb"])},
        }
        lines = []
        for section in (*LOGGERS, "smpp-server-pb", "smpp-server-pb-client"):
            keys = {"bind": "127.0.0.1"} | more.get(section, {})
            if section in self._ports:
                keys["port"] = str(self._ports[section])
            lines += [f"[{section}]", *(f"{key} = {value}" for key, value in keys.items())]
        return "\n".join((*lines, ""))

    def _configure(self) -> None:
        with JasminConsole(self._ports["jcli"]) as console:
            console.add("smppccm -a", (*CONNECTOR, f"port {self._carrier_port}"))
            console.run("smppccm -1 sink")
            console.add("group -a", ("gid bench",))
            console.add("user -a", USER)
            console.add("mtrouter -a", ROUTE)
            wait_until(lambda: "BOUND" in console.run("smppccm -l"), "Jasmin's bind", START_S)

    def _start(
        self, name: str, command: Sequence[str], environment: Mapping[str, str] | None = None
    ) -> None:
        self._processes[name] = start(
            command, self._directory, self._directory / f"{name}.out", environment
        )

    def _stop(self) -> None:
        """In the order that nobody complains."""
        for process in reversed(self._processes.values()):
            stop(process, STOP_S)
