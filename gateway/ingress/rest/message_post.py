"""POST Messages.json from its octets to its answer by calls alone, without a task or a future.

The router's way to the same resource (`Messages.create`) costs three times as much. It takes every
request that this one leaves to it, and both share the gate, the reading of the form and the words
of the answers.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable

from gateway.account import Account
from gateway.errors import Refused, StoreError
from gateway.ingress.rest.dependencies import RestDependencies
from gateway.ingress.rest.errors import RequestError, fault_answer, trouble_answer
from gateway.ingress.rest.form import body_form
from gateway.ingress.rest.gate import Gate
from gateway.ingress.rest.json_answer import JsonAnswer
from gateway.ingress.rest.messages import Messages, created
from gateway.message import Message
from gateway.messaging.idempotency import Replayed

# Only the plain form of the path: whatever is escaped or has a query goes by the router.
PATH = re.compile(rb"/2010-04-01/Accounts/(AC[0-9a-f]{32})/Messages(?:\.json)?")
PATH_TEMPLATE = "/2010-04-01/Accounts/{AccountSid}/Messages.json"

Respond = Callable[[JsonAnswer], None]


class MessagePosts:
    """Takes the requests that create messages. One `Gate` for these and for all others, so that its
    limits are of the account."""

    def __init__(self, dependencies: RestDependencies, gate: Gate) -> None:
        self._clock = dependencies.clock
        self._intake = dependencies.intake
        self._messages = Messages(dependencies)
        self._gate = gate
        self._replays: set[asyncio.Task[None]] = set()

    def take(
        self,
        account_sid: str,
        headers: dict[bytes, bytes],
        body: bytes,
        client: str,
        respond: Respond,
    ) -> None:
        """Make the message that a request asks for. `respond` is called once, also at once."""
        try:
            account = self._gate.enter(
                headers, client, account_sid, self._clock.now(), reading=False
            )
        except Refused as refused:
            respond(trouble_answer(refused))
            return
        post = MessagePost(self, account, respond)
        try:
            request = self._messages.request(headers, body_form(headers, body), account)
            self._intake.submit(request, post.taken, post.refused)
        except (Refused, RequestError, StoreError) as error:
            post.end(trouble_answer(error))
        except Exception as fault:
            # This is the top of a request, as a handler's task would be.
            post.end(fault_answer("POST", PATH_TEMPLATE, fault))

    def leave(self, account: Account) -> None:
        self._gate.leave(account)

    def replay(self, post: MessagePost, replayed: Replayed) -> None:
        """Answer with the message that an idempotency key has made before, which must be read."""
        task = asyncio.get_running_loop().create_task(self._replay(post, replayed))
        self._replays.add(task)
        task.add_done_callback(self._replays.discard)

    async def _replay(self, post: MessagePost, replayed: Replayed) -> None:
        try:
            post.end(await self._messages.replayed(post.account, replayed))
        except (Refused, StoreError) as error:
            post.end(trouble_answer(error))
        except Exception as fault:
            post.end(fault_answer("POST", PATH_TEMPLATE, fault))


class MessagePost:
    """A request that has passed the gate and is not answered yet."""

    __slots__ = ("_ended", "_posts", "_respond", "account")

    def __init__(self, posts: MessagePosts, account: Account, respond: Respond) -> None:
        self.account = account
        self._posts = posts
        self._respond = respond
        self._ended = False

    def taken(self, taken: Message | Replayed) -> None:
        if isinstance(taken, Replayed):
            self._posts.replay(self, taken)
        else:
            self.end(created(taken))

    def refused(self, refused: Refused) -> None:
        self.end(trouble_answer(refused))

    def end(self, answer: JsonAnswer) -> None:
        """Leave the gate and answer, once: a fault may come after the answer."""
        if not self._ended:
            self._ended = True
            self._posts.leave(self.account)
            self._respond(answer)
