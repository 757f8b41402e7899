"""The Images panel: search, filter, order, progress, and ten thousand images."""

from pathlib import Path
from threading import Event

import numpy as np
import pytest
from desk import says, wait_settled
from PIL import Image
from PySide6.QtCore import QSize, Qt, QUrl
from PySide6.QtGui import QContextMenuEvent, QDesktopServices
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from annotator.panels.image_filter import Kind, Order, shown_ids
from annotator.panels.image_menu import ImageMenu
from annotator.panels.images import ImagesPanel
from annotator.session import Session
from annotator.shell.window import Window
from annotator.theme import Theme
from trainer.data.project import ImageRecord, Status


def record(
    image_id: str, status: Status = Status.NEW, tags: tuple[str, ...] = (), margin: float | None = None
) -> ImageRecord:
    return ImageRecord(image_id, Path(f"{image_id}.jpg"), tags, bool(tags), status, margin, None, 0)


RECORDS = [
    record("beach_01", Status.ACCEPTED, ("person",), 0.9),
    record("beach_02", Status.PROPOSED, ("person", "dog"), 0.2),
    record("forest_01", Status.CORRECTED, ("dog",), 0.7),
    record("forest_02"),
]
ALL = Kind.ALL


@pytest.fixture
def panel(opened: Session, qtbot: QtBot) -> ImagesPanel:
    panel = ImagesPanel(opened, Theme("dark"))
    qtbot.addWidget(panel, before_close_func=lambda widget: widget.thumbnails.close())
    panel.show()
    return panel


def test_the_tool_tip_says_what_the_status_icon_means(panel: ImagesPanel) -> None:
    assert "\nProposed\nConfidence " in panel.model.index(0).data(Qt.ItemDataRole.ToolTipRole)


def test_every_word_of_a_search_must_be_found_in_name_or_tag() -> None:
    assert shown_ids(RECORDS, ALL, "DOG beach", Order.NAME) == ["beach_02"]
    assert shown_ids(RECORDS, ALL, "_02", Order.NAME) == ["beach_02", "forest_02"]


def test_filters_by_status_and_by_missing_tags() -> None:
    assert shown_ids(RECORDS, Kind.CORRECTED, "", Order.NAME) == ["forest_01"]
    assert shown_ids(RECORDS, Kind.WITHOUT_TAGS, "", Order.NAME) == ["forest_02"]


def test_most_useful_first_and_what_is_done_last() -> None:
    assert shown_ids(RECORDS, ALL, "", Order.USEFUL) == ["forest_01", "beach_02", "forest_02", "beach_01"]


def test_enter_in_the_search_opens_what_was_found(panel: ImagesPanel, opened: Session, qtbot: QtBot) -> None:
    qtbot.keyClicks(panel.search, "rock")
    assert panel.model.ids == ["rocket"]
    with qtbot.waitSignal(opened.image_changed, timeout=10000):
        qtbot.keyClick(panel.search, Qt.Key.Key_Return)
    assert opened.image_id == "rocket"
    wait_settled(opened, qtbot)


def test_a_search_without_a_match_says_what_to_do(panel: ImagesPanel) -> None:
    panel.search.setText("zebra")
    assert says(panel, "Clear the search")


def test_progress_counts_accepted_images(panel: ImagesPanel, opened: Session, qtbot: QtBot) -> None:
    assert says(panel, f"0 of {len(opened.records)} accepted")
    opened.acceptance.accept()
    qtbot.waitUntil(lambda: says(panel, "1 of"), timeout=10000)


