"""Bars in groups, as SVG: small enough to be written by hand and read in a diff."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log10
from xml.sax.saxutils import escape

BAR, GAP, LEFT, WIDTH, RIGHT = 18, 10, 210, 460, 90
COLORS = ("#2166ac", "#92c5de", "#b8b8b8", "#d6604d", "#f4a582", "#762a83")


@dataclass(frozen=True, slots=True)
class Bar:
    name: str
    value: float


def bar_chart(title: str, unit: str, groups: Mapping[str, Sequence[Bar]]) -> str:
    """Lengths are logarithmic, from the power of ten below the least value: peers are a hundred
    times apart. Each bar of a name has one color."""
    values = [bar.value for bars in groups.values() for bar in bars]
    low = 10.0 ** int(log10(min(values)))
    decades = max(1.0, log10(max(values) / low))
    names = list(dict.fromkeys(bar.name for bars in groups.values() for bar in bars))
    out = []
    y = 10
    for group, bars in groups.items():
        out.append(f'<text x="4" y="{y + 13}" font-weight="bold">{escape(group)}</text>')
        y += BAR + 2
        for bar in bars:
            length = WIDTH * log10(max(bar.value, low) / low) / decades
            color = COLORS[names.index(bar.name) % len(COLORS)]
            out += [
                f'<text x="{LEFT - 8}" y="{y + 13}" text-anchor="end">{escape(bar.name)}</text>',
                f'<rect x="{LEFT}" y="{y}" width="{max(length, 2):.1f}" height="{BAR - 3}" '
                f'fill="{color}"/>',
                f'<text x="{LEFT + max(length, 2) + 6:.1f}" y="{y + 13}">{bar.value:,.0f}</text>',
            ]
            y += BAR
        y += GAP
    head = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {LEFT + WIDTH + RIGHT} {y + 26}" '
        'font-family="sans-serif" font-size="13">',
        f"<title>{escape(title)}</title>",
        '<rect width="100%" height="100%" fill="white"/>',
    ]
    foot = [
        f'<text x="4" y="{y + 13}" fill="#555">{escape(title)}, {escape(unit)}, logarithmic</text>',
        "</svg>\n",
    ]
    return "\n".join((*head, *out, *foot))
