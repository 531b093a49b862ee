"""The texts of delivery receipts as vendors write them: Appendix B, and what became of it (RCP-3).

Each is a line with named gaps; dates come in ten digits (`submit`), twelve (`submit12`) and
fourteen (`submit14`).
"""

from __future__ import annotations

from enum import StrEnum


class ReceiptTemplate(StrEnum):
    """The member's name says what is special about it."""

    APPENDIX_B = (
        "id:{id} sub:001 dlvrd:{dlvrd} submit date:{submit} done date:{done} "
        "stat:{stat} err:{err} text:{text}"
    )
    SECONDS = (
        "id:{id} sub:001 dlvrd:{dlvrd} submit date:{submit12} done date:{done12} "
        "stat:{stat} err:{err} text:{text}"
    )
    CENTURY = (
        "id:{id} sub:001 dlvrd:{dlvrd} submit date:{submit14} done date:{done14} "
        "stat:{stat} err:{err} text:{text}"
    )
    CAPITAL_TEXT = (
        "id:{id} sub:001 dlvrd:{dlvrd} submit date:{submit} done date:{done} "
        "stat:{stat} err:{err} Text:{text}"
    )
    CAPITALS = (
        "ID:{id} SUB:001 DLVRD:{dlvrd} SUBMIT DATE:{submit} DONE DATE:{done} "
        "STAT:{stat} ERR:{err} TEXT:{text}"
    )
    NO_SUB = "id:{id} submit date:{submit} done date:{done} stat:{stat} err:{err}"
    NO_DATES = "id:{id} sub:001 dlvrd:{dlvrd} stat:{stat} err:{err} text:{text}"
    NO_TEXT = (
        "id:{id} sub:001 dlvrd:{dlvrd} submit date:{submit} done date:{done} stat:{stat} err:{err}"
    )
    SHORTEST = "id:{id} stat:{stat}"
    ID_LAST = "stat:{stat} err:{err} submit date:{submit} done date:{done} id:{id}"
    SPACED = (
        "id: {id}  sub: 001  dlvrd: {dlvrd}  submit date: {submit}  done date: {done}  "
        "stat: {stat}  err: {err}  text: {text}"
    )
    LETTERED_ERR = (
        "id:{id} sub:001 dlvrd:{dlvrd} submit date:{submit} done date:{done} "
        "stat:{stat} err:{lettered_err} text:{text}"
    )

    @property
    def key(self) -> str:
        """Its name in the configuration."""
        return self.name.lower()


TEMPLATES = {template.key: template for template in ReceiptTemplate}
