"""The messages of a run: each has a number, which stands in its text and names it everywhere."""

from __future__ import annotations

from collections.abc import Callable

# Twenty senders share the work, as an account with traffic has several; each is far below its MPS.
SENDERS = tuple(str(70_001 + index) for index in range(20))
# These have nothing else to send than what waits: a queue is first in, first out.
WAITING_SENDERS = tuple(str(79_001 + index) for index in range(4))

# 555-0100 to 555-0199 are kept free for fiction in each of these US area codes: 10,000 numbers.
AREA_CODES = tuple(
    part
    for line in (
        "201 202 203 205 206 207 208 209 210 212 213 214 215 216 217 218 219 224 225 228",
        "229 231 234 239 240 248 251 252 253 254 256 260 262 267 269 270 272 276 281 301",
        "302 303 304 305 307 308 309 310 312 313 314 315 316 317 318 319 320 321 323 325",
        "330 331 334 336 337 339 346 347 351 352 360 361 386 401 402 404 405 406 407 408",
        "409 410 412 413 414 415 417 419 423 424 425 430 432 434 435 440 442 443 458 469",
    )
    for part in line.split()
)
RECIPIENTS = 100 * len(AREA_CODES)
# Ten numbers of an area each: together all of the known recipients.
PREFIXES = tuple(f"1{area}55501{ten}" for area in AREA_CODES for ten in range(10))

NUMBER_DIGITS = 10
TEXT_TAIL = (
    " is the number of this message, which has a hundred characters, as notifications may have."
)


def sender(number: int) -> str:
    return SENDERS[number % len(SENDERS)]


def known_recipient(number: int) -> str:
    """One of RECIPIENTS numbers, in digits of E.164 without `+`: after a round all are known."""
    line, area = divmod(number % RECIPIENTS, len(AREA_CODES))
    return f"1{AREA_CODES[area]}55501{line:02d}"


def new_recipient(number: int) -> str:
    """A number that no other message of the run has, for a million messages."""
    line, area = divmod(number, len(AREA_CODES))
    return f"1{AREA_CODES[area]}555{line % 10_000:04d}"


RECIPIENTS_OF: dict[str, Callable[[int], str]] = {"known": known_recipient, "new": new_recipient}


def text(number: int) -> str:
    return f"{number:0{NUMBER_DIGITS}d}{TEXT_TAIL}"
