"""A Messages resource on a port of its own, which answers what a test has told it to."""

from __future__ import annotations

from base64 import b64encode
from collections import deque

from aiohttp import web
from aiohttp.test_utils import TestServer

ACCOUNT = "AC" + "a" * 32
TOKEN = "b" * 32
BASIC = "Basic " + b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode()
CREATED = "Fri, 02 Jan 2026 03:04:05 +0000"


class FakeGateway:
    """Accepts what it is given and makes it `delivered`, unless told otherwise.

    `refusals`: answers for the next requests, before any is accepted. `fates`: the last status and
    error code by recipient. `history`: the statuses that a fetch shows, one after the other.
    """

    def __init__(self) -> None:
        self.refusals: deque[tuple[int, int, str]] = deque()
        self.fates: dict[str, tuple[str, int | None]] = {}
        self.history: deque[str] = deque()
        self.accepted: list[dict[str, str]] = []
        self.lists = 0

    async def start(self) -> TestServer:
        application = web.Application()
        resource = f"/2010-04-01/Accounts/{ACCOUNT}/Messages"
        application.router.add_post(f"{resource}.json", self._create)
        application.router.add_get(f"{resource}.json", self._list)
        application.router.add_get(f"{resource}/{{sid}}.json", self._fetch)
        server = TestServer(application)
        await server.start_server()
        return server

    async def _create(self, request: web.Request) -> web.Response:
        if refused := self._refused(request):
            return refused
        form = await request.post()
        self.accepted.append({name: str(value) for name, value in form.items()})
        return web.json_response(self._resource(len(self.accepted) - 1, "queued"), status=201)

    async def _fetch(self, request: web.Request) -> web.Response:
        number = int(request.match_info["sid"][2:], 16)
        status = self.history.popleft() if self.history else "delivered"
        return web.json_response(self._resource(number, status))

    async def _list(self, request: web.Request) -> web.Response:
        if refused := self._refused(request):
            return refused
        self.lists += 1
        size = int(request.query["PageSize"])
        before = int(request.query.get("PageToken", len(self.accepted)))
        numbers = range(before - 1, max(before - size, 0) - 1, -1)
        more = before > size
        return web.json_response(
            {
                "messages": [self._resource(number) for number in numbers],
                "next_page_uri": f"{request.path}?PageSize={size}&PageToken={before - size}"
                if more
                else None,
            }
        )

    def _refused(self, request: web.Request) -> web.Response | None:
        if request.headers.get("Authorization") != BASIC:
            return web.json_response({"code": 20003, "message": "Authenticate"}, status=401)
        if not self.refusals or request.method != "POST":
            return None
        status, code, message = self.refusals.popleft()
        headers = {"Retry-After": "0"}
        return web.json_response({"code": code, "message": message}, status=status, headers=headers)

    def _resource(self, number: int, status: str = "") -> dict[str, object]:
        fate, code = self.fates.get(self.accepted[number]["To"], ("delivered", None))
        return {
            "sid": f"SM{number:032x}",
            "status": status or fate,
            "date_created": CREATED,
            "error_code": code,
            "error_message": "unreachable handset" if code else None,
            "body": self.accepted[number]["Body"],
        }
