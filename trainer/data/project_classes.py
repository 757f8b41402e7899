"""Changes to the classes of a project, which all of its images follow."""

from __future__ import annotations

from collections.abc import Callable, Collection

from trainer.data import batch_rows, class_changes, class_rows, journal
from trainer.data.class_changes import Change, MadeChange
from trainer.data.class_rows import Meaning
from trainer.data.project_masks import ProjectMasks


class ProjectClasses(ProjectMasks):
    """What a person makes of the classes; see `Project`."""

    @property
    def class_meaning(self) -> Meaning:
        """What stored class ids stand for, which changes to the classes begin with."""
        return self._meaning

    def change_classes(self, change: Change) -> MadeChange | None:
        """Change the classes, of all photos at once; None where nothing is to be changed.

        Raises `DataError` for a name that is taken or not usable.
        """
        with self._database.writing() as connection:
            made = class_changes.make(connection, change)
            if made is not None:
                batch_rows.forget_undone(connection)
            meaning = class_rows.select(connection)
        self._meaning = meaning
        return made

    def last_class_change(self) -> MadeChange | None:
        """Return the change to the classes that can be taken back."""
        with self._database.reading() as connection:
            return class_changes.last(connection)

    def undone_class_change(self) -> MadeChange | None:
        """Return the change to the classes that can be brought back."""
        with self._database.reading() as connection:
            return class_changes.first_undone(connection)

    def undo_class_change(self) -> MadeChange | None:
        """Take the last change to the classes back: masks, strokes and tags are as they were.

        Raises `DataError` where a name it needs was given to another class since.
        """
        return self._step_class_change(undone=True)

    def redo_class_change(self) -> MadeChange | None:
        """Bring back the change to the classes that was undone last; errors as above."""
        return self._step_class_change(undone=False)

    def photos_with(
        self, ids: Collection[int], cancelled: Callable[[], bool] = lambda: False
    ) -> list[str] | None:
        """Return the images that show classes: by a tag, a stroke, or an imported or accepted mask.

        This unpacks masks and takes its time: None once `cancelled` returns True.
        """
        stored = self._meaning.standing_for(ids)
        names = {self.classes.name_of(id) for id in ids}
        found = []
        for record in self.images():
            if cancelled():
                return None
            with self._database.reading() as connection:
                if names.intersection(record.tags) or journal.shows(connection, record.id, stored):
                    found.append(record.id)
        return found

    def _step_class_change(self, undone: bool) -> MadeChange | None:
        with self._database.writing() as connection:
            find = class_changes.last if undone else class_changes.first_undone
            if change := find(connection):
                class_changes.step(connection, change, undone)
            meaning = class_rows.select(connection)
        self._meaning = meaning
        return change
