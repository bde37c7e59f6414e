"""Reading generations: who may see what is decided here, once.

A creator sees what is theirs; viewers and admins see their whole tenant. What somebody may not see
does not exist for them.
"""

from filmgate.domain.errors import NotFound
from filmgate.domain.generations import GenerationState, Record
from filmgate.domain.ids import is_generation_id
from filmgate.usecases.ports import NoticeLog, NoticePage, Page, Principal, Studio

SEES_ONLY_OWN = frozenset({"creator"})


def read_generation(generation_id: str, *, principal: Principal, studio: Studio) -> Record:
    """A generation with its attempts and takes; raises NotFound, also for another's."""
    known = is_generation_id(generation_id)
    record = studio.find(principal.tenant, generation_id) if known else None
    if record is None or not _may_see(principal, record):
        raise NotFound("There is no generation with this id.")
    return record


def list_generations(
    *,
    principal: Principal,
    studio: Studio,
    limit: int,
    cursor: str | None = None,
    state: GenerationState | None = None,
    project: str | None = None,
    script_id: str | None = None,
    provider: str | None = None,
) -> Page:
    """A page of what the principal may see, newest first; raises ValueError for a bad cursor."""
    return studio.page(
        principal.tenant,
        limit=limit,
        cursor=cursor,
        state=state,
        project=project,
        script_id=script_id,
        provider=provider,
        user=principal.user if principal.role in SEES_ONLY_OWN else None,
    )


def _may_see(principal: Principal, record: Record) -> bool:
    return principal.role not in SEES_ONLY_OWN or record.generation.user == principal.user


def list_notices(
    *, principal: Principal, log: NoticeLog, limit: int, cursor: str | None = None
) -> NoticePage:
    """A page of the notices that the principal may see, newest first: a creator sees those of
    their own generations and of their own budget. Raises ValueError for a bad cursor."""
    return log.page(
        principal.tenant,
        limit=limit,
        cursor=cursor,
        user=principal.user if principal.role in SEES_ONLY_OWN else None,
    )
