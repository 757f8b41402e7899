import io

import numpy as np
import pytest
import skimage.data
from PIL import Image

from trainer.data import images
from trainer.data.images import image_size, is_upright_jpeg, load_image, load_mask, save_mask, thumbnail
from trainer.data.palette import voc_palette
from trainer.errors import DataError

UPRIGHT = np.zeros((16, 32, 3), np.uint8)
UPRIGHT[:8, :16], UPRIGHT[:8, 16:], UPRIGHT[8:, :16] = (255, 0, 0), (0, 255, 0), (0, 0, 255)
LOSSLESS = {"jpg": {"quality": 100, "subsampling": 0}, "webp": {"lossless": True}}
# How an upright picture is stored under each EXIF orientation.
STORED = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: np.rot90(a),
    7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
    8: lambda a: np.rot90(a, -1),
}


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "webp"])
@pytest.mark.parametrize("orientation", STORED)
def test_exif_orientation_is_applied_once(tmp_path, suffix, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"photo.{suffix}"
    stored = Image.fromarray(np.ascontiguousarray(STORED[orientation](UPRIGHT)))
    stored.save(path, exif=exif, **LOSSLESS.get(suffix, {}))
    assert image_size(path) == (16, 32)
    np.testing.assert_allclose(load_image(path).astype(int), UPRIGHT, atol=8)
    assert thumbnail(path, 8).shape == (4, 8, 3)
    assert is_upright_jpeg(path) == (suffix == "jpg" and orientation == 1)


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif", "webp", "jpg"])
def test_usual_formats_give_the_same_picture(tmp_path, suffix):
    cat = skimage.data.chelsea()
    path = tmp_path / f"cat.{suffix}"
    Image.fromarray(cat).save(path, **LOSSLESS.get(suffix, {}))
    photo = load_image(path)
    assert (photo.dtype, photo.shape) == (np.uint8, cat.shape)
    assert np.abs(photo.astype(int) - cat).mean() < (2 if suffix == "jpg" else 0.001)


def test_grey_is_repeated(tmp_path):
    grey = skimage.data.camera()
    Image.fromarray(grey).save(tmp_path / "grey.png")
    np.testing.assert_array_equal(load_image(tmp_path / "grey.png"), np.dstack([grey] * 3))


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_16_bit_is_scaled_and_not_clipped(tmp_path, suffix):
    ramp = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    path = tmp_path / f"ramp.{suffix}"
    Image.fromarray(ramp).save(path)
    np.testing.assert_array_equal(load_image(path)[..., 1], np.rint(ramp / 257))


@pytest.mark.parametrize(("kind", "name"), [(np.uint16, "a.png"), (np.float32, "a.tif"), (np.int32, "a.tif")])
def test_what_has_no_known_range_is_stretched_and_hot_pixels_do_not_darken_it(tmp_path, kind, name):
    values = np.random.default_rng(0).uniform(100, 3000, (100, 100)).astype(kind)
    values[0, 0] = 16000
    Image.fromarray(values).save(tmp_path / name)
    grey = load_image(tmp_path / name)[..., 0]
    assert grey[0, 0] == 255 and grey.min() == 0 and 120 < np.median(grey) < 135


def test_numbers_that_are_none_are_black(tmp_path):
    values = np.array([[-1.0, 0.0, 1.0, np.nan, np.inf]], np.float32)
    Image.fromarray(values).save(tmp_path / "float.tif")
    assert load_image(tmp_path / "float.tif")[0, :4, 0].tolist() == [0, 127, 255, 0]
    Image.fromarray(np.full((2, 2), np.nan, np.float32)).save(tmp_path / "nan.tif")
    assert not load_image(tmp_path / "nan.tif").any()


def test_cmyk_becomes_rgb(tmp_path):
    Image.new("CMYK", (8, 8), (0, 255, 255, 0)).save(tmp_path / "red.jpg", quality=95)
    np.testing.assert_allclose(load_image(tmp_path / "red.jpg")[4, 4].astype(int), (255, 0, 0), atol=6)
    assert not is_upright_jpeg(tmp_path / "red.jpg")


def test_transparent_is_laid_on_white(tmp_path):
    Image.new("RGBA", (4, 4), (200, 0, 0, 0)).save(tmp_path / "clear.png")
    assert load_image(tmp_path / "clear.png").min() == 255
    Image.new("LA", (4, 4), (0, 128)).save(tmp_path / "half.png")
    assert load_image(tmp_path / "half.png")[0, 0].tolist() == [127] * 3
    palette = Image.new("P", (4, 4), 1)
    palette.putpalette([0, 0, 0, 10, 20, 30])
    palette.save(tmp_path / "palette.png")
    assert load_image(tmp_path / "palette.png")[0, 0].tolist() == [10, 20, 30]
    palette.save(tmp_path / "clear_palette.png", transparency=1)
    assert load_image(tmp_path / "clear_palette.png")[0, 0].tolist() == [255, 255, 255]


@pytest.mark.parametrize("suffix", ["jpg", "png", "bmp", "tif", "webp"])
def test_a_truncated_file_is_named(tmp_path, suffix):
    whole = io.BytesIO()
    Image.fromarray(skimage.data.chelsea()).save(whole, {"jpg": "JPEG", "tif": "TIFF"}.get(suffix, suffix))
    path = tmp_path / f"broken.{suffix}"
    path.write_bytes(whole.getvalue()[: len(whole.getvalue()) // 2])
    with pytest.raises(DataError, match=f"broken.{suffix}"):
        load_image(path)


@pytest.mark.parametrize("read", [load_image, image_size, load_mask, lambda path: thumbnail(path, 32)])
@pytest.mark.parametrize("suffix", ["jpg", "png"])
def test_what_is_no_image_is_named_with_what_to_do(tmp_path, suffix, read):
    text, empty, absent = (tmp_path / f"{name}.{suffix}" for name in ("text", "empty", "absent"))
    text.write_text("not an image")
    empty.touch()
    for path, said in (
        (text, "is not an image this program reads; convert it to PNG or JPEG"),
        (empty, "is empty; replace it or leave it out"),
        (absent, "does not exist; check the path"),
    ):
        with pytest.raises(DataError) as refused:
            read(path)
        assert str(refused.value) == f"{path} {said}"


def test_of_several_photos_in_one_file_the_first_is_read(tmp_path):
    first, second = Image.new("RGB", (8, 4), "red"), Image.new("RGB", (8, 4), "blue")
    first.save(tmp_path / "two.jpg", "MPO", save_all=True, append_images=[second], quality=95)
    np.testing.assert_allclose(load_image(tmp_path / "two.jpg")[2, 2].astype(int), (255, 0, 0), atol=6)


@pytest.mark.parametrize("read", [load_image, image_size, load_mask, lambda path: thumbnail(path, 32)])
def test_decompression_bombs_are_refused_unread(tmp_path, monkeypatch, read):
    monkeypatch.setattr(images, "MAX_PIXELS", 100)
    Image.new("L", (11, 10)).save(tmp_path / "bomb.png")
    Image.new("L", (10, 10)).save(tmp_path / "fine.png")
    with pytest.raises(DataError, match=r"bomb\.png"):
        read(tmp_path / "bomb.png")
    read(tmp_path / "fine.png")


def test_thumbnails_keep_the_shape_and_never_enlarge(tmp_path):
    Image.fromarray(skimage.data.chelsea()).save(tmp_path / "cat.jpg")
    small = thumbnail(tmp_path / "cat.jpg", 64)
    assert small.dtype == np.uint8
    np.testing.assert_allclose(small.shape, (42.5, 64, 3), atol=0.5)
    assert thumbnail(tmp_path / "cat.jpg", 1000).shape == (300, 451, 3)


def test_masks_come_back_bit_for_bit_in_voc_colours(tmp_path, rng):
    labels = rng.integers(0, 256, (37, 53), np.uint8)
    save_mask(tmp_path / "mask.png", labels)
    np.testing.assert_array_equal(load_mask(tmp_path / "mask.png"), labels)
    with Image.open(tmp_path / "mask.png") as image:
        assert image.mode == "P"
        np.testing.assert_array_equal(np.reshape(image.getpalette(), (-1, 3)), voc_palette())


def test_masks_of_other_tools_are_read(tmp_path):
    labels = np.array([[0, 1], [1, 0]], np.uint8)
    Image.fromarray(labels).save(tmp_path / "grey.png")
    Image.fromarray(labels.astype(bool)).save(tmp_path / "bits.png")
    small_palette = Image.fromarray(labels)
    small_palette.putpalette([0, 0, 0, 255, 0, 0])
    small_palette.save(tmp_path / "palette.png", bits=1)
    for name in ("grey", "bits", "palette"):
        np.testing.assert_array_equal(load_mask(tmp_path / f"{name}.png"), labels)


def test_a_colour_picture_is_no_mask(tmp_path):
    Image.new("RGB", (4, 4)).save(tmp_path / "photo.png")
    with pytest.raises(DataError, match=r"photo\.png"):
        load_mask(tmp_path / "photo.png")


def test_only_label_maps_are_saved_as_masks(tmp_path):
    with pytest.raises(ValueError, match="uint8"):
        save_mask(tmp_path / "mask.png", np.zeros((4, 4), np.int64))
    assert not list(tmp_path.iterdir())