def test_a_list_that_was_scrolled_stays_so_when_a_proposal_arrives(
    panel: ImagesPanel, opened: Session, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = opened.records | {f"image_{n:05}": record(f"image_{n:05}") for n in range(1000)}
    monkeypatch.setattr(opened, "_records", many)
    panel.refresh()
    panel.view.scrollToBottom()
    bottom = panel.view.verticalScrollBar().value()
    opened.reload_record(opened.image_id)
    with qtbot.waitSignal(panel._refresh.timeout):
        pass
    assert panel.view.verticalScrollBar().value() == bottom > 0


def test_the_shown_order_is_what_next_walks_along(panel: ImagesPanel, opened: Session, qtbot: QtBot) -> None:
    panel.search.setText("person")
    assert opened.order == ("astronaut", "camera")
    with qtbot.waitSignal(opened.image_changed, timeout=10000):
        opened.go(1)
    assert opened.image_id == "camera"
    opened.go(1)
    assert opened.image_id == "camera"
    wait_settled(opened, qtbot)


def test_ten_thousand_images_ask_only_for_the_pictures_in_sight(
    panel: ImagesPanel, opened: Session, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = {f"image_{n:05}": record(f"image_{n:05}") for n in range(10_000)}
    asked: set[str] = set()
    monkeypatch.setattr(panel.thumbnails, "get", lambda image_id, path: asked.add(image_id))
    monkeypatch.setattr(opened, "_records", many)
    panel.resize(QSize(250, 700))
    panel.refresh()
    qtbot.waitUntil(lambda: "image_00000" in asked)
    panel.view.scrollToBottom()
    qtbot.waitUntil(lambda: "image_09999" in asked)
    assert panel.model.rowCount() == 10_000
    assert len(asked) < 60


def test_pictures_arrive(panel: ImagesPanel, qtbot: QtBot) -> None:
    index = panel.model.index(0)
    qtbot.waitUntil(lambda: not index.data(Qt.ItemDataRole.DecorationRole).isNull(), timeout=10000)


def asked(panel: ImagesPanel, row: int, qtbot: QtBot) -> ImageMenu:
    """The menu that the right button opens on a row."""
    where = panel.view.visualRect(panel.model.index(row)).center()
    qtbot.mouseClick(panel.view.viewport(), Qt.MouseButton.RightButton, pos=where)
    event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, where, panel.view.viewport().mapToGlobal(where))
    QApplication.sendEvent(panel.view.viewport(), event)
    return panel.view.findChildren(ImageMenu)[-1]


def test_the_right_button_offers_what_can_be_done_with_an_image(
    panel: ImagesPanel, opened: Session, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[QUrl] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", shown.append)
    was_open, other = opened.image_id, panel.model.ids[1]
    menu = asked(panel, 1, qtbot)
    assert [action.text() for action in menu.actions()] == ["Open", "Show in folder", "Copy file name"]
    assert opened.image_id == was_open
    first, folder, copy = menu.actions()
    folder.trigger()
    copy.trigger()
    file = opened.records[other].path
    assert [url.toLocalFile() for url in shown] == [str(file.parent)]
    assert QApplication.clipboard().text() == file.name
    with qtbot.waitSignal(opened.image_changed, timeout=10000):
        first.trigger()
    assert opened.image_id == other
    menu.close()
    wait_settled(opened, qtbot)


def test_of_several_images_only_the_names_are_offered_and_none_is_opened(
    panel: ImagesPanel, opened: Session, qtbot: QtBot
) -> None:
    was_open = opened.image_id
    for row in (2, 1):
        where = panel.view.visualRect(panel.model.index(row)).center()
        control = Qt.KeyboardModifier.ControlModifier
        qtbot.mouseClick(panel.view.viewport(), Qt.MouseButton.LeftButton, control, where)
    menu = asked(panel, 2, qtbot)
    (copy,) = menu.actions()
    assert copy.text() == "Copy 3 file names"
    copy.trigger()
    names = [opened.records[image_id].path.name for image_id in panel.model.ids[:3]]
    assert QApplication.clipboard().text().split("\n") == names
    assert opened.image_id == was_open and not opened.busy
    menu.close()


def test_search_and_filter_stay_with_the_folder_they_were_made_for(
    panel: ImagesPanel, opened: Session, tmp_path: Path, qtbot: QtBot
) -> None:
    qtbot.keyClicks(panel.search, "rock")
    panel.filter.setCurrentIndex(1)
    assert says(panel, "1 shown")
    other = tmp_path / "other"
    other.mkdir()
    Image.new("RGB", (40, 30)).save(other / "beach.png")
    with qtbot.waitSignal(opened.image_changed, timeout=10000):
        opened.open_project(other)
    assert panel.search.text() == "" and panel.filter.currentIndex() == 0
    assert panel.model.ids == ["beach"] and not says(panel, "shown")


def test_a_picture_of_the_former_folder_is_not_shown_in_the_next(
    panel: ImagesPanel, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, going = Event(), Event()

    def slow(path: Path, side: int) -> np.ndarray:
        begun.set()
        going.wait(60)
        return np.zeros((4, 4, 3), np.uint8)

    monkeypatch.setattr("annotator.panels.thumbnails.thumbnail", slow)
    panel.thumbnails.clear()
    assert panel.thumbnails.get("one", tmp_path / "one.png") is None
    qtbot.waitUntil(begun.is_set, timeout=20000)
    panel.thumbnails.clear()
    going.set()
    monkeypatch.undo()
    Image.new("RGB", (8, 8), "red").save(tmp_path / "one.png")
    qtbot.waitUntil(lambda: panel.thumbnails.get("one", tmp_path / "one.png") is not None, timeout=20000)
    picture = panel.thumbnails.get("one", tmp_path / "one.png")
    assert picture is not None and picture.toImage().pixelColor(2, 2).red() > 200


def give_margins(session: Session, **margins: float) -> None:
    """Let the project know how useful images are, as a trainer's proposals would."""
    for image_id, margin in margins.items():
        session.project.note_proposal(image_id, margin, "")
        session.reload_record(image_id)


def test_the_list_keeps_still_until_it_is_asked_and_shows_its_top_then(window: Window, qtbot: QtBot) -> None:
    panel, session = window.images, window.session
    give_margins(session, rocket=0.9, coffee=0.8)
    panel.order.setCurrentIndex(panel.order.findData(Order.USEFUL))
    assert panel.model.ids[:2] == ["rocket", "coffee"]
    assert panel.view.verticalScrollBar().value() == 0
    before = panel.model.ids.copy()
    give_margins(session, rocket=0.1, chelsea=0.95)
    session.acceptance.accept()
    qtbot.waitUntil(lambda: says(panel, "1 of"), timeout=10000)
    assert panel.model.ids == before == list(session.order)
    wait_settled(session, qtbot)
    qtbot.keyClick(window.canvas, Qt.Key.Key_F6)
    assert panel.model.ids[0] != "rocket" and panel.model.ids[-1] == "astronaut"


def test_accept_opens_the_most_useful_image_of_that_moment(
    active: Window, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel, session = active.images, active.session
    give_margins(session, rocket=0.9, coffee=0.8)
    panel.order.setCurrentIndex(panel.order.findData(Order.USEFUL))
    monkeypatch.setattr(session.predictor, "ask", lambda *_: None)  # no proposal changes a margin now
    give_margins(session, rocket=0.1, coffee=0.2, camera=0.95)
    with qtbot.waitSignal(session.image_changed, timeout=10000):
        qtbot.keyClick(active.canvas, Qt.Key.Key_Return)
    assert session.image_id == "camera"


def test_a_key_goes_to_the_next_image_that_is_not_accepted_and_the_end_is_told(
    active: Window, qtbot: QtBot
) -> None:
    session, shift = active.session, Qt.KeyboardModifier.ShiftModifier
    first, second, third, *others = session.order
    for image_id in (second, *others):
        session.project.accept(image_id, session.mask)
        session.reload_record(image_id)
    for expected in (third, first):  # from the top again after the last
        with qtbot.waitSignal(session.image_changed, timeout=10000):
            qtbot.keyClick(active.canvas, Qt.Key.Key_D, shift)
        assert session.image_id == expected
        wait_settled(session, qtbot)
    session.open_image(others[-1])
    qtbot.waitUntil(lambda: session.image_id == others[-1], timeout=10000)
    qtbot.keyClick(active.canvas, Qt.Key.Key_Return)
    assert "That was the last image of this list. Not accepted yet: 2." in active.messages.texts
    for image_id in (first, third):
        session.project.accept(image_id, session.mask)
        session.reload_record(image_id)
    qtbot.keyClick(active.canvas, Qt.Key.Key_D, shift)
    assert "Every image of this list is accepted." in active.messages.texts


def test_arrows_home_end_and_page_keys_go_from_image_to_image(active: Window, qtbot: QtBot) -> None:
    session, view, k = active.session, active.images.view, Qt.Key
    order = session.order
    steps = ((k.Key_Down, 1), (k.Key_End, -1), (k.Key_Up, -2), (k.Key_Home, 0), (k.Key_PageDown, -1))
    for focus in (view, active.canvas):
        session.open_image(order[0])
        wait_settled(session, qtbot)
        focus.setFocus()
        for key, position in steps:
            with qtbot.waitSignal(session.image_changed, timeout=10000):
                qtbot.keyClick(focus, key)
            assert session.image_id == order[position] and focus.hasFocus()
    qtbot.keyClick(view, k.Key_Up, Qt.KeyboardModifier.ShiftModifier)
    assert len(view.selectedIndexes()) == 2 and session.image_id == order[-1]
    wait_settled(session, qtbot)


@pytest.mark.parametrize("key", [Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space])
def test_lists_to_choose_from_open_by_key_and_accept_nothing(
    active: Window, key: Qt.Key, qtbot: QtBot
) -> None:
    combo, first = active.images.filter, active.session.image_id
    combo.setFocus()
    qtbot.keyClick(combo, key)
    popup = combo.view()
    qtbot.waitUntil(popup.isVisible)
    qtbot.keyClick(popup, Qt.Key.Key_Down)
    qtbot.keyClick(popup, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: not popup.isVisible())
    assert combo.currentIndex() == 1
    assert active.session.save() and active.session.record.status is not Status.ACCEPTED
    assert active.session.image_id == first
