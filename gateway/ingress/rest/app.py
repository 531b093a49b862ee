"""The REST API: Litestar's router over resources that read and answer for themselves."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version

from litestar import HttpMethod, Litestar, delete, get, patch, post, put
from litestar.exceptions import HTTPException
from litestar.handlers import HTTPRouteHandler
from litestar.types import ASGIApp

from gateway.config.phone_page import PhoneNumber
from gateway.ingress.rest import openapi
from gateway.ingress.rest.accounts import AccountResource, fetch_account
from gateway.ingress.rest.call_json import CallPage, CallResource
from gateway.ingress.rest.calls import Calls
from gateway.ingress.rest.dependencies import RestDependencies
from gateway.ingress.rest.errors import http_exception_handler, unexpected_exception_handler
from gateway.ingress.rest.feedback import Feedbacks
from gateway.ingress.rest.feedback_json import FeedbackResource
from gateway.ingress.rest.gate import AnyRequest, Gate, Handler
from gateway.ingress.rest.message_json import API_VERSION, MessageResource
from gateway.ingress.rest.messages import Messages
from gateway.ingress.rest.paging import MessagePage
from gateway.ingress.rest.phone_page import PATH as PHONE
from gateway.ingress.rest.phone_page import phone_page
from gateway.ingress.rest.preview import Previews
from gateway.ingress.rest.preview_json import PreviewResource
from gateway.ingress.rest.routing import Routing
from gateway.ingress.rest.routing_json import DecisionResource
from gateway.ingress.rest.timeline import TimelineResource, Timelines
from gateway.ingress.rest.web_call_json import WebCallResource
from gateway.ingress.rest.web_calls import WEB_CALLS, WebCalls

DISTRIBUTION = "super-network-gateway"
ACCOUNT = f"/{API_VERSION}/Accounts/{{AccountSid:str}}"
MESSAGES = f"{ACCOUNT}/Messages"
MESSAGE = f"{MESSAGES}/{{MessageSid:str}}"
PREVIEW = f"{MESSAGES}/Preview"
TIMELINE = f"{MESSAGE}/Timeline"
FEEDBACK = f"{MESSAGE}/Feedback"
CALLS = f"{ACCOUNT}/Calls"
CALL = f"{CALLS}/{{CallSid:str}}"
ROUTING = "/v1/Routing"
WEB_CALL = f"{WEB_CALLS}/{{CallSid:str}}"
EXPLAIN = f"{ROUTING}/Explain/{{MessageSid:str}}"
RANK = f"{ROUTING}/Rank"


def create_app(dependencies: RestDependencies, gate: Gate) -> Litestar:
    """The whole API as an ASGI application, behind that gate. It has no lifespan and starts no
    task."""
    return Litestar(
        [
            *account_routes(dependencies, gate),
            *call_routes(dependencies, gate),
            *web_call_routes(dependencies, gate),
            *routing_routes(dependencies, gate),
            *phone_routes(dependencies.phone_numbers),
        ],
        exception_handlers={
            HTTPException: http_exception_handler,
            Exception: unexpected_exception_handler,
        },
        openapi_config=openapi.openapi_config(version(DISTRIBUTION)),
        # The daemon configures logging; Litestar would start a thread for it.
        logging_config=None,
    )


def account_routes(dependencies: RestDependencies, gate: Gate) -> list[HTTPRouteHandler]:
    """Routes by path and method. A path without `.json` answers the same, and is not documented."""
    messages = Messages(dependencies)
    account = gate.guard(fetch_account)
    create, read = gate.guard(messages.create), gate.guard(messages.list)
    fetch = gate.guard(messages.fetch)
    preview = gate.guard(Previews(dependencies).create)
    timeline = gate.guard(Timelines(dependencies).fetch)
    feedback = gate.guard(Feedbacks(dependencies).create)
    return [
        get(
            ACCOUNT,
            summary="Fetch the account",
            operation_id="FetchAccount",
            operation_class=openapi.operation(openapi.ACCOUNT_SID_JSON),
            responses=openapi.responses(200, AccountResource, "The account."),
        )(account),
        post(
            f"{MESSAGES}.json",
            summary="Send a message",
            operation_id="CreateMessage",
            operation_class=openapi.operation(
                openapi.ACCOUNT_SID, openapi.IDEMPOTENCY_KEY, form=openapi.CREATE_FORM
            ),
            responses=openapi.responses(
                201,
                MessageResource,
                "Accepted and durable.",
                openapi.ERRORS | openapi.KEY_ERRORS,
            ),
        )(create),
        get(
            f"{MESSAGES}.json",
            summary="List messages, newest first",
            operation_id="ListMessage",
            operation_class=openapi.operation(*openapi.LIST_PARAMETERS),
            responses=openapi.responses(200, MessagePage, "A page of messages."),
        )(read),
        post(MESSAGES, include_in_schema=False)(create),
        get(MESSAGES, include_in_schema=False)(read),
        post(
            f"{PREVIEW}.json",
            status_code=200,
            summary="Preview a message: its encoding and its segments",
            operation_id="PreviewMessage",
            operation_class=openapi.operation(openapi.ACCOUNT_SID, form=openapi.PREVIEW_FORM),
            responses=openapi.responses(
                200, PreviewResource, "What would be sent. Nothing is, and nothing is stored."
            ),
        )(preview),
        post(PREVIEW, status_code=200, include_in_schema=False)(preview),
        get(
            MESSAGE,
            summary="Fetch a message",
            operation_id="FetchMessage",
            operation_class=openapi.operation(openapi.ACCOUNT_SID, openapi.MESSAGE_SID),
            responses=openapi.responses(200, MessageResource, "The message as it stands."),
        )(fetch),
        post(
            MESSAGE,
            status_code=200,
            summary="Redact a message, or cancel a scheduled one",
            operation_id="UpdateMessage",
            operation_class=openapi.operation(
                openapi.ACCOUNT_SID, openapi.MESSAGE_SID, form=openapi.UPDATE_FORM
            ),
            responses=openapi.responses(200, MessageResource, "The message as it stands now."),
        )(gate.guard(messages.update)),
        delete(
            MESSAGE,
            # 204 in truth; Litestar wants a function that returns None for that.
            status_code=200,
            response_description=openapi.UNLISTED,
            summary="Delete a complete message",
            operation_id="DeleteMessage",
            operation_class=openapi.operation(openapi.ACCOUNT_SID, openapi.MESSAGE_SID),
            responses=openapi.responses(204, None, "The message is forgotten."),
        )(gate.guard(messages.delete)),
        get(
            f"{TIMELINE}.json",
            summary="Fetch everything on record about a message",
            operation_id="FetchTimeline",
            operation_class=openapi.operation(openapi.ACCOUNT_SID, openapi.MESSAGE_SID),
            responses=openapi.responses(200, TimelineResource, "What happened, in order."),
        )(timeline),
        get(TIMELINE, include_in_schema=False)(timeline),
        post(
            f"{FEEDBACK}.json",
            summary="Say whether a message did its work",
            operation_id="CreateMessageFeedback",
            operation_class=openapi.operation(
                openapi.ACCOUNT_SID, openapi.MESSAGE_SID, form=openapi.FEEDBACK_FORM
            ),
            responses=openapi.responses(201, FeedbackResource, "What is known of it now."),
        )(feedback),
        post(FEEDBACK, include_in_schema=False)(feedback),
        *(
            head(path, handler)
            for path, handler in (
                (ACCOUNT, account),
                (f"{MESSAGES}.json", read),
                (MESSAGES, read),
                (MESSAGE, fetch),
                (f"{TIMELINE}.json", timeline),
                (TIMELINE, timeline),
            )
        ),
    ]


def call_routes(dependencies: RestDependencies, gate: Gate) -> list[HTTPRouteHandler]:
    """Read only: calls are made over SIP, and as WebCalls."""
    if dependencies.calls is None:
        return []
    calls = Calls(dependencies.calls)
    read, fetch = gate.guard(calls.list), gate.guard(calls.fetch)
    return [
        get(
            f"{CALLS}.json",
            summary="List calls, newest first",
            operation_id="ListCall",
            operation_class=openapi.operation(*openapi.CALL_LIST_PARAMETERS),
            responses=openapi.responses(200, CallPage, "A page of calls."),
        )(read),
        get(CALLS, include_in_schema=False)(read),
        get(
            CALL,
            summary="Fetch a call",
            operation_id="FetchCall",
            operation_class=openapi.operation(openapi.ACCOUNT_SID, openapi.CALL_SID),
            responses=openapi.responses(200, CallResource, "The call as it stands, or stood."),
        )(fetch),
        *(
            head(path, each)
            for path, each in ((f"{CALLS}.json", read), (CALLS, read), (CALL, fetch))
        ),
    ]


def web_call_routes(dependencies: RestDependencies, gate: Gate) -> list[HTTPRouteHandler]:
    """No account in the path: it is that of the credentials."""
    if dependencies.web_agent is None:
        return []
    calls = WebCalls(dependencies.web_agent, dependencies.clock)
    return [
        post(
            WEB_CALLS,
            summary="Call somebody, with an offer of WebRTC",
            operation_id="CreateWebCall",
            operation_class=openapi.operation(*openapi.WEB_CALL_PARAMETERS, body=openapi.OFFER),
            responses=openapi.responses(
                201,
                WebCallResource,
                "The call has begun; `Location` is its URL, and its events tell the rest.",
                openapi.WEB_CALL_ERRORS,
            ),
        )(gate.guard(calls.create)),
        get(
            f"{WEB_CALL}/Events",
            summary="Listen to what happens to a call",
            operation_id="FetchWebCallEvents",
            operation_class=openapi.operation(openapi.CALL_SID, openapi.LAST_EVENT_ID),
            responses=openapi.responses(
                200, str, "Events until the call is over.", media_type="text/event-stream"
            ),
        )(gate.guard(calls.events)),
        patch(
            WEB_CALL,
            summary="Describe the caller's side of a call anew",
            operation_id="UpdateWebCall",
            operation_class=openapi.operation(openapi.CALL_SID, body=openapi.OFFER),
            responses=openapi.responses(
                200, str, "The other side's answer.", openapi.WEB_CALL_ERRORS, "application/sdp"
            ),
        )(gate.guard(calls.offer)),
        put(
            f"{WEB_CALL}/Answer",
            # 204 in truth, as below.
            response_description=openapi.UNLISTED,
            summary="Answer an offer of the other side's",
            operation_id="AnswerWebCall",
            operation_class=openapi.operation(openapi.CALL_SID, body=openapi.ANSWER),
            responses=openapi.responses(204, None, "It has it.", openapi.WEB_CALL_ERRORS),
        )(gate.guard(calls.answer)),
        delete(
            WEB_CALL,
            status_code=200,
            response_description=openapi.UNLISTED,
            summary="Hang up",
            operation_id="DeleteWebCall",
            operation_class=openapi.operation(openapi.CALL_SID),
            responses=openapi.responses(204, None, "It ends; the events tell its end."),
        )(gate.guard(calls.delete)),
    ]


def routing_routes(dependencies: RestDependencies, gate: Gate) -> list[HTTPRouteHandler]:
    """No account in the path: it is that of the credentials."""
    routing = Routing(dependencies)
    explain = gate.guard(routing.explain)
    return [
        get(
            EXPLAIN,
            summary="Explain why a message or a call went where it went",
            operation_id="ExplainRoute",
            operation_class=openapi.operation(openapi.MESSAGE_SID),
            responses=openapi.responses(200, DecisionResource, "The last decision about it."),
        )(explain),
        head(EXPLAIN, explain),
        post(
            RANK,
            status_code=200,
            summary="Rank the binds for a message, without sending it",
            operation_id="RankRoutes",
            operation_class=openapi.operation(form=openapi.RANK_FORM),
            responses=openapi.responses(
                200, DecisionResource, "The decision that would be made now. Nothing is changed."
            ),
        )(gate.guard(routing.rank)),
    ]


def phone_routes(numbers: Sequence[PhoneNumber] | None) -> list[HTTPRouteHandler]:
    """The page is nobody's in particular: it asks for the account itself."""
    if numbers is None:
        return []
    page = phone_page(numbers)

    async def show(request: AnyRequest) -> ASGIApp:
        return page

    return [get(PHONE, include_in_schema=False)(show), head(PHONE, show)]


def head(path: str, handler: Handler) -> HTTPRouteHandler:
    """Answers as GET does; the server leaves the body out (RFC 9110 §9.3.2)."""
    return HTTPRouteHandler(path, http_method=HttpMethod.HEAD, include_in_schema=False)(handler)
