"""Where evidence arrives: one bind, into one network, from one type of sender."""

from __future__ import annotations

from routing.bind_evidence import BindEvidence
from routing.column import Column
from routing.estimate import Estimate, Level, Scope
from routing.evidence import Evidence
from routing.refusals import Refusals
from routing.silence import Silence
from routing.trust import Trust
from routing.voice_evidence import VoiceEvidence


class Leaf(Evidence):
    """The evidence of one bind, network and sender type, and what is made of it for a ranking.
    `voice` only for a trunk."""

    __slots__ = (
        "column",
        "estimate",
        "network",
        "of_bind",
        "refusals",
        "silence",
        "trust",
        "voice",
    )

    def __init__(
        self,
        scope: Scope,
        network: Evidence,
        of_bind: BindEvidence,
        trust: Trust,
        column: Column,
        estimate: Estimate,
        second: int,
        voice: VoiceEvidence | None = None,
    ) -> None:
        super().__init__(scope, Level.SENDER, network, second)
        self.network = network
        self.of_bind = of_bind
        self.trust = trust
        self.column = column
        self.estimate = estimate
        self.silence = Silence()
        self.refusals = Refusals()
        self.voice = voice
