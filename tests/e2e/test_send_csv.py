"""`supernet send --csv`: a campaign, and what became of it."""

import csv
from collections import Counter
from pathlib import Path

import pytest

from tests.e2e.configuration import ACCOUNT_SID, AUTH_TOKEN, LONG_CODE, TOLL_FREE
from tests.e2e.process import installed, outcome
from tests.e2e.site import CARRIERS, Site

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(180),
]

MESSAGES = 2_000
RECIPIENTS = 500
CAMPAIGN_S = 120.0


async def send(site: Site, file: Path) -> tuple[int, list[str]]:
    return await outcome(
        *(installed("supernet"), "send", "--csv", str(file), "--url", site.daemon.rest),
        *("--account", ACCOUNT_SID, "--token", AUTH_TOKEN),
        directory=file.parent,
        timeout_s=CAMPAIGN_S,
    )


def write_csv(file: Path, rows: list[tuple[str, str, str]]) -> None:
    with file.open("w", newline="", encoding="utf-8") as opened:
        csv.writer(opened).writerows([("to", "from", "body"), *rows])


async def test_campaign_arrives_once_and_in_order(site: Site, tmp_path: Path) -> None:
    recipients = [site.recipient() for _ in range(RECIPIENTS)]
    rows = [
        (recipients[number % RECIPIENTS], (LONG_CODE, TOLL_FREE)[number % 2], f"Offer #{number}")
        for number in range(MESSAGES)
    ]
    write_csv(tmp_path / "campaign.csv", rows)

    code, said = await send(site, tmp_path / "campaign.csv")

    assert code == 0
    assert said[-4:] == [
        f"accepted    {MESSAGES:>10,}  of {MESSAGES:,}",
        f"delivered   {MESSAGES:>10,}",
        f"undelivered {0:>10,}",
        f"failed      {0:>10,}",
    ]
    arrived = [message.text for message in site.carriers.recorder.messages]
    offers = [text for text in arrived if text.startswith("Offer")]
    assert Counter(offers) == Counter(body for _, _, body in rows)
    counts = [site.carriers.recorder.counts(carrier) for carrier in CARRIERS]
    assert sum(each.duplicates + each.order_breaks for each in counts) == 0


async def test_rows_that_are_refused_are_told_by_line(site: Site, tmp_path: Path) -> None:
    write_csv(tmp_path / "mixed.csv", [("+12", LONG_CODE, "a"), (site.recipient(), LONG_CODE, "b")])

    code, said = await send(site, tmp_path / "mixed.csv")

    assert code == 1
    assert any(line.startswith("accepted") and line.endswith("1  of 2") for line in said)
    assert any("mixed.csv:2  21211" in line for line in said)


async def test_file_with_a_wrong_header_sends_nothing(site: Site, tmp_path: Path) -> None:
    file = tmp_path / "wrong.csv"
    file.write_text("number,text\n+12065550100,hello\n")

    code, said = await send(site, file)

    assert code == 1
    assert said == [f"supernet: {file}:1: expected the header to,from,body, got 'number,text'"]
