"""What smpplib asks of its client to build a PDU."""


class Sequence:
    """The next sequence_number."""

    def __init__(self, number: int) -> None:
        self.sequence = number

    def next_sequence(self) -> int:
        return self.sequence
