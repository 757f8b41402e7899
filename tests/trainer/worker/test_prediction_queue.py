"""Which prediction comes next."""

from trainer.worker.messages import Predict, Priority
from trainer.worker.prediction_queue import Requests


def drain(requests: Requests) -> list[tuple[str, bool]]:
    """All (image, fast) in the order in which they are served."""
    served = []
    while request := requests.take():
        served.append((request.image, request.fast))
    return served


def test_the_open_image_gets_a_fast_and_then_a_full_proposal_before_all_others() -> None:
    requests = Requests()
    requests.ask(Predict("later", Priority.REFRESH))
    requests.ask(Predict("neighbour", Priority.NEXT))
    requests.ask(Predict("open"))
    assert drain(requests) == [("open", True), ("open", False), ("neighbour", False), ("later", False)]
    assert not requests


def test_asking_again_replaces_the_earlier_request_and_keeps_its_urgency() -> None:
    requests = Requests()
    requests.ask(Predict("other", Priority.NEXT))
    requests.ask(Predict("open"))
    requests.ask(Predict("open", Priority.REFRESH))
    assert drain(requests) == [("open", False), ("other", False)]


def test_leafing_through_images_serves_the_one_that_is_open_now_first() -> None:
    requests = Requests()
    for image in ("first", "second", "third"):
        requests.ask(Predict(image))
    assert drain(requests) == [("third", True), ("third", False), ("first", False), ("second", False)]
