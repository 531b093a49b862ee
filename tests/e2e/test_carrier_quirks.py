"""Carriers that are odd or wrong, by the recipient's number: the message is delivered all the same,
and what the carriers saw of the daemon keeps to the rules (a fixture asserts that).
"""

import pytest

from tests.e2e.site import Site

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]


@pytest.mark.parametrize(
    "suffix",
    [
        pytest.param("0021", id="receipt_in_data_sm"),
        pytest.param("0022", id="receipt_in_message_payload"),
        pytest.param("0023", id="receipt_in_tlvs"),
        pytest.param("0024", id="receipt_in_text"),
        pytest.param("0025", id="receipt_of_id_and_stat"),
        pytest.param("0026", id="dates_of_twelve_digits"),
    ],
)
async def test_rcp_3_a_receipt_of_any_shape_is_understood(site: Site, suffix: str) -> None:
    sid = await site.rest.create(site.recipient(suffix), "hello")

    assert (await site.rest.final(sid))["status"] == "delivered"


@pytest.mark.parametrize("suffix", ["0042", "0044", "0047", "0048"])
async def test_srv_22_a_response_with_more_than_was_asked_is_taken(site: Site, suffix: str) -> None:
    sid = await site.rest.create(site.recipient(suffix), "hello")

    assert (await site.rest.final(sid))["status"] == "delivered"


async def test_srv_3_an_unknown_command_is_nacked_and_the_session_lives(site: Site) -> None:
    sid = await site.rest.create(site.recipient("0060"), "hello")

    assert (await site.rest.final(sid))["status"] == "delivered"


@pytest.mark.parametrize("suffix", ["0061", "0062", "0063"])
async def test_srv_4_a_deliver_sm_is_answered_whatever_it_holds(site: Site, suffix: str) -> None:
    sid = await site.rest.create(site.recipient(suffix), "hello")

    assert (await site.rest.final(sid))["status"] == "delivered"


@pytest.mark.parametrize("suffix", ["0064", "0065"])
async def test_srv_5_what_answers_nothing_is_left_alone(site: Site, suffix: str) -> None:
    sid = await site.rest.create(site.recipient(suffix), "hello")

    assert (await site.rest.final(sid))["status"] == "delivered"


@pytest.mark.parametrize("suffix", ["0066", "0067"])
async def test_srv_1_pdus_come_cut_and_glued(site: Site, suffix: str) -> None:
    sid = await site.rest.create(site.recipient(suffix), "hello")

    assert (await site.rest.final(sid))["status"] == "delivered"


async def test_srv_11_a_carrier_that_unbinds_is_left_in_good_order(site: Site) -> None:
    sid = await site.rest.create(site.recipient("0055"), "hello")

    assert (await site.rest.final(sid))["status"] == "delivered"
    await site.bound()


async def test_cli_2_an_answer_that_is_cut_in_half_is_no_answer(site: Site) -> None:
    """It is sent again, as the account wants it, and to the carrier that is a message once lost."""
    sid = await site.rest.create(site.recipient("0052"), "hello")

    assert (await site.rest.final(sid))["status"] == "delivered"
    await site.bound()
