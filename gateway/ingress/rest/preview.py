"""The preview of a message: its encoding, its segments and what makes them as many as they are.

Not Twilio's. Nothing is sent and nothing is stored.
"""

from __future__ import annotations

import msgspec

from gateway.ingress.rest.dependencies import RestDependencies
from gateway.ingress.rest.gate import Call
from gateway.ingress.rest.json_answer import JsonAnswer
from gateway.ingress.rest.message_form import boolean
from gateway.ingress.rest.preview_json import preview_resource

encode = msgspec.json.Encoder().encode


class Previews:
    def __init__(self, dependencies: RestDependencies) -> None:
        self._previews = dependencies.previews

    async def create(self, call: Call) -> JsonAnswer:
        form = await call.form()
        preview = self._previews.preview(
            call.account,
            form.text("Body"),
            form.phone_number("From"),
            form.phone_number("To"),
            boolean(form, "SmartEncoded"),
        )
        return JsonAnswer(200, encode(preview_resource(preview)))
