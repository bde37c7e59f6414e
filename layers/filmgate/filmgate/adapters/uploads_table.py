"""The table behind the port UploadBook: what callers brought, and what became of it."""

from filmgate.adapters import items
from filmgate.adapters.items import dump
from filmgate.adapters.table import Guard, StudioTable, _Put
from filmgate.domain.errors import AlreadyExists, Stale, StoreUnavailable
from filmgate.domain.uploads import Upload


class UploadTable(StudioTable):
    """The table, and in it the uploads. A repeat of a write that went through is a success."""

    def add_upload(self, upload: Upload) -> None:
        if self._put_upload(upload, None):
            return
        known = self.upload(upload.tenant, upload.id)
        if known is None:
            raise StoreUnavailable("the table was in conflict or throttled")
        if known != upload:
            raise AlreadyExists(upload.id)

    def change_upload(self, before: Upload, after: Upload) -> None:
        guard = {"#version = :version": {"version": before.version}}
        if not self._put_upload(after, guard) and self.upload(after.tenant, after.id) != after:
            raise Stale(f"{after.id} was changed by another")

    def _put_upload(self, upload: Upload, guard: Guard | None) -> bool:
        put = _Put({**items.upload_key(upload.tenant, upload.id), **dump(upload)}, guard)
        return self._transact([put.wire(self._name)]) is None
