"""What a run says about the time that is left."""

import pytest

from trainer.progress import NullReporter, RunClock, clock_time


class Time:
    """A clock that moves only when told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def clock(time: Time) -> RunClock:
    return RunClock(time)


def test_nothing_is_promised_before_there_is_something_to_judge_by(clock: RunClock) -> None:
    clock.plan({"cam": 1.0, "walk": 1.0})
    assert clock.left() is None
    clock.open("cam", 10)
    assert clock.left() is None
    assert clock.fraction() == 0.0


def test_one_stage_is_estimated_by_its_own_speed(clock: RunClock, time: Time) -> None:
    clock.open("cam", 10)
    time.now += 20
    clock.advance(4)
    assert clock.left() == pytest.approx(30)
    assert clock.fraction() == pytest.approx(0.4)


def test_later_stages_are_estimated_by_their_weight_and_the_speed_so_far(clock: RunClock, time: Time) -> None:
    clock.plan({"train": 30.0, "cam": 10.0, "walk": 20.0})
    clock.open("train", 3)
    time.now += 20
    clock.advance()
    assert clock.left() == pytest.approx(40 + 60)  # two epochs left; 30 units of weight at 2 s each
    time.now += 40
    clock.advance(2)
    clock.close()
    assert clock.left() == pytest.approx(60)
    clock.open("cam", 5)
    assert clock.left() == pytest.approx(60)  # not yet measured: by weight
    assert clock.fraction() == pytest.approx(0.5)


def test_a_stage_that_is_jumped_over_costs_no_time(clock: RunClock, time: Time) -> None:
    clock.plan({"train": 1000.0, "cam": 10.0})
    clock.open("cam", 10)
    time.now += 5
    clock.advance(5)
    assert clock.left() == pytest.approx(5)


def test_units_of_an_earlier_run_do_not_look_like_speed(clock: RunClock, time: Time) -> None:
    clock.open("crf", 100, done=90)
    time.now += 5
    clock.advance(5)
    assert clock.left() == pytest.approx(5)


def test_too_many_units_never_give_negative_time(clock: RunClock, time: Time) -> None:
    clock.open("crf", 2)
    time.now += 5
    clock.advance(7)
    assert clock.left() == 0.0
    assert clock.fraction() == 1.0


def test_the_null_reporter_takes_everything_and_shows_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    reporter = NullReporter()
    reporter.plan({"cam": 1.0})
    reporter.message("quiet")
    with reporter.stage("cam", 3) as stage:
        stage.advance(3, "note")
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("seconds", "text"), [(None, "-:--"), (0, "0:00"), (59.6, "1:00"), (61, "1:01"), (3725, "1:02:05")]
)
def test_durations_are_written_as_people_read_them(seconds: float | None, text: str) -> None:
    assert clock_time(seconds) == text
