"""A page that calls from a browser, over the API like anybody else. It holds no secret: who uses it
has an account. All of it is one file, and its policy lets nothing else in (CSP Level 3).
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256
from html import escape
from importlib.resources import files

from gateway.config.phone_page import PhoneNumber
from gateway.ingress.rest.octets_answer import OctetsAnswer

PATH = "/phone"
NUMBERS = "<!-- numbers -->"
_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)
_STYLE = re.compile(r"<style>(.*?)</style>", re.DOTALL)


def phone_page(numbers: Sequence[PhoneNumber]) -> OctetsAnswer:
    """The page, which suggests these numbers."""
    html = files("gateway.ingress.rest").joinpath("phone.html").read_text(encoding="utf-8")
    headers = (
        (b"content-security-policy", policy(html).encode()),
        (b"permissions-policy", b"microphone=(self), camera=(), geolocation=()"),
        (b"referrer-policy", b"no-referrer"),
        (b"x-content-type-options", b"nosniff"),
        (b"cross-origin-opener-policy", b"same-origin"),
        (b"cache-control", b"no-cache"),
    )
    page = html.replace(NUMBERS, suggested(numbers))
    return OctetsAnswer(200, "text/html; charset=utf-8", page.encode(), headers)


def policy(html: str) -> str:
    """Its own script and style by their hashes, its own API, and nothing else."""
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src {hashes(_SCRIPT, html)}",
            f"style-src {hashes(_STYLE, html)}",
            "connect-src 'self'",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    )


def hashes(element: re.Pattern[str], html: str) -> str:
    digests = (sha256(text.encode()).digest() for text in element.findall(html))
    return " ".join(f"'sha256-{b64encode(digest).decode()}'" for digest in digests)


def suggested(numbers: Sequence[PhoneNumber]) -> str:
    if not numbers:
        return ""
    rows = "".join(
        f"<label><input type='radio' name='number' value='{escape(each.number)}'>"
        f"<span>{escape(each.name)}</span><span class='number'>{escape(each.number)}</span></label>"
        for each in numbers
    )
    return (
        "<fieldset class='card'><legend>Numbers</legend>"
        f"<div class='numbers'>{rows}</div></fieldset>"
    )
