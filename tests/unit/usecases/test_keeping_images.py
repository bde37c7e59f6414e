"""Images that callers bring: inspected, kept once, and good for params.image."""

import hashlib

import pytest

from filmgate.domain.errors import ImageUnusable, StoreUnavailable
from filmgate.domain.uploads import Upload, UploadState
from filmgate.usecases.ports import Principal
from filmgate.usecases.stills import find_still_key, may_use
from filmgate.usecases.uploads import keep_image
from tests.support.builders import NOW, TENANT, principal
from tests.support.fakes import FakeTakes, clip, measured, picture
from tests.support.memory_studio import MemoryStudio


class Shelf:
    """The use case over a memory studio and a take bucket in memory."""

    def __init__(self) -> None:
        self.studio = MemoryStudio()
        self.takes = FakeTakes()

    def keep(self, data: bytes, by: Principal | None = None) -> Upload:
        return keep_image(
            data,
            filename="rooftop.png",
            principal=by or principal(),
            book=self.studio,
            takes=self.takes,
            inspect=measured,
            now=NOW,
        )


def test_an_image_is_kept_under_its_hash_and_found_by_the_uploads_id() -> None:
    shelf = Shelf()

    kept = shelf.keep(picture())

    key = f"{TENANT}/stills/{hashlib.sha256(picture()).hexdigest()}.png"
    assert kept.state is UploadState.STORED
    assert shelf.takes.objects == {key: (picture(), "image/png")}
    assert find_still_key(shelf.studio, TENANT, kept.id) == key


def test_the_same_bytes_are_the_same_upload_and_others_are_another() -> None:
    shelf = Shelf()

    first, again, other = (shelf.keep(data) for data in (picture(), picture(), picture(64, 64)))

    assert first == again
    assert other.id != first.id
    assert len(shelf.takes.objects) == 2


def test_what_is_no_image_is_refused_with_its_reason_and_nothing_is_kept() -> None:
    shelf = Shelf()

    for data, told in ((b"<html>", "is no image"), (clip(), "is a clip")):
        with pytest.raises(ImageUnusable, match=told):
            shelf.keep(data)

    assert (shelf.takes.objects, shelf.studio.uploads) == ({}, {})


def test_an_image_whose_record_was_not_written_is_kept_by_a_repeat() -> None:
    shelf = Shelf()
    shelf.studio.add_upload = _away  # type: ignore[method-assign]

    with pytest.raises(StoreUnavailable):
        shelf.keep(picture())
    del shelf.studio.add_upload
    kept = shelf.keep(picture())

    assert may_use(kept.id, principal(), shelf.studio)


@pytest.mark.parametrize(
    ("by", "may"),
    [
        (principal(), True),
        (principal(user="bob"), False),
        (principal(user="bob", role="admin"), True),
        (principal(tenant="others", role="admin"), False),
    ],
    ids=["its owner", "another creator", "an admin", "another tenant"],
)
def test_an_uploaded_image_is_used_by_those_who_can_see_it(by: Principal, may: bool) -> None:
    shelf = Shelf()
    kept = shelf.keep(picture())

    assert may_use(kept.id, by, shelf.studio) is may


@pytest.mark.parametrize("upload_id", [f"upl_{'a' * 26}", "upl_short", "upl_"])
def test_an_upload_that_is_not_there_is_no_still(upload_id: str) -> None:
    assert not may_use(upload_id, principal(), MemoryStudio())


def _away(upload: Upload) -> None:
    raise StoreUnavailable("away")
