"""Signatures as Standard Webhooks 1.0 has them."""

from gateway.config.secrets import signing_key
from gateway.streams.batch_signature import signature, signature_headers

# The example of the specification, as its libraries test it.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
KEY = signing_key(SECRET) or b""
BATCH_ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"
TIMESTAMP = "1614265330"
BODY = b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_signature_is_that_of_the_specification() -> None:
    assert signature(KEY, BATCH_ID, TIMESTAMP, BODY) == SIGNATURE


def test_headers_sign_their_own_id_and_time() -> None:
    headers = signature_headers(KEY, BODY, 1_614_265_330.9)
    assert headers["webhook-timestamp"] == TIMESTAMP
    signed = signature(KEY, headers["webhook-id"], TIMESTAMP, BODY)
    assert headers["webhook-signature"] == signed


def test_same_batch_has_the_same_id_whenever_it_is_sent() -> None:
    ids = {signature_headers(b"k" * 24, BODY, now)["webhook-id"] for now in (1.0, 2.0)}
    assert len(ids) == 1
