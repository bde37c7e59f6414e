"""Type of a file by its first bytes: five are accepted, the rest is refused by name.

Names and headers sent along are never looked at: a provider's error page often comes back as
`image/png`. Signatures: the formats' specifications and the IANA media type registry.
"""

import re

from filmgate_media.errors import UnusableMedia

HEAD_BYTES = 4096

PNG = "image/png"
JPEG = "image/jpeg"
WEBP = "image/webp"
MP4 = "video/mp4"
WEBM = "video/webm"

EXTENSIONS = {PNG: ".png", JPEG: ".jpg", WEBP: ".webp", MP4: ".mp4", WEBM: ".webm"}

_BINARY = (
    (b"GIF8", "a GIF"),
    (b"BM", "a BMP image"),
    (b"II*\0", "a TIFF image"),
    (b"MM\0*", "a TIFF image"),
    (b"\0\0\1\0", "an icon"),
    (b"8BPS", "a Photoshop document"),
    (b"\0\0\0\x0cJXL ", "a JPEG XL image"),
    (b"\xff\x0a", "a JPEG XL image"),
    (b"\0\0\0\x0cjP  ", "a JPEG 2000 image"),
    (b"PK\3\4", "an archive"),
    (b"PK\5\6", "an archive"),
    (b"\x1f\x8b", "an archive"),
    (b"BZh", "an archive"),
    (b"7z\xbc\xaf\x27\x1c", "an archive"),
    (b"Rar!", "an archive"),
    (b"\xfd7zXZ\0", "an archive"),
    (b"\x28\xb5\x2f\xfd", "an archive"),
    (b"%PDF", "a PDF document"),
    (b"%!PS", "a PostScript program"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
    (b"#!", "a script"),
    (b"OggS", "an Ogg file"),
    (b"ID3", "a sound file"),
    (b"fLaC", "a sound file"),
    (b"FLV\1", "a Flash video"),
    (b"\0\0\1\xba", "an MPEG program stream"),
    (b"#EXTM3U", "a playlist"),
    (b"[playlist]", "a playlist"),
    (b"ffconcat", "a playlist"),
)

_TEXT = (
    (re.compile(rb"(<\?xml.{0,400}?|<!--.{0,400}?-->\s*|<!doctype )<?svg[\s>]", re.S), "an SVG"),
    (re.compile(rb"<svg[\s>]"), "an SVG"),
    (re.compile(rb"<!doctype html|<(html|head|body|script|title|!--)"), "a web page"),
    (re.compile(rb"<\?xml.{0,400}?<mpd[\s>]|<mpd[\s>]", re.S), "a playlist"),
    (re.compile(rb"(#[^\n]*\n\s*)*file\s+['\"\w/.]"), "a playlist"),
    (re.compile(rb"#ext"), "a playlist"),
    (re.compile(rb"<\?xml|<[a-z]+[\s>]"), "an XML document"),
    (re.compile(rb"[{\[]\s*[\"{\[\]}0-9]"), "a JSON answer"),
)

# Brands of files that hold a playable MP4 (ISO 14496-12 annex E, 14496-14, CMAF, DASH) and of still
# images in the same container. QuickTime's own brand is in neither.
_MP4_BRANDS = frozenset(
    b"isom mp41 mp42 avc1 iso2 iso3 iso4 iso5 iso6 iso7 iso8 iso9 MSNV dash hvc1 hev1 av01 cmfc "
    b"cmf2 mmp4 M4VH M4VP".split()
) | {b"M4V ", b"M4A "}
_IMAGE_BRANDS = frozenset(b"avif avis heic heix heim heis hevc hevx mif1 msf1".split()) | {b"crx "}


def media_type_of(head: bytes) -> str:
    """The media type that the first HEAD_BYTES of a file claim, one of EXTENSIONS' keys.

    Raises UnusableMedia, and says what the file is instead where that can be told.
    """
    if not head:
        raise UnusableMedia("The file is empty.")
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return PNG
    if head.startswith(b"\xff\xd8\xff"):
        return JPEG
    if head[:4] == b"RIFF":
        return _riff_type(head)
    if head[4:8] == b"ftyp":
        return _ftyp_type(head)
    if head.startswith(b"\x1aE\xdf\xa3"):
        return WEBM
    raise UnusableMedia(f"The file is {_what_else(head)}; {_WANTED}")


_WANTED = "PNG, JPEG, WebP, MP4 and WebM are accepted."


def _riff_type(head: bytes) -> str:
    if head[8:12] == b"WEBP":
        return WEBP
    known = {b"AVI ": "an AVI video", b"WAVE": "a sound file"}
    raise UnusableMedia(f"The file is {known.get(head[8:12], 'of an unknown type')}; {_WANTED}")


def _ftyp_type(head: bytes) -> str:
    end = min(int.from_bytes(head[:4], "big"), len(head))
    brands = {head[8:12]} | {head[at : at + 4] for at in range(16, end - 3, 4)}
    if head[8:12] in _IMAGE_BRANDS:
        raise UnusableMedia(f"The file is an AVIF, HEIF or raw image; {_WANTED}")
    if not brands & _MP4_BRANDS:
        raise UnusableMedia(f"The file is a QuickTime movie or another relative of MP4; {_WANTED}")
    return MP4


def _what_else(head: bytes) -> str:
    for signature, name in _BINARY:
        if head.startswith(signature):
            return name
    if head[257:262] == b"ustar":
        return "an archive"
    if head[0] == 0x47 and head[188:189] == b"\x47":
        return "an MPEG transport stream"
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if text.startswith(b"#extm3u") or text.startswith(b"ffconcat"):
        return "a playlist"
    for pattern, name in _TEXT:
        if pattern.match(text):
            return name
    return "of an unknown type"
