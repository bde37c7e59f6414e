"""The part of the memory studio that holds uploads; see the port UploadBook."""

from threading import RLock

from filmgate.domain.errors import AlreadyExists, Stale
from filmgate.domain.uploads import Upload


class MemoryUploads:
    """Uploads by (tenant, id)."""

    lock: RLock

    def __init__(self) -> None:
        super().__init__()
        self.uploads: dict[tuple[str, str], Upload] = {}

    def upload(self, tenant: str, upload_id: str) -> Upload | None:
        with self.lock:
            return self.uploads.get((tenant, upload_id))

    def add_upload(self, upload: Upload) -> None:
        with self.lock:
            if (upload.tenant, upload.id) in self.uploads:
                raise AlreadyExists(upload.id)
            self.uploads[upload.tenant, upload.id] = upload

    def change_upload(self, before: Upload, after: Upload) -> None:
        with self.lock:
            if self.uploads[before.tenant, before.id].version != before.version:
                raise Stale(before.id)
            self.uploads[after.tenant, after.id] = after
