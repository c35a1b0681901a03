"""A QR code of an authenticator's set-up, for pages and for documents that take a picture."""

import base64
import io
from typing import TYPE_CHECKING

from app.core.late import Late

if TYPE_CHECKING:
    import qrcode
    from qrcode.image import pil
    from qrcode.image import svg as drawn
else:
    qrcode, pil, drawn = Late("qrcode"), Late("qrcode.image.pil"), Late("qrcode.image.svg")


def svg(address: str) -> str:
    """Return it as one SVG element without fixed size."""
    picture = qrcode.make(address, image_factory=drawn.SvgPathImage, border=2)
    return str(picture.to_string(encoding="unicode"))


def png(address: str) -> str:
    """Return it as a PNG in base64."""
    held = io.BytesIO()
    qrcode.make(address, image_factory=pil.PilImage, border=2).save(held, format="PNG")
    return base64.b64encode(held.getvalue()).decode()
