import tomllib
from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from gateway.config.toml_lines import KeyPath, key_lines
from tests.config.toml_writer import TomlWriter, documents

CARRIERS = """\
# Two carriers
node = 1
[[carrier]]
id = "alpha"          # [not.a.table]
[[carrier.bind]]
ports = [
  1,
  2, # two
]
host = { name = "h", tls.on = true }
[[carrier.bind]]
id = '''
several
lines'''
port = 5
[[carrier]]
id = "bravo"
[[carrier.bind]]
port = 6
[log.to."a file"]
path = "x"
"""


def test_keys_of_tables_arrays_and_inline_tables_have_their_lines() -> None:
    lines = key_lines(CARRIERS)
    assert lines[("node",)] == 2
    assert lines[("carrier", 0, "id")] == 4
    assert lines[("carrier", 0, "bind", 0, "ports", 1)] == 8
    assert lines[("carrier", 0, "bind", 0, "host", "tls", "on")] == 10
    assert lines[("carrier", 0, "bind", 1, "port")] == 15
    assert lines[("carrier", 1)] == 16
    assert lines[("carrier", 1, "bind", 0, "port")] == 19
    assert lines[("log", "to", "a file", "path")] == 21


def test_a_table_stands_at_its_header_even_when_named_before() -> None:
    lines = key_lines("[a.b]\nx = 1\n[a]\ny = 2\n")
    assert lines[("a",)] == 3


def test_crlf_counts_as_one_line_end() -> None:
    assert key_lines(CARRIERS.replace("\n", "\r\n")) == key_lines(CARRIERS)


@given(document=documents, data=st.data())
def test_every_key_that_tomllib_sees_has_the_line_it_was_written_on(
    document: dict[str, object], data: st.DataObject
) -> None:
    writer = TomlWriter(data.draw)
    writer.table(document)
    assert tomllib.loads(writer.text) == document
    lines = key_lines(writer.text)
    assert lines == writer.lines
    assert set(lines) == set(_paths(document))


def _paths(value: object, path: KeyPath = ()) -> Iterator[KeyPath]:
    if path:
        yield path
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _paths(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _paths(inner, (*path, index))
