"""Facts of calls that are written together come to what they come to one by one."""

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.call import CallStatus
from gateway.store.call_facts import CallEnded, CallFact, CallReached, CallStarted, CallTold
from gateway.store.call_file import CALLS_NAME, CallFile, UnderWay
from tests.store.call_builders import a_call, a_record

IDS = st.integers(1, 2)
FACTS: st.SearchStrategy[CallFact] = st.one_of(
    IDS.map(lambda id_: CallStarted(a_call(id_))),
    st.builds(
        CallReached,
        IDS,
        st.integers(2, 3),
        st.sampled_from((CallStatus.RINGING, CallStatus.IN_PROGRESS)),
        st.floats(1, 9),
    ),
    IDS.map(lambda id_: CallEnded(a_record(a_call(id_)), 4, owed=True)),
    IDS.map(CallTold),
)


def what_comes_of(batches: list[list[CallFact]]) -> tuple[list[UnderWay], list[CallEnded]]:
    with TemporaryDirectory() as directory:
        file = CallFile(Path(directory) / CALLS_NAME, durable=False)
        file.open()
        for batch in batches:
            file.write(batch)
        found = file.under_way(), file.owed(0.0, 10)
        file.close()
    return found


def possible(facts: list[CallFact]) -> list[CallFact]:
    """Without the news that a customer has been told of an end that was none yet."""
    ended: set[int] = set()
    kept = []
    for fact in facts:
        if isinstance(fact, CallEnded):
            ended.add(fact.record.call.id)
        if not isinstance(fact, CallTold) or fact.call_id in ended:
            kept.append(fact)
    return kept


# A call starts before anything else is told of it.
BEGUN: list[CallFact] = [CallStarted(a_call(1)), CallStarted(a_call(2))]


@settings(max_examples=60, deadline=None)
@given(st.lists(FACTS, max_size=8).map(possible))
def test_facts_written_together_come_to_the_same_as_one_by_one(facts: list[CallFact]) -> None:
    one_by_one = [[fact] for fact in [*BEGUN, *facts]]
    assert what_comes_of([[*BEGUN, *facts]]) == what_comes_of(one_by_one)


@settings(max_examples=60, deadline=None)
@given(st.lists(FACTS, max_size=8).map(possible), st.integers(0, 10))
def test_facts_that_are_written_again_change_nothing(facts: list[CallFact], at: int) -> None:
    """A commit of unknown outcome is made once more, maybe with what has come since."""
    told = [*BEGUN, *facts]
    assert what_comes_of([told[:at], told]) == what_comes_of([[fact] for fact in told])
