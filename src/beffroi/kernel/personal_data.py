"""What a model says of the persons its rows identify; the processing register reads it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class LegalBasis(StrEnum):
    """Legal bases of article 6(1) of the GDPR."""

    CONSENT = "consent"
    CONTRACT = "contract"
    LEGAL_OBLIGATION = "legal_obligation"
    VITAL_INTERESTS = "vital_interests"
    PUBLIC_TASK = "public_task"
    LEGITIMATE_INTERESTS = "legitimate_interests"


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonalData:
    """The declaration that a model carries as its ``personal_data`` attribute.

    Attributes:
        fields: names of the fields that identify a person, or say something of them.
        purpose: what they are kept for, in one English sentence.
        legal_basis: article 6(1) of the GDPR.
        retention: when they are removed or made anonymous, in words.

    Raises:
        ValueError: no field is named, or the purpose or the retention is empty.
    """

    fields: tuple[str, ...]
    purpose: str
    legal_basis: LegalBasis
    retention: str

    def __post_init__(self) -> None:
        if not self.fields or not self.purpose.strip() or not self.retention.strip():
            raise ValueError("a declaration names its fields, its purpose and its retention")
