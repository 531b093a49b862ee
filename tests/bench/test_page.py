"""The page has a part for each run, and the plots are SVG."""

from pathlib import Path
from xml.etree.ElementTree import fromstring

from tests.bench import page
from tests.bench.bar_chart import Bar, bar_chart
from tests.bench.http_load import message_end


def test_a_part_is_replaced_and_the_others_stay(tmp_path: Path) -> None:
    written = tmp_path / "page.md"
    page.write("bench", "first", written)
    page.write("bench-scale", "size", written)
    page.write("bench", "second", written)
    text = written.read_text()
    assert "first" not in text
    assert text.index("second") < text.index("size")


def test_bars_are_drawn_for_each_group() -> None:
    groups = {"a & b": [Bar("ours", 100.0), Bar("peer", 10_000.0)], "c": [Bar("ours", 0.5)]}
    image = fromstring(bar_chart("CPU", "µs", groups))
    bars = [node for node in image.iter() if node.tag.endswith("rect")][1:]
    assert len(bars) == 3
    assert float(bars[0].attrib["width"]) < float(bars[1].attrib["width"])


def test_an_http_message_ends_with_its_body() -> None:
    octets = b"HTTP/1.1 202 Accepted\r\nContent-Length: 3\r\n\r\nabcHTTP"
    assert message_end(octets) == len(octets) - 4
    assert not message_end(octets[:-5])


def test_a_chunked_http_message_ends_with_its_last_chunk() -> None:
    octets = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
    assert message_end(octets) == len(octets)
    assert not message_end(octets[:-2])
