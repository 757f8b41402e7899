"""In which order images are most useful to look at."""

from trainer.data.project import ImageRecord, Status


def urgency(record: ImageRecord) -> tuple[bool, float]:
    """A sort key: what the model is least sure of first, what is accepted last.

    What nobody has proposed for yet may be the most useful of all: it stands after what is known to be.
    """
    return record.status is Status.ACCEPTED, -(record.margin or 0.0)
