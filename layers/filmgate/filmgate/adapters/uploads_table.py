"""The table behind the port UploadBook: what callers brought, and what became of it."""

from filmgate.adapters import items
from filmgate.adapters.items import dump
from filmgate.adapters.table import StudioTable
from filmgate.adapters.transactions import Guard, Put
from filmgate.domain.errors import AlreadyExists, Stale
from filmgate.domain.uploads import Upload


class UploadTable(StudioTable):
    """The table, and in it the uploads. A repeat of a write that went through is a success."""

    def add_upload(self, upload: Upload) -> None:
        if self._put_upload(upload, None):
            return
        if self.upload(upload.tenant, upload.id) != upload:
            raise AlreadyExists(upload.id)

    def change_upload(self, before: Upload, after: Upload) -> None:
        guard = {"#version = :version": {"version": before.version}}
        if not self._put_upload(after, guard) and self.upload(after.tenant, after.id) != after:
            raise Stale(f"{after.id} was changed by another")

    def _put_upload(self, upload: Upload, guard: Guard | None) -> bool:
        """Put an upload under a guard; False when the guard did not hold."""
        item = {**items.upload_key(upload.tenant, upload.id), **dump(upload)}
        return self._put(Put(item, guard))
