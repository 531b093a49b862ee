"""smpplib asks our server what became of its message."""

# smpplib ships no py.typed, so its classes are Any to mypy.
# mypy: disable-error-code="import-untyped, misc"

from typing import Any

import pytest
from smpplib import consts

from tests.e2e.configuration import LONG_CODE
from tests.e2e.site import Site
from tests.interop.smpplib_esme import SmpplibEsme, with_esme

pytestmark = [pytest.mark.interop, pytest.mark.asyncio(loop_scope="module")]


async def test_srv_27_smpplib_asks_what_became_of_its_message(site: Site) -> None:
    def act(esme: SmpplibEsme) -> Any:
        (sid,) = esme.submit("hello", site.recipient())
        esme.read_receipt(sid)
        esme.client.query_message(
            message_id=sid,
            source_addr_ton=consts.SMPP_TON_INTL,
            source_addr=LONG_CODE.removeprefix("+"),
        )
        return sid, esme.client.read_pdu()

    sid, said = await with_esme(site, act)

    assert (said.command, said.status) == ("query_sm_resp", consts.SMPP_ESME_ROK)
    assert said.message_id.decode() == sid
    assert said.message_state == consts.SMPP_MESSAGE_STATE_DELIVERED
