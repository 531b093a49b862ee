"""What a media worker has loaded before anybody calls."""

import subprocess
import sys

import pytest

BEGIN = """
import sys
from media.worker.messages import Begin, Place
from media.worker.service import Service

place = Place("127.0.0.1", "", 27_000, 27_999, 60.0, browsers={browsers})
Service(lambda told: None).handle(Begin(1, place))
sys.stdout.write(str("aiortc" in sys.modules))
"""


@pytest.mark.parametrize("browsers", [False, True])
def test_what_browsers_need_is_loaded_where_they_are_expected(browsers: bool) -> None:
    """Calls of others would wait for it later, and who has no browsers has its memory for calls."""
    command = (sys.executable, "-c", BEGIN.format(browsers=browsers))
    loaded = subprocess.run(command, check=True, capture_output=True, text=True).stdout

    assert loaded == str(browsers)
