"""What is done with a visitor's bytes."""

import struct
import zlib

import numpy as np
import picture_kit
import pytest
from PIL import Image

from tlcourse.app import pictures
from tlcourse.app.pictures import BadPictureError, read_picture


def read(picture, kind="PNG", side=48, **options):
    return read_picture(picture_kit.encoded(picture, kind, **options), side)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP"])
def test_every_kind_becomes_bytes_of_the_model_s_size(kind):
    pixels = read(picture_kit.drawing(), kind)
    assert pixels.shape == (3, 48, 48) and pixels.dtype == np.uint8
    assert pixels[:, 2, 2].min() > 240 and pixels.min() < 60  # white paper, dark strokes


def test_the_middle_square_is_taken():
    wide = Image.new("RGB", (300, 100), "red")
    wide.paste("blue", (100, 0, 200, 100))
    np.testing.assert_allclose(read(wide).mean((1, 2)), [0, 0, 255], atol=3)


def test_transparent_places_are_white():
    clear = Image.new("RGBA", (60, 60), (0, 0, 0, 0))
    assert read(clear).min() == 255
    palette = Image.new("P", (60, 60), 0)
    palette.putpalette([0, 0, 0, 255, 0, 0])
    assert read(palette, transparency=0).min() == 255


def test_sixteen_bits_keep_their_shades():
    shades = np.linspace(0, 65535, 64 * 64).reshape(64, 64).astype(np.uint16)
    pixels = read(Image.fromarray(shades))
    assert pixels[0, 0].mean() < 10 and pixels[0, -1].mean() > 245 and 110 < pixels.mean() < 145


def test_grey_and_print_colours_become_rgb():
    assert read(Image.new("L", (50, 50), 100)).mean() == 100
    assert read(Image.new("CMYK", (50, 50), (0, 0, 0, 0)), "JPEG").min() > 250


def test_a_photo_is_turned_as_its_camera_says():
    upright = Image.new("RGB", (80, 80), "white")
    upright.paste("black", (0, 0, 80, 40))  # black above
    turned = upright.transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = 6  # "turn me clockwise"
    pixels = read(turned, exif=exif)
    assert pixels[:, :20].mean() < 5 and pixels[:, 28:].mean() > 250


@pytest.mark.parametrize(
    ("data", "reason", "status"),
    [
        (b"", "empty", 400),
        (b"hello", "not-a-picture", 415),
        (b"%PDF-1.7 ...", "not-a-picture", 415),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not-a-picture", 415),
        (b"\x89PNG\r\n\x1a\n" + bytes(pictures.MOST_BYTES), "too-large", 413),
        (picture_kit.many_pixels(), "too-many-pixels", 413),
        (picture_kit.animation(), "animated", 422),
        (picture_kit.cut_off(), "damaged", 422),
        (picture_kit.encoded(Image.new("RGB", (300, 3))), "too-small", 422),
    ],
)
def test_what_is_refused_and_why(data, reason, status):
    with pytest.raises(BadPictureError) as refused:
        read_picture(data, 48)
    assert (refused.value.reason, refused.value.status) == (reason, status)
    assert refused.value.fault and refused.value.cure


def test_a_file_that_claims_to_be_huge_is_not_unfolded():
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0))
    with pytest.raises(BadPictureError) as refused:
        read_picture(b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", b""), 48)
    assert refused.value.reason == "too-many-pixels"


@pytest.mark.parametrize("seed", range(40))
def test_damaged_bytes_never_do_more_than_be_refused(seed):
    rng = np.random.default_rng(seed)
    kind = ["PNG", "JPEG", "WEBP", "GIF", "BMP"][seed % 5]
    data = bytearray(picture_kit.encoded(picture_kit.drawing(64), kind))
    for place in rng.integers(len(data), size=20):
        data[place] = rng.integers(256)
    try:
        assert read_picture(bytes(data), 16).shape == (3, 16, 16)
    except BadPictureError as refused:
        assert refused.reason
