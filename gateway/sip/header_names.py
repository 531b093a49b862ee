"""The names of header fields that we know, and their compact forms (§7.3.3, IANA's registry)."""

from __future__ import annotations

from gateway.sip.errors import GrammarError
from gateway.sip.grammar import is_token

COMPACT_FORMS = {
    "a": "Accept-Contact",
    "b": "Referred-By",
    "c": "Content-Type",
    "d": "Request-Disposition",
    "e": "Content-Encoding",
    "f": "From",
    "i": "Call-ID",
    "j": "Reject-Contact",
    "k": "Supported",
    "l": "Content-Length",
    "m": "Contact",
    "o": "Event",
    "r": "Refer-To",
    "s": "Subject",
    "t": "To",
    "u": "Allow-Events",
    "v": "Via",
    "x": "Session-Expires",
    "y": "Identity",
}
KNOWN = frozenset(
    {
        *COMPACT_FORMS.values(),
        "Accept",
        "Accept-Encoding",
        "Accept-Language",
        "Alert-Info",
        "Allow",
        "Authentication-Info",
        "Authorization",
        "Call-Info",
        "Content-Disposition",
        "Content-Language",
        "CSeq",
        "Date",
        "Diversion",
        "Error-Info",
        "Expires",
        "Flow-Timer",
        "History-Info",
        "In-Reply-To",
        "Max-Forwards",
        "MIME-Version",
        "Min-Expires",
        "Min-SE",
        "Organization",
        "P-Asserted-Identity",
        "P-Preferred-Identity",
        "Path",
        "Priority",
        "Privacy",
        "Proxy-Authenticate",
        "Proxy-Authorization",
        "Proxy-Require",
        "RAck",
        "Reason",
        "Record-Route",
        "Remote-Party-ID",
        "Replaces",
        "Reply-To",
        "Require",
        "Retry-After",
        "Route",
        "RSeq",
        "Server",
        "Service-Route",
        "Session-ID",
        "SIP-ETag",
        "SIP-If-Match",
        "Subscription-State",
        "Timestamp",
        "Unsupported",
        "User-Agent",
        "Warning",
        "WWW-Authenticate",
    }
)


class _Names(dict[str, str]):
    """A name as it is written to the name as we write it; what is not in the table is worked out,
    and not kept: a peer may invent as many as it likes."""

    def __missing__(self, written: str) -> str:
        name = written.rstrip(" \t")
        if not is_token(name):
            raise GrammarError("a header has no name")
        return self.get(name) or self.get(name.lower(), name)


NAMES = _Names(
    {spelling: name for name in KNOWN for spelling in (name, name.lower(), name.upper())}
    | {spelling: name for form, name in COMPACT_FORMS.items() for spelling in (form, form.upper())}
)
