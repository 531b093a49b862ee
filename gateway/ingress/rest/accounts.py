"""The Account resource, read only: SDKs fetch it to see that their credentials work."""

from __future__ import annotations

import msgspec

from gateway.account import Account
from gateway.ingress.rest.gate import Call
from gateway.ingress.rest.json_answer import JsonAnswer
from gateway.ingress.rest.message_json import API_VERSION


class AccountSubresourceUris(msgspec.Struct, frozen=True):
    messages: str


class AccountResource(msgspec.Struct, frozen=True):
    """An account as Twilio shows it, without its auth token: an API key must not learn that."""

    sid: str
    owner_account_sid: str
    friendly_name: str
    status: str
    type: str
    uri: str
    subresource_uris: AccountSubresourceUris


def account_resource(account: Account) -> AccountResource:
    uri = f"/{API_VERSION}/Accounts/{account.sid}"
    return AccountResource(
        sid=account.sid,
        owner_account_sid=account.sid,
        friendly_name=account.name or account.sid,
        status="suspended" if account.suspended else "active",
        type="Full",
        uri=f"{uri}.json",
        subresource_uris=AccountSubresourceUris(messages=f"{uri}/Messages.json"),
    )


async def fetch_account(call: Call) -> JsonAnswer:
    return JsonAnswer(200, msgspec.json.encode(account_resource(call.account)))
