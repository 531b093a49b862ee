"""Says what is wrong with a value in the words of the file's author, not of Python."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Sequence

import msgspec
from msgspec import inspect

from gateway.config.toml_lines import KeyPath

SHOWN_CHARACTERS_MAX = 60
SECRET_KEYS = frozenset(
    {"password", "auth_token", "secret_hash", "password_hash", "ha1_md5", "ha1_sha256"}
)

COMPLAINT = re.compile(r"(?P<what>.*?)(?: - at `\$(?P<where>[^`]*)`)?", re.DOTALL)
UNKNOWN_KEY = re.compile(r"Object contains unknown field `(.*)`")
MISSING_KEY = re.compile(r"Object missing required field `(.*)`")
PATH_STEP = re.compile(r"\.(\w+)|\[(\d+)\]")


def explain(error: msgspec.ValidationError, schema: object, data: object) -> tuple[KeyPath, str]:
    """Where `data` does not fit the type `schema`, and why, from what msgspec said."""
    complaint = COMPLAINT.fullmatch(str(error))
    assert complaint is not None
    where = _path(complaint["where"] or "")
    wanted = _type_at(inspect.type_info(schema), where)
    if missing := MISSING_KEY.fullmatch(complaint["what"]):
        return where, of_table(where, f"missing key '{missing[1]}'")
    if unknown := UNKNOWN_KEY.fullmatch(complaint["what"]):
        assert isinstance(wanted, inspect.StructType)
        known = [field.encode_name for field in wanted.fields]
        return (*where, unknown[1]), of_table(where, unknown_key(unknown[1], known))
    value = got(_value_at(data, where), where)
    return where, of_key(where, f"expected {expected(wanted)}, got {value}")


def unknown_key(key: str, known: Sequence[str]) -> str:
    """The complaint about a key that the table does not have."""
    if near := difflib.get_close_matches(key, known, 1):
        return f"unknown key '{key}'; did you mean '{near[0]}'?"
    return f"unknown key '{key}'; expected one of {', '.join(known)}"


def of_key(where: KeyPath, text: str) -> str:
    """A complaint under the key's title as its author wrote it: `[[carrier.bind]] port: …`."""
    last = max(at for at, step in enumerate(where) if isinstance(step, str))
    key = "".join(step if isinstance(step, str) else f"[{step}]" for step in where[last:])
    return of_table(where[:last], f"{key}: {text}")


def of_table(where: KeyPath, text: str) -> str:
    """A complaint under the table's header: `[smpp] …`, or bare at the top of the file."""
    header = ".".join(step for step in where if isinstance(step, str))
    if not header:
        return text
    in_array = any(isinstance(step, int) for step in where)
    return f"[[{header}]] {text}" if in_array else f"[{header}] {text}"


def expected(wanted: inspect.Type) -> str:
    """The values that a type takes, in plain English."""
    match wanted:
        case inspect.Metadata(type=inner, extra_json_schema=extra):
            return (
                str(extra["description"]) if extra and "description" in extra else expected(inner)
            )
        case inspect.UnionType(types=types):
            return expected(next(t for t in types if not isinstance(t, inspect.NoneType)))
        case inspect.BoolType():
            return "true or false"
        case inspect.IntType(ge=ge, le=le):
            return "an integer" + _range(None, ge, le)
        case inspect.FloatType(gt=gt, ge=ge, le=le):
            return "a number" + _range(gt, ge, le)
        case inspect.StrType(min_length=low, max_length=high):
            return "a string" + _length(low, high)
        case inspect.LiteralType(values=values):
            return _choice([got(value) for value in values])
        case inspect.EnumType(cls=cls):
            return _choice([got(member.value) for member in cls])
        case inspect.VarTupleType(item_type=inspect.StructType()):
            return "an array of tables with at least one element"
        case inspect.VarTupleType():
            return "an array"
        case _:
            return "a table"


def got(value: object, where: KeyPath = ()) -> str:
    """A value as TOML would show it, shortened; a secret only by its length."""
    if isinstance(value, str) and SECRET_KEYS.intersection(where):
        return f"a secret of {len(value)} characters"
    match value:
        case str() | bool():
            shown = json.dumps(value, ensure_ascii=False)
        case list():
            return "an array"
        case dict():
            return "a table"
        case _:
            shown = str(value)
    return shown if len(shown) <= SHOWN_CHARACTERS_MAX else shown[: SHOWN_CHARACTERS_MAX - 1] + "…"


def _path(where: str) -> KeyPath:
    return tuple(name or int(index) for name, index in PATH_STEP.findall(where))


def _type_at(wanted: inspect.Type, where: KeyPath) -> inspect.Type:
    for step in where:
        wanted = _bare(wanted)
        if isinstance(wanted, inspect.StructType):
            wanted = next(field.type for field in wanted.fields if field.encode_name == step)
        else:
            assert isinstance(wanted, inspect.VarTupleType)
            wanted = wanted.item_type
    # The description of a value's type is kept; that of a table or an array has no use.
    return _bare(wanted) if isinstance(_bare(wanted), inspect.StructType) else wanted


def _bare(wanted: inspect.Type) -> inspect.Type:
    """A type without its description; of one that may be left out, that one."""
    if isinstance(wanted, inspect.UnionType):
        wanted = next(t for t in wanted.types if not isinstance(t, inspect.NoneType))
    return wanted.type if isinstance(wanted, inspect.Metadata) else wanted


def _value_at(data: object, where: KeyPath) -> object:
    for step in where:
        if isinstance(step, str):
            assert isinstance(data, dict)
            data = data[step]
        else:
            assert isinstance(data, list)
            data = data[step]
    return data


def _range(gt: float | None, ge: float | None, le: float | None) -> str:
    low = "" if gt is None else f"above {gt:g}"
    if ge is not None:
        low = f"from {ge}"
    if le is None:
        return f" {low}".replace("from", "of at least") if low else ""
    if not low:
        return f" up to {le}"
    return f" {low} to {le}" if ge is not None else f" {low} and up to {le}"


def _length(low: int | None, high: int | None) -> str:
    if low and high:
        return f" of {low} to {high} characters"
    if high:
        return f" of at most {high} characters"
    return f" of at least {low} characters" if low else ""


def _choice(values: list[str]) -> str:
    *most, last = values
    return f"{', '.join(most)} or {last}" if most else last
