"""Files that start work: an object of the uploads bucket becomes a clip, a storyboard, or a reason.

One version of an object is one job however often it is told of: its upload has an id that follows
from bucket, key and version, unless it was asked for, and the id of what it starts follows from
them too. An upload that was asked for takes one file. Events may come late and in any order: an
object that is gone starts nothing, and neither does a version behind one that was taken already.

What is wished of an image must be there when the image comes: in the request for the upload, in
the object's metadata, or in the sidecar `<name>.json` beside it, put before it. A sidecar that
comes too late is rejected, so that its author knows.

A file that cannot be used is copied to rejected/… with `….reason.json` beside it; the original
stays where it is. A failure of ours, or a user's full rate, is raised and the event comes again.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from math import log
from typing import Final, Protocol

from filmgate.domain import ids
from filmgate.domain.errors import (
    AlreadyExists,
    CallerError,
    RateLimited,
    Stale,
    TooLarge,
    TooManyInFlight,
    UnsupportedMediaType,
    ValidationFailed,
)
from filmgate.domain.pace import Pace
from filmgate.domain.storyboard import Storyboard
from filmgate.domain.uploads import (
    LARGEST_BATCH,
    LARGEST_IMAGE,
    LARGEST_SIDECAR,
    NOTHING,
    USABLE,
    FileKind,
    Rejection,
    Still,
    Upload,
    kind_of,
)
from filmgate.usecases.boards import Boards, StoryboardWorkflow
from filmgate.usecases.generate import generate
from filmgate.usecases.ports import (
    TENANT_FIELD,
    Clock,
    Found,
    Inbox,
    Principal,
    Takes,
    UploadBook,
    Workflow,
)
from filmgate.usecases.request import Request
from filmgate.usecases.start_storyboard import Market, start_storyboard
from filmgate.usecases.steps import Inspection
from filmgate.usecases.uploads import INBOX, keep_still

REJECTED: Final = "rejected/"
UPLOADER: Final = "s3-upload"
_TRIES: Final = 5
_LATER: Final = (RateLimited, TooManyInFlight)
_ADVICE: Final[Mapping[str, str]] = {
    "budget-exceeded": "Raise the budget or ask for less, then put the file again.",
    "cost-limit-exceeded": "Raise the cost limit or ask for less, then put the file again.",
    "retired": "Name another provider, then put the file again.",
    "no-capable-provider": "Name another provider or ask for other things, then put it again.",
    "too-large": "Make the file smaller, or split it, then put it again.",
    "state-conflict": "Ask for a new upload (POST /v1/uploads), or put the files in their order.",
}
_USUAL_ADVICE: Final = "Mend what is said here, then put the file again."


@dataclass(frozen=True, slots=True)
class Arrived:
    """What an event tells: an object has come."""

    bucket: str
    key: str
    version_id: str | None


class ReadClip(Protocol):
    """Reads what is wished of an image; raises CallerError."""

    def __call__(
        self, wishes: str, *, metadata: Mapping[str, str], sidecar: bytes | None,
        image: str, filename: str,
    ) -> Request: ...  # fmt: skip


class ReadBatch(Protocol):
    """Reads a batch file; raises CallerError."""

    def __call__(
        self, chunks: Iterable[bytes], *, filename: str, wishes: str, metadata: Mapping[str, str]
    ) -> Storyboard: ...


class UsedUp(CallerError):
    """The upload has become something already, or the file comes too late for its image."""

    code, status, title = "state-conflict", 409, "Not possible any more"


class EmptyFile(CallerError):
    code, status, title = "validation-failed", 422, "There is nothing in the file"


class ShotsRefused(CallerError):
    """What is wrong with the shots of a file; `errors` names the shot and the field of each."""

    code, status, title = "validation-failed", 422, "The file is not a usable storyboard"


@dataclass(frozen=True, slots=True)
class AcceptUpload:
    """The use case with its ports. `tenant` is whose the files are that nobody asked for."""

    tenant: str
    inbox: Inbox
    book: UploadBook
    boards: Boards
    takes: Takes
    inspect: Callable[[bytes], Inspection]
    generations: Workflow
    storyboards: StoryboardWorkflow
    market: Market
    pace: Pace
    storyboard_pace: Pace
    clock: Clock
    read_clip: ReadClip
    read_batch: ReadBatch

    def __call__(self, arrived: Arrived) -> Upload | None:
        """Make of an object what it shall become, once; None when it makes nothing.

        Raises StoreUnavailable, RateLimited or TooManyInFlight: the event must come again.
        """
        found = self._present(arrived)
        if found is None or found.key.endswith("/"):
            return None
        if kind_of(_filename(found.key)) is FileKind.SIDECAR:
            self._look_at_sidecar(arrived, found)
            return None
        upload = self._upload_of(arrived, found)
        if upload is None or upload.is_done_with(found.version_id):
            return upload
        claimed = self._claim(upload, found)
        if claimed is None:
            self._put_aside(found, upload, _reason(UsedUp("This upload has had its file already.")))
            return None
        if claimed.is_done_with(found.version_id):
            return claimed
        try:
            after = self._made_of(arrived, found, claimed)
        except _LATER:
            raise
        except CallerError as refused:
            after = claimed.rejected(_reason(refused))
            self._put_aside(found, after, _reason(refused))
        return self._write(after)

    # --- whose it is, and whether it counts ----------------------------------------------------

    def _present(self, arrived: Arrived) -> Found | None:
        """The version that came, unless the object was deleted since."""
        newest = self.inbox.find(arrived.key)
        if newest is None or arrived.version_id in (None, newest.version_id):
            return newest
        return self.inbox.find(arrived.key, arrived.version_id)

    def _upload_of(self, arrived: Arrived, found: Found) -> Upload | None:
        """The upload that was asked for under this key, or one of the file's own.

        None for a version that comes behind a newer one.
        """
        tenant = found.metadata.get(TENANT_FIELD)
        place = found.key.removeprefix(INBOX).partition("/")[0]
        if tenant and ids.is_upload_id(place):
            asked = self.book.upload(tenant, place)
            if asked is not None and asked.key == found.key:
                return asked
        own = self._own(arrived.bucket, found)
        known = self.book.upload(self.tenant, own.id)
        if known is not None:
            return known
        newest = self.inbox.find(found.key)
        if newest is not None and newest.version_id != found.version_id:
            newer = self._own(arrived.bucket, newest)
            if self.book.upload(self.tenant, newer.id) is not None:
                return None
        try:
            self.book.add_upload(own)
        except AlreadyExists:
            return self.book.upload(self.tenant, own.id)
        return own

    def _own(self, bucket: str, found: Found) -> Upload:
        """The upload that a file is which nobody asked for."""
        return Upload(
            id=ids.upload_id(self.tenant, UPLOADER, "object", bucket, found.key, found.version_id),
            tenant=self.tenant,
            user=UPLOADER,
            role="creator",
            filename=_filename(found.key),
            created_at=self.clock(),
            key=found.key,
            size_bytes=found.size_bytes,
        )

    def _claim(self, upload: Upload, found: Found) -> Upload | None:
        """Take the upload for this file; None when another file has taken it."""
        for _ in range(_TRIES):
            if not upload.is_free_for(found.version_id):
                return None
            if upload.version_id == found.version_id:
                return upload
            try:
                self.book.change_upload(upload, upload.taken(found.version_id))
                return upload.taken(found.version_id)
            except Stale:
                upload = self.book.upload(upload.tenant, upload.id) or upload
        raise Stale(f"{upload.id} was changed by others again and again")

    def _write(self, after: Upload) -> Upload:
        """Write how far it is. Whoever did the same work at the same time was as right."""
        for _ in range(_TRIES):
            known = self.book.upload(after.tenant, after.id) or after
            if known.version_id != after.version_id or known.is_done_with(after.version_id):
                return known
            following = replace(after, version=known.version + 1)
            try:
                self.book.change_upload(known, following)
                return following
            except Stale:
                continue
        raise Stale(f"{after.id} was changed by others again and again")

    # --- what it becomes -----------------------------------------------------------------------

    def _made_of(self, arrived: Arrived, found: Found, upload: Upload) -> Upload:
        match kind_of(upload.filename):
            case FileKind.IMAGE:
                return self._clip(arrived, found, upload)
            case FileKind.BATCH:
                return self._storyboard(arrived, found, upload)
        raise UnsupportedMediaType(
            f"By its name this file is nothing that can be used; names end in one of {USABLE}."
        )

    def _clip(self, arrived: Arrived, found: Found, upload: Upload) -> Upload:
        job = _job_key(arrived, found)
        made = ids.generation_id(upload.tenant, upload.user, job)
        if upload.still and self.book.find(upload.tenant, made):
            return upload.started(generation_id=made)  # an earlier run of ours ended right here
        _check_size(found, LARGEST_IMAGE, "An image")
        data = self.inbox.read(found, most=LARGEST_IMAGE + 1)
        still = keep_still(data, tenant=upload.tenant, takes=self.takes, inspect=self.inspect)
        if upload.wishes == NOTHING:
            return upload.kept(still)
        sidecar = self._sidecar_of(found)
        upload = replace(upload, still=still, sidecar=sidecar.version_id if sidecar else "")
        request = self._request(found, upload, still, sidecar)
        upload = self._write(upload)  # the admission of the clip asks for its still
        admitted = generate(
            request,
            principal=_principal(upload),
            idempotency_key=job,
            request_hash=job,
            studio=self.book,
            workflow=self.generations,
            catalogue=self.market.catalogue,
            card=self.market.card,
            default_limit=self.market.default_limit,
            default_cost_limit=self.market.default_cost_limit,
            pace=self.pace,
            now=self.clock(),
        )
        return upload.started(generation_id=admitted.record.generation.id)

    def _request(
        self, found: Found, upload: Upload, still: Still, sidecar: Found | None
    ) -> Request:
        """What is wished of the image. A provider that only moves it keeps its shape."""
        request = self.read_clip(
            upload.wishes,
            metadata=found.metadata,
            sidecar=self.inbox.read(sidecar, most=LARGEST_SIDECAR + 1) if sidecar else None,
            image=upload.id,
            filename=upload.filename,
        )
        provider = self.market.catalogue.find(request.provider)
        offers = provider.offers if provider else ()
        if request.wish.aspect_ratio is not None or not offers or not offers[0].needs_keyframe:
            return request
        shape = _closest(offers[0].aspect_ratios, still)
        return replace(request, wish=replace(request.wish, aspect_ratio=shape))

    def _storyboard(self, arrived: Arrived, found: Found, upload: Upload) -> Upload:
        _check_size(found, LARGEST_BATCH, "A batch file")
        storyboard = self.read_batch(
            self.inbox.chunks(found),
            filename=upload.filename,
            wishes=upload.wishes,
            metadata=found.metadata,
        )
        try:
            begun = start_storyboard(
                storyboard,
                principal=_principal(upload),
                idempotency_key=_job_key(arrived, found),
                boards=self.boards,
                workflow=self.storyboards,
                market=self.market,
                now=self.clock(),
                pace=self.storyboard_pace,
            )
        except ValidationFailed as refused:
            raise _by_shot(refused, storyboard) from None
        return upload.started(storyboard_id=begun.head.id)

    # --- sidecars ------------------------------------------------------------------------------

    def _sidecar_of(self, found: Found) -> Found | None:
        """The wishes that lie beside an image; of one that was asked for they are said already."""
        return None if TENANT_FIELD in found.metadata else self.inbox.find(f"{found.key}.json")

    def _look_at_sidecar(self, arrived: Arrived, found: Found) -> None:
        """A sidecar starts nothing; one that came after its image was taken is told so."""
        image = self.inbox.find(found.key[: -len(".json")])
        if image is None or image.changed_at > found.changed_at:
            return
        taken = self.book.upload(self.tenant, self._own(arrived.bucket, image).id)
        if taken is not None and taken.version_id and taken.sidecar != found.version_id:
            late = UsedUp(
                f"{taken.filename} was taken before this file came, and without it. "
                "Put this file first and then the image again."
            )
            self._put_aside(found, taken, _reason(late))

    # --- what cannot be used -------------------------------------------------------------------

    def _put_aside(self, found: Found, upload: Upload, why: Rejection) -> None:
        told = {
            "file": found.key,
            "version_id": found.version_id,
            "upload_id": upload.id,
            "code": why.code,
            "message": why.message,
            **why.facts,
            "what_to_do": _ADVICE.get(why.code, _USUAL_ADVICE),
        }
        place = f"{REJECTED}{found.key.removeprefix(INBOX)}"
        reason = json.dumps(told, ensure_ascii=False, indent=2).encode() + b"\n"
        self.inbox.put_aside(found, place, reason)


def _principal(upload: Upload) -> Principal:
    return Principal(upload.tenant, upload.user, upload.role)


def _job_key(arrived: Arrived, found: Found) -> str:
    """The idempotency key of a file. The spaces keep it apart from every key that a caller can
    send, which is visible ASCII."""
    return f"{arrived.bucket} {found.key} {found.version_id}"


def _reason(refused: CallerError) -> Rejection:
    return Rejection(refused.code, refused.detail, dict(refused.facts))


def _by_shot(refused: ValidationFailed, storyboard: Storyboard) -> CallerError:
    """The same refusal in words of the file: a shot's number, and the field that is wrong."""
    errors: list[dict[str, object]] = []
    for pointer, message in refused.faults:
        match pointer.split("/"):
            case ["", "shots", index, *fields]:
                number = storyboard.shots[int(index)].number
                errors.append({"shot": number, "column": ".".join(fields), "message": message})
            case _:
                errors.append({"shot": None, "column": pointer, "message": message})
    first = errors[0]
    told = f"Shot {first['shot']}, {first['column']}: {first['message']}."
    more = "" if len(errors) == 1 else " There is more: see errors."
    return ShotsRefused(told + more, errors=errors)


def _check_size(found: Found, most: int, what: str) -> None:
    """Before a byte is read: raises TooLarge, or EmptyFile."""
    if found.size_bytes > most:
        raise TooLarge(
            f"The file has {found.size_bytes} bytes. {what} may have {most // 1_000_000} MB."
        )
    if found.size_bytes == 0:
        raise EmptyFile("The file is empty.")


def _closest(ratios: Iterable[str], still: Still) -> str:
    """The shape that cuts off least of a picture."""
    return min(ratios, key=lambda ratio: abs(log(_quotient(ratio) * still.height / still.width)))


def _quotient(ratio: str) -> float:
    width, _, height = ratio.partition(":")
    return int(width) / int(height)


def _filename(key: str) -> str:
    return key.rpartition("/")[2]
