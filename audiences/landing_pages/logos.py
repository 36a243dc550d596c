"""Logos of landing pages: checked by their content and encoded anew."""

import hashlib
import io

from django.utils.translation import gettext as _
from PIL import Image, UnidentifiedImageError

from audiences.models import LandingPageAsset
from audiences.refusals import Refused

LARGEST_BYTES = 1_000_000
LARGEST_SIDE = 4_000
# Shown at most this large; a larger one is made smaller.
STORED_SIDE = 800
FORMATS = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp"}


class InvalidLogo(Refused):
    """The file cannot be a logo; the message says why."""


def store_logo(data: bytes) -> LandingPageAsset:
    """Keep a logo; the same picture is kept once. Raises InvalidLogo.

    The file is read as a picture and written anew, so that nothing but pixels of it
    is ever served: no metadata, no script, no second format in the same file.
    """
    if len(data) > LARGEST_BYTES:
        raise InvalidLogo(_("The file is larger than 1 MB."))
    image, kind = _read(data)
    image.thumbnail((STORED_SIDE, STORED_SIDE))
    stream = io.BytesIO()
    image.save(stream, kind)
    encoded = stream.getvalue()
    asset, _is_new = LandingPageAsset.objects.get_or_create(
        sha256=hashlib.sha256(encoded).hexdigest(),
        defaults={
            "content_type": FORMATS[kind],
            "data": encoded,
            "width": image.width,
            "height": image.height,
        },
    )
    return asset


def _read(data: bytes) -> tuple[Image.Image, str]:
    refusal = _("This is not a PNG, JPEG or WebP picture.")
    try:
        image = Image.open(io.BytesIO(data), formats=tuple(FORMATS))
        kind = str(image.format)
        if max(image.size) > LARGEST_SIDE:
            raise InvalidLogo(
                _("The picture is larger than {side} by {side} pixels.").format(
                    side=LARGEST_SIDE
                )
            )
        image.load()
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
        raise InvalidLogo(refusal) from error
    except Image.DecompressionBombError as error:
        raise InvalidLogo(refusal) from error
    wanted = "RGB" if kind == "JPEG" else "RGBA"
    # A new picture: `convert` alone would carry metadata over.
    clean = Image.new(wanted, image.size)
    clean.paste(image.convert(wanted))
    return clean, kind
