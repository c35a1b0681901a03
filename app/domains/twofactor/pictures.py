"""A QR code of an authenticator's set-up, for pages and for documents that take a picture."""

import base64
import io

import qrcode
from qrcode.image.pil import PilImage
from qrcode.image.svg import SvgPathImage


def svg(address: str) -> str:
    """Return it as one SVG element without fixed size."""
    picture = qrcode.make(address, image_factory=SvgPathImage, border=2)
    return str(picture.to_string(encoding="unicode"))


def png(address: str) -> str:
    """Return it as a PNG in base64."""
    held = io.BytesIO()
    qrcode.make(address, image_factory=PilImage, border=2).save(held, format="PNG")
    return base64.b64encode(held.getvalue()).decode()
