"""A look at the tags before a run: what nothing can be learnt from is refused, or told with what to do."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from trainer.data.source import Item, Source, some_names
from trainer.errors import DataError


def check_tags(source: Source) -> None:
    """Raise `DataError` where no image of `source` has the tag of a class: all masks would be background."""
    count, root = len(source.items), source.root
    if any(item.tags for item in source.items):
        return
    if any(item.tags is not None for item in source.items):
        raise DataError(
            f"the tags say that none of the {count} images in {root} shows a class: all masks would be "
            "background; list what the images show in tags.csv (image,tags)"
        )
    reason = f" ({source.problems[0]})" if source.problems else ""
    raise DataError(
        f"none of the {count} images in {root} has tags; "
        f"list them in a tags.csv beside the images (image,tags){reason}"
    )


def hopeless_classes(items: Sequence[Item]) -> list[str]:
    """Return sentences on classes that no classifier can find from these tags, and what to do about each.

    A class that every tagged image shows cannot be told from its surroundings, and two that only ever occur
    together cannot be told from each other.
    """
    tagged = [item for item in items if item.tags is not None]
    images_of: dict[str, list[str]] = defaultdict(list)
    for item in tagged:
        for name in dict.fromkeys(item.tags or ()):
            images_of[name].append(item.id)
    together: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for name, images in images_of.items():
        together[tuple(images)].append(name)
    problems = []
    for shown_by, names in together.items():
        listed = " and ".join(names)
        if len(shown_by) == len(tagged):
            problems.append(
                f"every tagged image shows {listed}: nothing tells what it looks like from what surrounds "
                "it, and masks may cover whole images; add images without it (an empty cell in tags.csv), "
                "or give trained models by --classifier"
            )
        elif len(names) > 1 and len(shown_by) > 1:
            problems.append(
                f"{listed} only occur together, in {some_names(shown_by)}: nothing tells one from the other; "
                "add images that show one of them"
            )
    return problems
