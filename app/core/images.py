"""Pictures that people give: judged by their content, measured before they are decoded, written anew.

Nothing of what was sent is kept: no metadata, no second frame, no bytes after the end.
"""

import io
import struct
import threading
import warnings
from typing import TYPE_CHECKING

from app.core.errors import BadMedia, Refused, TooLarge, Unavailable
from app.core.late import Late

if TYPE_CHECKING:
    from PIL import Image
else:
    Image = Late("PIL.Image")

SIDE = 512
"""Length of a square picture's side, in pixels."""
LEAST_SIDE, LONGEST_SIDE = 64, 8000
MOST_PIXELS = 40_000_000

_QUALITY = 86
_ORIENTATION = 0x0112
_UPRIGHT = {
    2: "FLIP_LEFT_RIGHT",
    3: "ROTATE_180",
    4: "FLIP_TOP_BOTTOM",
    5: "TRANSPOSE",
    6: "ROTATE_270",
    7: "TRANSVERSE",
    8: "ROTATE_90",
}
warnings.filterwarnings("error", "Image size .* exceeds limit")  # Pillow's own look at the header

_turn = threading.BoundedSemaphore(1)
"""One at a time in a process: a large picture takes some 160 MB for a moment."""
_WAIT_SECONDS = 10


class ImageTooLarge(TooLarge):
    code, message = "image:too_large", "The picture is too large."


class ImageTypeUnsupported(BadMedia):
    code, message = "image:unsupported_type", "This kind of picture is not taken."


class ImageUndecodable(Refused):
    code, message = "image:undecodable", "The picture cannot be read."


class ImageDimensionsBad(Refused):
    code, message = "image:bad_dimensions", "The picture's sides are too short or too long."


def square(content: bytes) -> bytes:
    """Return the middle of a JPEG, PNG or WebP (its first frame), upright, as a 512 x 512 WebP.

    :raises ImageTypeUnsupported: for any other content, whatever it is called
    :raises ImageDimensionsBad: by what the header says, before anything is decoded
    :raises ImageUndecodable: if it is broken further on
    :raises Unavailable: if others are at it for too long
    """
    kind = _kind_of(content)
    if kind == "WEBP":
        _measure(*_webp_size(content))  # Pillow sets its canvas up when it opens one
    if not _turn.acquire(timeout=_WAIT_SECONDS):
        raise Unavailable(retry_after=5)
    try:
        return _square(content, kind)
    except (ImageDimensionsBad, ImageUndecodable):
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageDimensionsBad from error
    except Exception as error:  # what a broken file does to a decoder has no common class
        raise ImageUndecodable from error
    finally:
        _turn.release()


def _kind_of(content: bytes) -> str:
    if content.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "WEBP"
    raise ImageTypeUnsupported


def _measure(width: int, height: int) -> None:
    short, long = sorted((width, height))
    if short < LEAST_SIDE or long > LONGEST_SIDE or width * height > MOST_PIXELS:
        raise ImageDimensionsBad


def _webp_size(content: bytes) -> tuple[int, int]:
    """Read width and height from a WebP's first chunk (RFC 9649, 2.5 to 2.7)."""
    chunk, body = content[12:16], content[20:30]
    if len(body) == 10 and chunk == b"VP8X":
        return int.from_bytes(body[4:7], "little") + 1, int.from_bytes(body[7:10], "little") + 1
    if len(body) == 10 and chunk == b"VP8 ":
        width, height = struct.unpack("<HH", body[6:10])
        return width & 0x3FFF, height & 0x3FFF
    if len(body) == 10 and chunk == b"VP8L":
        bits = int.from_bytes(body[1:5], "little")
        return (bits & 0x3FFF) + 1, ((bits >> 14) & 0x3FFF) + 1
    raise ImageUndecodable


def _square(content: bytes, kind: str) -> bytes:
    with Image.open(io.BytesIO(content), formats=[kind]) as sent:
        _measure(*sent.size)
        turned = _UPRIGHT.get(sent.getexif().get(_ORIENTATION, 1))
        sent.draft("RGB", (2 * SIDE, 2 * SIDE))  # a JPEG comes out smaller at once, and takes less memory
        sent.load()
        picture = _in_plain_colours(sent)
    side = min(picture.size)
    left, top = (picture.width - side) // 2, (picture.height - side) // 2
    box = (left, top, left + side, top + side)
    small = picture.resize((SIDE, SIDE), Image.Resampling.LANCZOS, box=box, reducing_gap=3)
    upright = small.transpose(Image.Transpose[turned]) if turned is not None else small
    upright.info.clear()  # profiles, comments, places: whatever the encoder would carry over
    written = io.BytesIO()
    upright.save(written, "WEBP", quality=_QUALITY, exif=b"", icc_profile=b"", xmp=b"")
    return written.getvalue()


def _in_plain_colours(picture: "Image.Image") -> "Image.Image":
    if picture.mode.startswith("I"):  # 16 bits of grey, which convert() would cut off at 255
        picture = picture.convert("I").point(lambda value: value / 257).convert("L")
    see_through = picture.mode in ("LA", "PA", "La", "RGBA", "RGBa") or "transparency" in picture.info
    return picture.convert("RGBA" if see_through else "RGB")
