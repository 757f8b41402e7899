"""The one reader of masks that come from outside: whatever wrote them, they become labels or are named."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from trainer.data.class_files import Colour
from trainer.data.classes import BACKGROUND, VOID, ClassList, labels_in
from trainer.data.ids import file_under
from trainer.data.images import TURNED, Map, image_size, opened, stored_orientation, turned
from trainer.data.palette import colour_of
from trainer.errors import DataError
from trainer.translatable import TranslatableText, translatable

MASK_FOLDER, OBJECT_FOLDER = "SegmentationClass", "SegmentationObject"
MASK_SUFFIXES = (".png", ".PNG", ".tif", ".tiff", ".bmp")
"""Suffixes of masks; none of a kind whose compression would change labels."""

NO_CLASS = (
    "all their pixels are background or undecided (0 or 255), while objects need the numbers of their "
    "classes, 1, 2, …"
)
"""What to say of masks that teach and tell nothing, as black and white ones of one object."""

OBJECT = "object"
"""Name of the class of an object of which nothing else is known."""

Labels = NDArray[np.uint8]
_NOT_LABELS = 0x100
_GREY = {0: BACKGROUND, 128: VOID, 255: 1}  # labels of a mask of one object by its grey values


def mask_folder(root: Path) -> Path:
    """Return the folder of the masks ``<id>.png``: that of a VOC tree, or the folder itself."""
    inner = root / MASK_FOLDER
    return inner if inner.is_dir() else root


def mask_file(folder: Path, image_id: str) -> Path:
    """Return where the mask of an image lies in a folder; ``<id>.png`` where there is none."""
    files = (file_under(folder, image_id, suffix) for suffix in MASK_SUFFIXES)
    return next((file for file in files if file.is_file()), file_under(folder, image_id, ".png"))


class MaskReader:
    """Reads the masks of one data set as labels of `classes`: 0 background, 1…C, 255 void.

    Indices of palettes, grey values of 8 and 16 bits, and colours are read. Where the data set (or else
    `classes`) lists colours or numbers, or names in another order, those count; without any, indices, and
    VOC's colours, also in a palette of another order.
    """

    def __init__(self, classes: ClassList | None = None, root: Path | None = None) -> None:
        """Without `classes` any label is taken; `root` is the data set, or its folder of masks."""
        self.classes = classes
        own = None if root is None or classes is None else _listed_by(root)
        listed = own or classes
        codes = listed.codes if listed else None
        count = VOID - 1 if listed is None else len(listed)
        self._colours: dict[Colour, int] = dict(codes.colours) if codes else {}
        self._has_colours = bool(self._colours)
        if not self._has_colours:
            self._colours = {colour_of(label): label for label in range(count + 1)}
        self._colours.setdefault(colour_of(BACKGROUND), BACKGROUND)
        self._colours.setdefault(colour_of(VOID), VOID)
        self._values = dict(codes.values) if codes else {}
        self._names = None if own is None else own.names
        self._table = _translation(own, classes)

    def read(self, path: Path, photo: Path | None = None) -> Labels:
        """Return the labels of a mask, uint8 (H, W), upright and of the size of its `photo` if one is given.

        Raises `DataError` naming the mask where it is missing or damaged, no map of labels, of another size,
        or shows labels that are no classes.
        """
        with opened(path) as image:
            labels = self.labels_of(image, str(path))
        if photo is None:
            return labels
        return fitted(labels, str(path), photo.name, image_size(photo), stored_orientation(photo))

    def labels_of(self, image: Image.Image, name: str) -> Labels:
        """Return the labels of an opened mask; `name` is what errors call it."""
        if image.format == "JPEG":
            raise DataError(f"{name} is a JPEG, whose compression changes labels; save masks as PNG")
        labels = self._own_labels(ImageOps.exif_transpose(image), name)
        if self.classes is None:
            return labels
        for label in labels_in(labels):
            if self._table[label] != _NOT_LABELS:
                continue
            if self._names is not None and label <= len(self._names):
                raise DataError(
                    f"{name} shows {self._names[label - 1]!r}, which is not in the class list; "
                    "give the list of its classes (--classes)"
                )
            raise DataError(
                translatable(
                    "{path} has the label {label} but there are {count} classes; "
                    "give the list of its classes",
                    path=name,
                    label=label,
                    count=len(self._names or self.classes.names),
                )
            )
        return np.take(self._table.astype(np.uint8), labels)

    def _own_labels(self, image: Image.Image, name: str) -> Labels:
        """Labels as the data set's own list counts them."""
        match image.mode:
            case "P":
                return self._of_palette(image, name)
            case "1" | "L" | "I" | "F":
                return self._of_values(np.asarray(image), name)
            case "LA":
                return self._of_values(np.asarray(image.getchannel("L")), name)
            case "RGB" | "RGBA":
                return self._of_colours(np.asarray(image), name)
            case mode if mode.startswith("I;16"):
                return self._of_values(np.asarray(image), name)
        raise DataError(f"{name} is no map of labels (its mode is {image.mode}); save it as palette PNG")

    def _of_values(self, values: NDArray, name: str) -> Labels:
        least, most = values.min(), values.max()
        if not (least >= 0 and most <= VOID) or (values.dtype.kind == "f" and (values % 1).any()):
            odd = values[(values < 0) | (values > VOID) | (values % 1 != 0)]
            raise DataError(f"{name} holds {odd.flat[0]}, no label (0…{VOID}); save it as palette PNG")
        labels = values.astype(np.uint8)
        if not self._values:
            return labels
        table = np.full(256, _NOT_LABELS, np.int16)
        table[[BACKGROUND, VOID]] = BACKGROUND, VOID
        for value, label in self._values.items():
            if value <= VOID:
                table[value] = label
        return self._looked_up(labels, table, name)

    def _of_palette(self, image: Image.Image, name: str) -> Labels:
        indices = np.asarray(image)
        palette = np.array(image.getpalette("RGB") or [], np.uint8).reshape(-1, 3).tolist()
        used = labels_in(indices)
        if not palette or used[-1] >= len(palette) or (self._values and not self._has_colours):
            return self._of_values(indices, name)
        colours = [(red, green, blue) for red, green, blue in (palette[index] for index in used)]
        label_of = {index: self._colours.get(colour) for index, colour in zip(used, colours, strict=True)}
        known = {index: label for index, label in label_of.items() if label is not None}
        # One colour for all, or colours that mean nothing: the palette is for the eye alone.
        if len(known) < len(used) or len(set(colours)) < len(colours):
            if self._has_colours and any(index != label != BACKGROUND for index, label in known.items()):
                odd = next(index for index in used if index not in known)
                raise DataError(_odd_colour(name, palette[odd]))
            return self._of_values(indices, name)
        table = np.zeros(256, np.uint8)
        table[list(known)] = list(known.values())
        return np.take(table, indices)

    def _of_colours(self, pixels: NDArray[np.uint8], name: str) -> Labels:
        if pixels.shape[2] == 4:
            alpha = pixels[..., 3]
            if not np.isin(alpha, (0, 255)).all():
                raise DataError(f"{name} is half transparent, no map of labels; save it as palette PNG")
            pixels = np.where(alpha[..., None] == 0, np.uint8(0), pixels[..., :3])
        packed = pixels.astype(np.uint32) @ np.array([1 << 16, 1 << 8, 1], np.uint32)
        found, where = np.unique(packed, return_inverse=True)
        colours = [(int(code >> 16), int(code >> 8 & 255), int(code & 255)) for code in found[:1024]]
        unknown = [colour for colour in colours if colour not in self._colours]
        if not unknown and len(found) == len(colours):
            table = np.array([self._colours[colour] for colour in colours], np.uint8)
            return table[where].reshape(packed.shape)
        if (pixels == pixels[..., :1]).all():  # a grey map that was saved with three channels
            return self._of_values(pixels[..., 0], name)
        raise DataError(_odd_colour(name, unknown[0]))

    def _looked_up(self, labels: Labels, table: NDArray[np.int16], name: str) -> Labels:
        for value in labels_in(labels):
            if table[value] == _NOT_LABELS:
                raise DataError(f"{name} has the value {value}, which its class list does not number")
        return np.take(table.astype(np.uint8), labels)


