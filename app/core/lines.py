"""What people type on one line: why they ask, what they call something."""

from app.core.errors import ValidationFailed
from app.core.languages import Sentence


def one_line(text: str, *, field: str, most: int, least: int = 0, says: str | None = None) -> str:
    """Return a text with single spaces and nothing that is no sign.

    :param says: what is wrong, where that is more than the length
    :raises ValidationFailed: at ``field``, if it is shorter or longer, or has signs that nobody sees
    """
    line = " ".join(text.split())
    if not least <= len(line) <= most or not line.isprintable():
        said = says or Sentence("Give at most %(most)s characters on one line.", most=most)
        raise ValidationFailed({field: [said]})
    return line
