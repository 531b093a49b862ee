"""The parameters of POST …/Messages.json, from the OpenAPI document."""

from __future__ import annotations

from gateway.ingress.rest.openapi import CREATE_FORM
from tests.docs.page import code, table


def create_parameters() -> str:
    properties = CREATE_FORM.properties or {}
    required = CREATE_FORM.required or ()
    return table(
        ("Parameter", "Required", "Meaning"),
        (
            (code(name), "yes" if name in required else "", str(schema.description))
            for name, schema in properties.items()
        ),
    )