def _listed_by(root: Path) -> ClassList | None:
    """The class list that lies with the masks."""
    own = ClassList.of_folder(root)
    return ClassList.of_folder(root.parent) if own is None and root.name == MASK_FOLDER else own


def _translation(own: ClassList | None, classes: ClassList | None) -> NDArray[np.int16]:
    """Labels of a data set's own list → those of `classes`, by name."""
    table = np.full(256, _NOT_LABELS, np.int16)
    table[[BACKGROUND, VOID]] = BACKGROUND, VOID
    if classes is None:
        return table
    if own is None:
        table[: len(classes) + 1] = np.arange(len(classes) + 1)
        return table
    ids = {name.casefold(): classes.id_of(name) for name in reversed(classes.names)}
    for label in own.ids:
        name = own.name_of(label)
        table[label] = classes.id_of(name) if name in classes else ids.get(name.casefold(), _NOT_LABELS)
    return table


def one_object(values: Labels) -> Labels | None:
    """Return the labels of a mask of one object, uint8 (H, W): 1 where its values are 255, void where 128.

    None where it is none: it holds other values, or no 255.
    """
    found = labels_in(values)
    if 255 not in found or not set(found) <= _GREY.keys():
        return None
    table = np.zeros(256, np.uint8)
    table[list(_GREY)] = list(_GREY.values())
    return table[values]


