"""Pictures: what is taken and what is not, what becomes of it, and that nothing of it stays behind."""

import base64
import io
import os
import struct
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from PIL import Image

from app.core import images, storage
from app.core.settings import Settings
from app.domains.accounts import jobs
from app.surfaces.shared.transaction import transaction
from tests.support.world import World

PROFILE = "/api/v1/auth/me/profile"


def picture(size: tuple[int, int] = (300, 200), kind: str = "PNG", mode: str = "RGB", **how: object) -> bytes:
    made = Image.new(mode, size, "red" if mode in ("RGB", "RGBA", "P") else None)
    out = io.BytesIO()
    made.save(out, kind, **how)  # type: ignore[arg-type]
    return out.getvalue()


def bomb(width: int, height: int) -> bytes:
    """Return a PNG of few bytes that says it is this large."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress(bytes(100_000), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def as_data(content: bytes, kind: str = "image/png") -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def opened(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content))


# ---- what becomes of a picture


@pytest.mark.parametrize(
    ("kind", "mode"),
    [("PNG", "RGB"), ("PNG", "RGBA"), ("PNG", "P"), ("PNG", "L"), ("PNG", "1"), ("PNG", "LA"),
     ("PNG", "I;16"),
     ("JPEG", "RGB"), ("JPEG", "CMYK"), ("JPEG", "L"), ("WEBP", "RGB"), ("WEBP", "RGBA")],
)  # fmt: skip
def test_every_kind_becomes_a_square_webp(kind: str, mode: str) -> None:
    made = opened(images.square(picture(kind=kind, mode=mode)))
    assert (made.format, made.size) == ("WEBP", (512, 512))


def test_the_square_is_cut_from_the_middle() -> None:
    wide = Image.new("RGB", (900, 300), "red")
    wide.paste("blue", (300, 0, 600, 300))
    out = io.BytesIO()
    wide.save(out, "PNG")
    made = opened(images.square(out.getvalue())).convert("RGB")
    assert all(made.getpixel(at)[2] > 200 for at in ((3, 3), (508, 3), (256, 256), (3, 508)))  # type: ignore[index]


def test_grey_of_16_bits_keeps_its_shades() -> None:
    grey = Image.new("I;16", (100, 100), 32_768)
    out = io.BytesIO()
    grey.save(out, "PNG")
    shade = opened(images.square(out.getvalue())).convert("L").getpixel((256, 256))
    assert isinstance(shade, int)
    assert 120 < shade < 136


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_picture_stands_upright(orientation: int) -> None:
    """Draw red left of blue, store it turned, and find it as drawn."""
    drawn = Image.new("RGB", (400, 400), "blue")
    drawn.paste("red", (0, 0, 200, 200))
    inverse = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}
    turned = drawn.transpose(Image.Transpose(inverse[orientation])) if orientation > 1 else drawn
    exif = Image.Exif()
    exif[0x0112] = orientation
    out = io.BytesIO()
    turned.save(out, "JPEG", exif=exif)
    made = opened(images.square(out.getvalue())).convert("RGB")
    red, _, blue = made.getpixel((60, 60))  # type: ignore[misc]
    assert red > 200
    assert blue < 60
    assert made.getpixel((450, 60))[2] > 200  # type: ignore[index]


def test_m10_where_it_was_taken_is_not_kept() -> None:
    exif = Image.Exif()
    exif[0x010F] = "CANARY-maker"
    exif[0x8825] = {1: "N", 2: (52.0, 31.0, 12.0)}
    sent = picture(kind="JPEG", exif=exif, comment=b"CANARY-comment", icc_profile=b"CANARY-profile" * 20)
    assert b"CANARY" in sent
    made = images.square(sent)
    assert b"CANARY" not in made
    assert b"EXIF" not in made
    assert not opened(made).getexif()


# ---- what is not taken


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<!doctype html><script>alert(1)</script>",
        b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(1)</script></svg>',
        b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><foreignObject/></svg>',
        b"GIF89a/*" + bytes(100),
        b"<?php system($_GET[0]); ?>",
        picture(kind="GIF", mode="P"),
        picture(kind="BMP"),
        picture(kind="TIFF"),
        b"II*\x00" + bytes(64),
        b"PK\x03\x04" + bytes(64),
    ],
)
def test_m01_m02_what_is_no_picture_of_ours_is_not_taken_whatever_it_is_called(content: bytes) -> None:
    with pytest.raises(images.ImageTypeUnsupported):
        images.square(content)


@pytest.mark.parametrize(
    "content",
    [
        bomb(50_000, 50_000),
        bomb(8_001, 100),
        bomb(7_000, 7_000),
        picture((63, 300)),
        picture((300, 63)),
        b"RIFF\x10\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x00\x00\x00\x00\xff\x3f\x00\xff\x3f\x00",
        b"RIFF\x10\x00\x00\x00WEBPVP8L\x0a\x00\x00\x00\x2f\xff\xff\xff\x0f\x00\x00\x00\x00\x00",
    ],
)
def test_m03_dimensions_are_looked_at_before_anything_is_decoded(content: bytes) -> None:
    began = time.monotonic()
    with pytest.raises(images.ImageDimensionsBad):
        images.square(content)
    assert time.monotonic() - began < 1


@pytest.mark.parametrize(
    "content",
    [
        bomb(6_000, 6_000),
        picture()[:200],
        picture(kind="JPEG")[:300],
        picture(kind="WEBP")[:40],
        b"\xff\xd8\xff" + bytes(200),
        b"\x89PNG\r\n\x1a\n" + bytes(200),
        b"RIFF\x10\x00\x00\x00WEBPVP8X",
        b"RIFF\x10\x00\x00\x00WEBPJUNK\x0a\x00\x00\x00" + bytes(20),
    ],
)
def test_m03_what_is_broken_inside_is_refused_in_time(content: bytes) -> None:
    began = time.monotonic()
    with pytest.raises(images.ImageUndecodable):
        images.square(content)
    assert time.monotonic() - began < 1


def test_m03_of_many_frames_only_the_first_is_decoded() -> None:
    frames = [Image.new("RGB", (64, 64), (n % 256, 0, 0)) for n in range(300)]
    for kind in ("PNG", "WEBP"):
        out = io.BytesIO()
        frames[0].save(out, kind, save_all=True, append_images=frames[1:])
        began = time.monotonic()
        assert getattr(opened(images.square(out.getvalue())), "n_frames", 1) == 1
        assert time.monotonic() - began < 1


# ---- through api_v1


@pytest.fixture
def token(world: World) -> str:
    world.organization(world.person())
    return world.token("api_v1")


def put(world: World, token: str, avatar: str | None) -> object:
    headers = {"Authorization": f"Bearer {token}"}
    return world.app.test_client().put(PROFILE, json={"avatar": avatar}, headers=headers)


def files(settings: Settings) -> list[Path]:
    return [path for path in (settings.instance / "files").rglob("*") if path.is_file()]


@pytest.fixture(autouse=True)
def _no_files(settings: Settings) -> Iterator[None]:
    yield
    for path in files(settings):
        path.unlink()


def test_a_picture_in_the_body_is_answered_as_an_address(
    world: World, token: str, settings: Settings
) -> None:
    before = len(world.trail())
    answer = put(world, token, as_data(picture()))
    address = answer.json["data"]["avatar"]  # type: ignore[attr-defined]
    assert address.startswith("http://localhost/media/")
    shown = world.app.test_client().get(address.removeprefix("http://localhost"))
    assert (shown.status_code, shown.content_type) == (200, "image/webp")
    assert "immutable" in shown.headers["Cache-Control"]
    assert shown.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in shown.headers["Content-Security-Policy"]
    assert opened(shown.data).size == (512, 512)
    assert world.done("v0.users.me", token=world.token("v0"))["profile_image"] == address
    assert next(str(row.kind) for row in world.trail()[before:]) == "user.profile_image_changed"
    (kept,) = files(settings)
    assert "world" not in str(kept.relative_to(settings.instance))


def test_a_new_picture_deletes_the_one_before_and_removal_deletes_all(
    world: World, token: str, settings: Settings
) -> None:
    first = put(world, token, as_data(picture())).json["data"]["avatar"]  # type: ignore[attr-defined]
    second = put(world, token, as_data(picture((100, 100)))).json["data"]["avatar"]  # type: ignore[attr-defined]
    assert first != second
    world.keep_promises()
    assert len(files(settings)) == 1
    path = first.removeprefix("http://localhost")
    assert world.app.test_client().get(path).status_code == 404
    before = len(world.trail())
    assert put(world, token, second).status_code == 200  # type: ignore[attr-defined]
    assert len(world.trail()) == before
    assert put(world, token, None).json["data"]["avatar"] is None  # type: ignore[attr-defined]
    world.keep_promises()
    assert files(settings) == []
    assert world.app.test_client().get(second.removeprefix("http://localhost")).status_code == 404


@pytest.mark.parametrize(
    ("avatar", "status", "code"),
    [
        (as_data(b"<svg onload='alert(1)'/>", "image/svg+xml"), 415, "image:unsupported_type"),
        (as_data(b"<svg onload='alert(1)'/>"), 415, "image:unsupported_type"),
        ("data:text/html,<script>alert(1)</script>", 415, "image:unsupported_type"),
        (as_data(picture(kind="GIF", mode="P"), "image/gif"), 415, "image:unsupported_type"),
        ("data:image/png;base64,AAA", 400, "image:undecodable"),
        (as_data(picture()[:100]), 400, "image:undecodable"),
        (as_data(bomb(50_000, 50_000)), 400, "image:bad_dimensions"),
        (as_data(b"\x89PNG\r\n\x1a\n" + bytes(1024 * 1024)), 413, "image:too_large"),
        ("http://pictures.example/a.png", 400, "validation"),
    ],
)
def test_what_is_no_picture_is_refused_and_nothing_is_kept(
    world: World, token: str, settings: Settings, avatar: str, status: int, code: str
) -> None:
    answer = put(world, token, avatar)
    assert (answer.status_code, answer.json["error"]["code"]) == (status, code)  # type: ignore[attr-defined]
    assert files(settings) == []


# ---- files that nobody knows


def test_a_file_whose_upload_came_to_nothing_is_swept_after_a_day(
    in_app: Flask, world: World, settings: Settings
) -> None:
    keys = [storage.new_key("pictures", "webp") for _ in range(2)]
    for key in keys:
        storage.store().put(key, b"orphan")
    long_ago = time.time() - 2 * 86_400
    os.utime(settings.instance / "files" / keys[0], (long_ago, long_ago))
    with transaction():
        assert jobs.sweep_pictures() == 1
    assert [path.name for path in files(settings)] == [keys[1].rpartition("/")[2]]


@pytest.mark.parametrize("key", ["../../etc/passwd", "pictures/aa/../x.webp", "/etc/passwd", "pictures/a\0"])
def test_a_key_that_is_not_ours_is_not_looked_for(in_app: Flask, key: str) -> None:
    with pytest.raises(ValueError, match="key"):
        storage.store().get(key)
