"""The one error that the media layer has for files."""


class UnusableMedia(Exception):
    """The file is not a picture or a clip that Filmgate accepts.

    `reason` is one or two public sentences: it names no path and quotes nothing from the file.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