def read_objects(path: Path, photo: Path) -> NDArray[np.uint16]:
    """Return which object each pixel of a `photo` is of, (H, W), 0 for none, of a file that tells them apart
    by index, grey value or colour; VOC's colour of undecided pixels is none.

    Raises `DataError` naming the file.
    """
    with opened(path) as image:
        turned_image = ImageOps.exif_transpose(image)
        if image.format == "JPEG":
            raise DataError(f"{path} is a JPEG, whose compression changes labels; save masks as PNG")
        if turned_image.mode in ("RGB", "RGBA"):
            pixels = np.asarray(turned_image.convert("RGB")).astype(np.uint32)
            codes: NDArray = pixels @ np.array([1 << 16, 1 << 8, 1], np.uint32)
            void = colour_of(VOID)
            nothing = np.isin(codes, (0, void[0] << 16 | void[1] << 8 | void[2]))
        elif turned_image.mode in ("1", "L", "P", "I") or turned_image.mode.startswith("I;16"):
            codes = np.asarray(turned_image)
            nothing = np.isin(codes, (BACKGROUND, VOID))
        else:
            raise DataError(f"{path} is no map of objects (its mode is {turned_image.mode})")
    codes = np.where(nothing, 0, codes)
    if codes.min() < 0 or codes.max() >= 1 << 16:  # colours, say: which they are does not matter
        found, where = np.unique(codes, return_inverse=True)
        if len(found) >= 1 << 16:
            raise DataError(f"{path} has too many colours for a map of objects")
        codes = where.reshape(codes.shape) + (found[0] != 0)
    numbers: NDArray[np.uint16] = codes.astype(np.uint16)
    return fitted(numbers, str(path), photo.name, image_size(photo), stored_orientation(photo))


def fitted(labels: Map, name: str, photo: str, size: tuple[int, int], orientation: int) -> Map:
    """Return the labels of the mask `name`, which must be of the `size` (height, width) of its photo.

    A mask that was made on the photo as it is stored is turned as the photo's EXIF `orientation` turns that.
    Raises `DataError` for any other size.
    """
    if labels.shape == size:
        return labels
    if labels.shape == size[::-1] and orientation in TURNED:
        return turned(labels, orientation)
    hint = "turn the mask" if labels.shape == size[::-1] else "export the mask again"
    raise DataError(f"{name} is {_size(labels.shape)} but its photo {photo} is {_size(size)}; {hint}")


def _odd_colour(name: str, colour: Sequence[int]) -> TranslatableText:
    return translatable(
        "{path} has the colour {colour}, which no class has; add it to labelmap.txt",
        path=name,
        colour=",".join(map(str, colour)),
    )


def _size(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape[::-1]))
