"""A family of metrics in Prometheus's text format, version 0.0.4."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from gateway.voice.call_meters import Sum

PREFIX = "supernet_"

Sample = tuple[dict[str, str], float]


def family(name: str, kind: str, text: str, samples: Iterable[Sample]) -> Iterator[str]:
    yield from _head(name, kind, text)
    for labels, value in samples:
        yield _line(name, labels, value)


def summary(name: str, text: str, label: str, sums: Mapping[str, Sum]) -> Iterator[str]:
    """A sum and a count for each value of the label; their ratio over a span of time is the mean.
    There are no quantiles."""
    yield from _head(name, "summary", text)
    for value, one in sums.items():
        yield _line(f"{name}_sum", {label: value}, one.total)
        yield _line(f"{name}_count", {label: value}, one.count)


def _head(name: str, kind: str, text: str) -> Iterator[str]:
    yield f"# HELP {PREFIX}{name} {text}"
    yield f"# TYPE {PREFIX}{name} {kind}"


def _line(name: str, labels: Mapping[str, str], value: float) -> str:
    inside = ",".join(f'{label}="{_escape(text)}"' for label, text in labels.items())
    return f"{PREFIX}{name}{{{inside}}} {value}" if inside else f"{PREFIX}{name} {value}"


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
