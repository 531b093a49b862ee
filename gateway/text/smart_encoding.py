"""Characters that word processors and phones put in unasked, in the GSM alphabet's own words.

This is what SmartEncoded=true does. As with Twilio it works character by character: what the table
knows is replaced even where another character still makes the message UCS-2. It is applied before
anything is counted, and what it gives is what is sent and billed.

The choice follows Twilio's published list. On purpose different: a space is one space, not two, and
so is a tab; separators of lines and paragraphs are line ends; control codes print nothing; commas
that stand upright are commas; fractions, dashes, primes and fullwidth letters that the list forgot
are here. Combining marks are left alone, because to make one a character of its own spoils a
letter. So are the joiners ZWJ and ZWNJ, which emoji, Persian and Indic scripts need, and NUL, which
is refused and not hidden.
"""

from __future__ import annotations

# By replacement: the characters that become it.
_REPLACED = {
    '"': "\u00ab\u00bb\u201c\u201d\u201e\u201f\u2033\u02ba\u02ee\u275d\u275e\u301d\u301e",
    "'": "\u2018\u2019\u201b\u2032\u0060\u00b4\u02b9\u02bb\u02bc\u02bd\u02c8\u02ca\u02cb"
    "\u275b\u275c",
    "<": "\u2039\ufe64",
    ">": "\u203a\ufe65",
    "-": "\u2010\u2011\u2012\u2013\u2014\u2015\u2022\u2043\u2212\u23bc\u23bd\ufe58\ufe63",
    "...": "\u2026",
    "..": "\u2025",
    "!!": "\u203c",
    "_": "\u2017",
    # Spaces: no-break, ogham, en quad to hair space, narrow no-break, mathematical, ideographic.
    " ": "\t\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u202f\u205f\u3000",
    "\n": "\u0085\u2028\u2029",
    # What nobody sees: soft hyphen, zero width space, word joiner, byte order mark.
    "": "\u00ad\u200b\u2060\ufeff",
    "1/4": "\u00bc",
    "1/2": "\u00bd",
    "3/4": "\u00be",
    "1/7": "\u2150",
    "1/9": "\u2151",
    "1/10": "\u2152",
    "1/3": "\u2153",
    "2/3": "\u2154",
    "1/5": "\u2155",
    "2/5": "\u2156",
    "3/5": "\u2157",
    "4/5": "\u2158",
    "1/6": "\u2159",
    "5/6": "\u215a",
    "1/8": "\u215b",
    "3/8": "\u215c",
    "5/8": "\u215d",
    "7/8": "\u215e",
    "0/3": "\u2189",
    "/": "\u00f7\u2044\u2215\u29f8",
    "\\": "\u29f5\u29f9\ufe68",
    "|": "\u2223\u23b8\u23b9\u23d0\u239c\u239f",
    "@": "\ufe6b",
    "$": "\ufe69",
    "!": "\u01c3\ufe15\ufe57",
    "#": "\ufe5f",
    "%": "\ufe6a",
    "&": "\ufe60",
    ",": "\u201a\u3001\ufe10\ufe11\ufe50\ufe51\uff64",
    ".": "\u3002\ufe52\uff61",
    ":": "\u02d0\u02f8\u2982\ua789\ufe13\ufe55",
    ";": "\u204f\ufe14\ufe54",
    "?": "\ufe16\ufe56",
    "=": "\ua78a\ufe66",
    "+": "\u02d6\ufe62",
    "(": "\u2768\u276a\u27ee\u2985\ufe59",
    ")": "\u2769\u276b\u27ef\u2986\ufe5a",
    "{": "\u2774\ufe5b",
    "}": "\u2775\ufe5c",
    "[": "\ufe5d",
    "]": "\ufe5e",
    "^": "\u02c6",
    "~": "\u02dc\u02f7\u223c",
    "*": "\u204e\u2217\u229b\u2722\u2723\u2724\u2725\u2731\u2732\u2733\u273a\u273b\u273c\u273d"
    "\u2743\u2749\u274a\u274b\u29c6\ufe61",
}

# Small capitals, which stand in the places of IPA letters; there are none of Q and X.
_SMALL_CAPITALS = (
    "\u1d00\u0299\u1d04\u1d05\u1d07\ua730\u0262\u029c\u026a\u1d0a\u1d0b\u029f\u1d0d\u0274\u1d0f"
    "\u1d18\u0280\ua731\u1d1b\u1d1c\u1d20\u1d21\u028f\u1d22"
)
_CAPITALS = "ABCDEFGHIJKLMNOPRSTUVWYZ"

# The fullwidth forms of ASCII, ! to ~, are ASCII moved up; the grave accent goes as it does above.
_FULLWIDTH = {0xFEE0 + code: chr(code) for code in range(0x21, 0x7F)} | {0xFF40: "'"}

# Control codes that print nothing; NUL, tab, LF, FF, CR and NEL are not among them.
_CONTROLS = {*range(0x01, 0x20), *range(0x7F, 0xA0)} - {0x09, 0x0A, 0x0C, 0x0D, 0x85}

SMART_ENCODING: dict[int, str] = (
    dict.fromkeys(_CONTROLS, "")
    | _FULLWIDTH
    | {ord(small): capital for small, capital in zip(_SMALL_CAPITALS, _CAPITALS, strict=True)}
    | {
        ord(character): replacement
        for replacement, characters in _REPLACED.items()
        for character in characters
    }
)


def smart_encode(text: str) -> str:
    """`text` with every character of the table replaced; letters and emoji stay as they are."""
    return text.translate(SMART_ENCODING)
