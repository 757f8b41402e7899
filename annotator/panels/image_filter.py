"""Which images the list shows, and in which order."""

from collections.abc import Callable, Iterable
from enum import IntEnum

from PySide6.QtCore import QCoreApplication

from annotator.session.order import urgency
from trainer.data.project import ImageRecord, Status
from trainer.data.review_rows import Verdict

Passes = Callable[[ImageRecord], bool]


class Order(IntEnum):
    """How the list is ordered."""

    NAME = 0
    USEFUL = 1
    SURE = 2


class Kind(IntEnum):
    """A group of images that are of interest together."""

    ALL = 0
    NOT_ACCEPTED = 1
    NEW = 2
    PROPOSED = 3
    CORRECTED = 4
    ACCEPTED = 5
    FLAGGED = 6
    REJECTED = 7
    WITHOUT_TAGS = 8


PASSES: dict[Kind, Passes] = {
    Kind.ALL: lambda record: True,
    Kind.NOT_ACCEPTED: lambda record: record.status is not Status.ACCEPTED,
    Kind.NEW: lambda record: record.status is Status.NEW,
    Kind.PROPOSED: lambda record: record.status is Status.PROPOSED,
    Kind.CORRECTED: lambda record: record.status is Status.CORRECTED,
    Kind.ACCEPTED: lambda record: record.status is Status.ACCEPTED,
    Kind.FLAGGED: lambda record: record.verdict is Verdict.FLAGGED,
    Kind.REJECTED: lambda record: record.verdict is Verdict.REJECTED,
    Kind.WITHOUT_TAGS: lambda record: not record.tagged,
}


def kind_texts() -> dict[Kind, str]:
    """What the groups are called, in the present language."""
    return {
        Kind.ALL: QCoreApplication.translate("filter", "All images"),
        Kind.NOT_ACCEPTED: QCoreApplication.translate("filter", "Not accepted"),
        Kind.NEW: QCoreApplication.translate("filter", "New"),
        Kind.PROPOSED: QCoreApplication.translate("filter", "Proposed"),
        Kind.CORRECTED: QCoreApplication.translate("filter", "Corrected"),
        Kind.ACCEPTED: QCoreApplication.translate("filter", "Accepted"),
        Kind.FLAGGED: QCoreApplication.translate("filter", "Flagged"),
        Kind.REJECTED: QCoreApplication.translate("filter", "Rejected"),
        Kind.WITHOUT_TAGS: QCoreApplication.translate("filter", "Without tags"),
    }


def shown_ids(
    records: Iterable[ImageRecord], kind: Kind, text: str, order: Order, class_name: str = ""
) -> list[str]:
    """Ids of the records of a kind that pass the search, in order; with `class_name` only those tagged so.

    Every word of `text` must occur in the name, in a tag or in a comment, whatever the case.
    """
    words, passes = text.casefold().split(), PASSES[kind]
    kept = [
        record
        for record in records
        if passes(record)
        and (not class_name or class_name in record.tags)
        and all(word in f"{record.id} {' '.join(record.tags)} {record.comment}".casefold() for word in words)
    ]
    if order is Order.USEFUL:
        kept.sort(key=urgency)
    elif order is Order.SURE:
        kept.sort(key=lambda record: -1.0 if record.confidence is None else record.confidence, reverse=True)
    return [record.id for record in kept]
