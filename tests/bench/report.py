"""The figures of every scenario as a table for a terminal or a page, and how to read them."""

from __future__ import annotations

from collections.abc import Sequence

from tests.bench.comparison import losses
from tests.bench.scenario import Calibration, Figures
from tests.bench.systems import OURS

COLUMNS = (
    "scenario",
    "CPU µs",
    "of it",
    "messages/s",
    "submit→answer ms",
    "submit→carrier ms",
    "RSS MB",
    "callbacks",
    "generator, sink µs",
    "others",
)
READING = """\
- **CPU**: user and system time of all processes of the system under test, divided by the \
messages of the run, and **of it** how it is shared among them (ours is one process; the rest of \
it is the store's threads). **generator, sink**: what the load generator and the carrier took, \
which is not in the figure.
- **messages/s**: from the first submit to the last receipt. Generator, gateway and sink share \
the cores, so a closed loop shows less than the gateway could do alone. In an open loop it is \
the rate that was asked for, and a message costs more CPU: there is less to gather in one read, \
one write and one commit.
- **submit→answer** and **submit→carrier**: median / 99th percentile, from the instant at which \
the message was to be sent to its submit_sm_resp or HTTP answer, and to its arrival at the \
carrier. In an open loop that instant is fixed beforehand (no coordinated omission), and the \
lateness of the generator itself is in the figure. In a closed loop a system that accepts faster \
than it sends shows its queue here.
- **callbacks**: HTTP requests that told the customer of a message. Ours tells each status, as \
Twilio does; Kannel and Jasmin are asked for the final one alone.
- **others**: cores that processes which are not part of the bench used meanwhile. CPU figures \
hold up to some 10 %; rates and latencies do only where this is near 0.
- **Durability** of ours is on: a message is flushed to the disk before it is answered, and so \
is every receipt. Kannel keeps messages in memory, or writes them to a file that it does not \
flush; receipts it expects are in memory. Jasmin keeps them in RabbitMQ and Redis, which do not \
flush before it answers.
- **The work**: texts of 100 characters. Ours has four binds to two carriers, one account with \
20 senders; recipients are known (each of 10,000 had a message before) unless the scenario says \
new. Kannel has one bind with 100 submit_sm under way, Jasmin one without bound. HTTP comes over \
32 kept connections: POST Messages.json at ours, sendsms at Kannel, /send at Jasmin. Jasmin asks \
for receipts by HTTP only with callbacks.
- **Acknowledgements**: the sink acknowledges at once what TCP brings (TCP_QUICKACK), except \
where it says "late ACKs". Kannel leaves Nagle's algorithm on and waits for them.
- **Jasmin** 0.11.1 as it comes raises AttributeError at every submit_sm_resp, and so never \
knows a receipt's message (jookies/jasmin issue 1236). It is measured with that one name put \
right.
- Each run is **audited**: every accepted message reached the carrier exactly once, and each \
receipt that was to come back came back exactly once. If one of ours did not, `make bench` \
fails; what a peer loses is counted. A message or a receipt that has not come 20 s after the \
last was accepted counts as lost."""


def table(all_figures: Sequence[Figures]) -> list[list[str]]:
    """The rows under COLUMNS."""
    return [
        [
            figures.scenario.name,
            f"{figures.cpu_us:,.0f}",
            ", ".join(f"{name} {part:,.0f}" for name, part in figures.parts_us.items()),
            f"{figures.per_second:,.0f}",
            pair(figures.answer_ms),
            pair(figures.arrival_ms),
            f"{figures.rss / 1e6:.0f}",
            f"{figures.callbacks:.1f}" if figures.callbacks else "",
            f"{figures.load_cpu_us:.0f}, {figures.sink_cpu_us:.0f}",
            f"{figures.others_cores:.1f}",
        ]
        for figures in all_figures
    ]


def pair(spans_ms: tuple[float, float]) -> str:
    return " / ".join(f"{span:,.1f}" for span in spans_ms)


def calibration_lines(calibration: Calibration, all_figures: Sequence[Figures]) -> dict[str, str]:
    """Whether generators and sink are fast enough for the figures to be the gateway's."""
    lines = {
        "Generator and sink alone, SMPP": f"{calibration.per_second:,.0f} messages/s with receipts"
    }
    for entrance, wanted in (("SMPP", "smpp"), ("HTTP", "http")):
        of_entrance = [
            figures
            for figures in all_figures
            if figures.scenario.entrance == wanted and not figures.scenario.rate
        ]
        if of_entrance:
            best = max(of_entrance, key=lambda figures: figures.per_second)
            able = calibration.per_second if wanted == "smpp" else 1e6 / best.load_cpu_us
            lines[f"Best rate, {entrance}"] = (
                f"{best.per_second:,.0f}/s ({best.scenario.system}); the generator can do "
                f"{able / best.per_second:.1f} times that (at least 3 are wanted)"
            )
    return lines


def idle_line(all_figures: Sequence[Figures]) -> str:
    ours = [figures for figures in all_figures if figures.scenario.system == OURS] or all_figures
    starts = sorted(figures.started_in_s for figures in ours)
    idle_mb = sorted(figures.idle_rss / 1e6 for figures in ours)
    return (
        f"start to listening with all binds up: {starts[len(starts) // 2]:.1f} s; "
        f"RSS then {idle_mb[len(idle_mb) // 2]:.0f} MB"
    )


def lag_line(all_figures: Sequence[Figures]) -> str:
    lag_ms = max(figures.lag_p99_ms for figures in all_figures)
    return f"sent at most {lag_ms:.1f} ms later than they meant to (p99)"


def audit_lines(all_figures: Sequence[Figures]) -> list[str]:
    """What went wrong with ours, a line each; none where all is well."""
    lines = []
    for figures in all_figures:
        if figures.scenario.system == OURS and not figures.audit.clean:
            lines.append(f"{figures.scenario.name}: {losses(figures)}")
        lines += [f"{figures.scenario.name}: {trouble}" for trouble in figures.troubles]
    return lines
