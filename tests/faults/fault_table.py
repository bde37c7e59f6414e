"""What every fault must come to, at every provider: the table that the test walks through.

A case is one fault at one desk. Its `end` says how the generation ends, how its attempts stand when
its workflow is over and a day of sweeps later, and how many jobs each vendor bills. Rows are named
by number in the output; `ROWS` says what they are about.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from local.simulators.faults import JSON_DAMAGES
from tests.faults.real_stage import DESKS

ROWS = {
    1: "accepted, answer lost",
    2: "429 with and without a delay",
    3: "storm of the vendor's own 500",
    4: "no connection, or no answer in time",
    5: "malformed JSON",
    6: "by content, not by status",
    7: "a job that a look does not show",
    8: "a look that fails",
    9: "job stuck",
    10: "job done after it was given up",
    11: "unknown status word",
    12: "success without a result",
    13: "download cut or refused",
    14: "not what was ordered",
    15: "result link expired",
    16: "result over the size cap",
    17: "policy refusal",
    18: "key revoked",
    19: "key rotated",
    20: "clock skew of signed tokens",
    21: "out of credit",
    22: "model retired",
    23: "billed more than held",
    24: "table away",
}

ALL = tuple(DESKS)
AT_ONCE = ("dalle", "nanobanana")
JOBS = tuple(name for name in ALL if name not in AT_ONCE)
KLINGS = ("kling", "kling-legacy")  # a search proves that there is no job
FINDABLE = ("midjourney", *KLINGS)
GOOGLE = ("nanobanana", "veo", "veo-operations")  # the delay stands in the body
CANCELLED = ("veo",)  # what is stuck there is cancelled, and a look says so


@dataclass(frozen=True, slots=True)
class End:
    """What must be seen; None is not looked at.

    `attempts` and `next_day` are states, in the order of the chain; `jobs` how many jobs each of
    them is billed for. `code` is the failure of the first attempt, `code_later` a day later where
    it had none at first, `tries` how often it was sent,
    `asked` how many submits its vendor got, `waited` the seconds between the first two.
    """

    generation: str
    attempts: str
    jobs: str
    next_day: str | None = None
    code: str | None = None
    code_later: str | None = None
    tries: int | None = None
    asked: int | None = None
    waited: tuple[int, int] | None = None
    takes: int | None = None
    double_spend: bool = False
    overrun: bool = False
    warned: bool = False
    suspended: str | None = None

    def says(self) -> str:
        later = f", a day later {self.next_day}" if self.next_day else ""
        more = [
            f"{name} {value}"
            for name, value in (
                ("code", self.code),
                ("a day later code", self.code_later),
                ("tries", self.tries),
                ("asked", self.asked),
                ("waits", self.waited and "-".join(map(str, self.waited))),
                ("takes", self.takes),
                ("suspended", self.suspended),
            )
            if value is not None
        ]
        marks = [name for name in ("double_spend", "overrun", "warned") if getattr(self, name)]
        told = f"{self.generation}: {self.attempts}{later}; jobs {self.jobs}"
        return "; ".join([told, *more, *marks])


@dataclass(frozen=True)
class Case:
    """One fault at one desk, and what is done around it."""

    row: int
    desk: str
    name: str
    end: End
    faults: tuple[dict[str, Any], ...] = ()
    spare: bool = False
    goes_on: bool = False  # with `on_unknown: next`
    hurried: bool = False  # the other side is silent: the deadline comes soon in real time
    at_look: tuple[int, str] | None = None  # done before this look at the job
    afterwards: str | None = None  # done when the workflow is over
    video_s: int | None = None  # how long a clip takes at the vendor
    key: str = "good"
    card: str | None = None
    closed_port: bool = False
    away: dict[str, int] = field(default_factory=dict)  # commits refused, by the state they lead to
    billed_all_the_same: bool = False  # the vendor says that it does not, and does

    @property
    def id(self) -> str:
        return f"{self.row}-{self.desk}-{self.name.replace(' ', '_')}"


DONE = End("succeeded", "stored", "1")
SECOND = End("succeeded", "released stored", "0 1")
LOST = End("outcome-unknown", "in_doubt", "1", "presumed")
LOST_UNTAKEN = replace(LOST, jobs="0")
OVERDUE = End("deadline-exceeded", "overdue", "1", "presumed")
UNUSABLE = End("result-unusable", "paid", "1")


def free(code: str, **others: Any) -> End:
    return End("all-providers-failed", "released", "0", code=code, **others)


def fault(name: str, **extras: Any) -> dict[str, Any]:
    return {"fault": name, **extras}


def answer_lost(desk: str) -> End:
    """A job was taken and nobody told us: who can be searched shows it."""
    return DONE if desk in FINDABLE else LOST


def nothing_known(desk: str) -> End:
    """No job was taken and nobody told us: only some can prove it."""
    return free("not-accepted") if desk in KLINGS else LOST_UNTAKEN


def cases() -> Iterator[Case]:
    """The whole table."""
    yield from lost_answers()
    yield from throttled()
    yield from outages()
    yield from no_connection()
    yield from unreadable()
    yield from by_content()
    yield from unseen_jobs()
    yield from failing_looks()
    yield from stuck_jobs()
    yield from odd_words()
    yield from empty_successes()
    yield from downloads()
    yield from wrong_results()
    yield from refusals()
    yield from keys_and_money()
    yield from overruns()
    yield from table_away()


def lost_answers() -> Iterator[Case]:
    for desk in ALL:
        drop, unread = (fault("drop_reply"),), (fault("drop_request"),)
        found = desk in FINDABLE
        yield Case(1, desk, "answer dropped", answer_lost(desk), drop)
        yield Case(
            1,
            desk,
            "answer dropped, next one asked",
            DONE
            if found
            else End(
                "succeeded", "in_doubt stored", "1 1", "presumed stored", double_spend=True, asked=1
            ),
            drop,
            spare=True,
            goes_on=True,
        )
        yield Case(1, desk, "call dropped unread", nothing_known(desk), unread)
        yield Case(
            1,
            desk,
            "call dropped unread, next one asked",
            SECOND
            if desk in KLINGS
            else End(
                "succeeded", "in_doubt stored", "0 1", "presumed stored", double_spend=True, asked=1
            ),
            unread,
            spare=True,
            goes_on=True,
        )
        yield Case(
            1,
            desk,
            "call dropped unread, next one waits",
            SECOND if desk in KLINGS else LOST_UNTAKEN,
            unread,
            spare=True,
        )


def throttled() -> Iterator[Case]:
    for desk in ALL:

        def busy(name: str, end: End, desk: str = desk, **extras: Any) -> Case:
            spare = extras.pop("spare", False)
            return Case(2, desk, name, end, (fault("http_429", **extras),), spare=spare)

        again = replace(DONE, tries=2, asked=2)
        default = replace(again, waited=(2, 2))
        dated = default if desk in GOOGLE else replace(again, waited=(20, 31))
        yield busy("without a delay", default)
        yield busy("3 seconds", replace(again, waited=(3, 3)), retry_after=3)
        yield busy("a date in 30 s", dated, retry_after="in 30 s")
        yield busy("a date long past", default, retry_after="Sun, 22 Nov 2020 10:00:00 GMT")
        yield busy("negative", default, retry_after=-5)
        yield busy("zero", default, retry_after=0)
        yield busy("no number", default, retry_after="soon")
        yield busy("absurd", free("throttled", tries=1, asked=1), retry_after=86_400)
        yield busy("for ever", free("throttled", tries=3, asked=3), times=0)
        yield busy("30 s while others wait", replace(SECOND, asked=1), retry_after=30, spare=True)
        yield busy("for ever while others wait", replace(SECOND, asked=2), times=0, spare=True)


def outages() -> Iterator[Case]:
    for desk in ALL:
        # Kling's 5000 may hide a job; its 5001 says that there is none.
        own = {"code": "5001"} if desk in KLINGS else {}
        yield Case(3, desk, "once", replace(DONE, tries=2, asked=2), (fault("http_500", **own),))
        storm = (fault("http_500", times=0, **own),)
        yield Case(3, desk, "storm", free("unavailable", tries=3, asked=3), storm)
        yield Case(3, desk, "storm, others wait", replace(SECOND, asked=2), storm, spare=True)
    for desk in KLINGS:
        hidden = replace(DONE, asked=1)
        for code in ("5000", "5002"):
            yield Case(
                3,
                desk,
                f"{code} hides a job",
                hidden,
                (fault("http_500", code=code, accepted=True),),
            )
            yield Case(
                3, desk, f"{code} hides none", free("not-accepted"), (fault("http_500", code=code),)
            )
    for desk, code in (
        ("nanobanana", "DEADLINE_EXCEEDED"),
        ("veo", "DEADLINE_EXCEEDED"),
        ("veo-operations", "DEADLINE_EXCEEDED"),
        ("whan", "InternalError.Timeout"),
    ):
        timed_out = (fault("http_500", code=code, accepted=True),)
        yield Case(3, desk, "a time-out hides a job", replace(LOST, asked=1), timed_out)
    for desk in ("dalle", "sora"):
        for status in (502, 504):
            own = (fault("http_500", status=status, accepted=True),)
            yield Case(3, desk, f"an own {status} hides a job", replace(LOST, asked=1), own)


def no_connection() -> Iterator[Case]:
    for desk in ALL:
        yield Case(4, desk, "connection refused", free("not-reached", tries=3), closed_port=True)
        yield Case(4, desk, "connection refused, others wait", SECOND, closed_port=True, spare=True)
        yield Case(
            4, desk, "silent after the call", answer_lost(desk), (fault("hang"),), hurried=True
        )


def unreadable() -> Iterator[Case]:
    for damage in [one for one in JSON_DAMAGES if one != "huge"]:
        for desk in ALL:
            yield Case(
                5, desk, f"submit: {damage}", answer_lost(desk), (fault("malformed", code=damage),)
            )
        for desk in JOBS:
            looks = (fault("malformed", code=damage, where="poll", times=2),)
            yield Case(5, desk, f"look: {damage}", DONE, looks)
    for desk in ("dalle", "nanobanana", "sora", "kling"):
        # A picture may come as that much text, so 20 MB are read; above 32 MB nothing is.
        large = (fault("malformed", code="huge"),)
        yield Case(5, desk, "submit: 20 MB", DONE, large)
        larger = (fault("malformed", code="huge", size_bytes=34_000_000),)
        yield Case(5, desk, "submit: 34 MB", answer_lost(desk), larger)


def by_content() -> Iterator[Case]:
    for desk in ALL:
        for status in (200, 502):
            page = fault("html", status=status, accepted=True)
            lost = replace(answer_lost(desk), asked=1)
            yield Case(6, desk, f"page {status}, taken", lost, (page,))
        for status in (503, 504):
            untaken = replace(nothing_known(desk), asked=1)
            page = fault("html", status=status)
            yield Case(6, desk, f"page {status}, not taken", untaken, (page,))
    in_200 = (fault("http_500", status=200),)
    for desk in ("dalle", "nanobanana", "veo", "veo-operations", "sora"):
        yield Case(6, desk, "error in 200", LOST_UNTAKEN, in_200)
    for desk in KLINGS:
        yield Case(6, desk, "error in 200", free("not-accepted"), in_200)
        busy = (fault("http_429", status=200),)
        yield Case(6, desk, "busy in 200", replace(DONE, tries=2), busy)
    yield Case(6, "whan", "error in 200", replace(DONE, tries=2), in_200)


def unseen(desk: str, **extras: Any) -> dict[str, Any]:
    """The vendor's own way to say that there is no such job."""
    match desk:
        case "midjourney" | "kling" | "kling-legacy":
            return fault("odd_status", where="poll", code="lost", **extras)
        case "whan":
            return fault("odd_status", where="poll", code="UNKNOWN", **extras)
        case "sora":
            return fault("http_500", where="poll", code="not_found", **extras)
    return fault("http_500", where="poll", code="NOT_FOUND", **extras)


def unseen_jobs() -> Iterator[Case]:
    for desk in JOBS:
        yield Case(7, desk, "for one look", DONE, (unseen(desk),))
        yield Case(7, desk, "for two looks", DONE, (unseen(desk, times=2),))
        ever = (unseen(desk, times=0),)
        yield Case(7, desk, "for ever", OVERDUE, ever)
        yield Case(7, desk, "until given up", late(OVERDUE), ever, afterwards="reset faults")


def late(end: End, **others: Any) -> End:
    """The same, and the sweeper finds its result."""
    return replace(end, next_day="stored", takes=1, **others)


def failing_looks() -> Iterator[Case]:
    looks = (
        ("500", fault("http_500", times=3)),
        ("429", fault("http_429", times=3)),
        ("429 for an hour", fault("http_429", times=1, retry_after=3600)),
        ("page 502", fault("html", times=3)),
        ("page 200", fault("html", status=200, times=3)),
        ("dropped", fault("drop_reply", times=3)),
        ("silent", fault("hang")),
    )
    for desk in JOBS:
        for name, one in looks:
            failing = (one | {"where": "poll"},)
            yield Case(8, desk, name, DONE, failing, hurried=name == "silent")
        down = (fault("http_500", where="poll", times=0),)
        yield Case(8, desk, "500 for ever", OVERDUE, down)


def stuck_jobs() -> Iterator[Case]:
    stuck = (fault("stuck"),)
    for desk in JOBS:
        cancelled = desk in CANCELLED
        # A task of Wan's that waits could be cancelled: let it begin first.
        begun = (1, "let it begin") if desk == "whan" else None
        alone = free("job-failed") if cancelled else OVERDUE
        both = End("succeeded", "overdue stored", "1 1", "presumed stored", double_spend=True)
        both = SECOND if cancelled else both
        yield Case(9, desk, "stuck", alone, stuck, at_look=begun)
        yield Case(
            9, desk, "stuck, next one waits", SECOND if cancelled else OVERDUE, stuck,
            at_look=begun, spare=True,
        )  # fmt: skip
        yield Case(
            9, desk, "stuck, next one asked", both, stuck, at_look=begun, spare=True, goes_on=True
        )
        if cancelled:
            continue
        yield Case(10, desk, "done at last", late(OVERDUE), stuck, at_look=begun, afterwards="mend")
        twice = replace(both, next_day="stored stored", takes=2)
        yield Case(
            10, desk, "done beside another", twice, stuck,
            at_look=begun, spare=True, goes_on=True, afterwards="mend",
        )  # fmt: skip
    yield Case(9, "whan", "waiting, cancelled", free("job-failed"), video_s=3600)
    yield Case(9, "veo", "running, cancelled", free("job-failed"), video_s=3600)
    goes_on = (fault("charge_after_cancel"),)
    yield Case(9, "whan", "cancel taken, goes on", OVERDUE, goes_on, video_s=3600)
    yield Case(
        9, "veo", "cancelled, billed", replace(free("job-failed"), jobs="1"), goes_on,
        video_s=3600, billed_all_the_same=True,
    )  # fmt: skip


def odd_words() -> Iterator[Case]:
    for desk in JOBS:
        yield Case(11, desk, "odd word", DONE, (fault("odd_status", where="poll"),))
    yield Case(11, "whan", "suspended", DONE, (fault("odd_status", code="SUSPENDED"),))
    yield Case(11, "midjourney", "waits for a person", DONE, (fault("odd_status", code="modal"),))
    for code in ("21", "22"):
        told = (fault("odd_status", where="submit", code=code),)
        end = DONE if code == "22" else OVERDUE
        yield Case(11, "midjourney", f"submit answered {code}", end, told)


def empty_successes() -> Iterator[Case]:
    empty = (fault("malformed", where="result", code="no_result"),)
    for desk in ("midjourney", *KLINGS, "whan", "veo", "veo-operations"):
        missing = replace(UNUSABLE, code="result-missing")
        yield Case(12, desk, "for good", missing, empty)
        yield Case(12, desk, "for good, others wait", missing, empty, spare=True)
        yield Case(12, desk, "for three looks", DONE, empty, at_look=(4, "mend"))
    yield Case(12, "dalle", "an empty list", LOST, empty)
    talk = (fault("refuse", where="result", code="STOP"),)
    yield Case(12, "nanobanana", "words alone", free("job-failed", asked=1), talk)


def downloads() -> Iterator[Case]:
    broken = (
        ("cut once", fault("truncated"), DONE),
        (
            "cut for ever",
            fault("truncated", times=0),
            replace(UNUSABLE, code_later="download-failed"),
        ),
        ("cut for ever, others wait", fault("truncated", times=0), UNUSABLE),
        ("500 twice", fault("http_500", where="download", times=2), DONE),
        ("dropped", fault("drop_reply", where="download"), DONE),
        ("silent", fault("hang", where="download"), DONE),
    )
    gone = replace(UNUSABLE, code_later="download-failed")
    for desk in JOBS:
        for name, one, end in broken:
            yield Case(
                13, desk, name, end, (one,), hurried=name == "silent", spare="others" in name
            )
        yield Case(15, desk, "a fresh one helps", DONE, (fault("expired_url"),))
        yield Case(15, desk, "for good", gone, (fault("expired_url", times=0),))


def wrong_results() -> Iterator[Case]:
    spoilt = replace(UNUSABLE, code="result-unusable")
    for desk in JOBS:
        for name, one in (
            ("zero bytes", fault("malformed", code="empty")),
            ("no media", fault("malformed", code="not_media")),
            ("half a file", fault("malformed", code="truncated")),
            ("a page as file", fault("html", status=200)),
        ):
            bad = (one | {"where": "download", "times": 0},)
            yield Case(14, desk, name, spoilt, bad)
        huge = (fault("malformed", where="download", code="huge", size_bytes=17_000_000),)
        yield Case(16, desk, "over the cap", spoilt, huge)
    for desk in AT_ONCE:
        for name, one in (
            ("zero bytes", fault("malformed", code="empty")),
            ("no media", fault("malformed", code="not_media")),
            ("half a file", fault("truncated")),
        ):
            yield Case(14, desk, name, spoilt, (one | {"where": "result"},))
    for desk in ALL:
        yield Case(14, desk, "another size", replace(DONE, warned=True), (fault("wrong_size"),))


def refusals() -> Iterator[Case]:
    refused = replace(free("content-refused"), generation="content-refused")
    for desk in ALL:
        for where in ("submit", "result"):
            one = (fault("refuse", where=where),)
            yield Case(17, desk, f"at the {where}", refused, one)
            yield Case(17, desk, f"at the {where}, others wait", SECOND, one, spare=True)


def keys_and_money() -> Iterator[Case]:
    for desk in ALL:
        for row, name, code in (
            (18, "bad_key", "key-refused"),
            (21, "quota", "quota-exhausted"),
            (22, "retired", "retired"),
        ):
            if (desk, name) == ("midjourney", "retired"):
                continue  # a proxy has no list of models
            one = (fault(name, times=0),)
            yield Case(row, desk, "alone", free(code, asked=1, suspended=code), one)
            yield Case(
                row, desk, "others wait", replace(SECOND, asked=1, suspended=code), one, spare=True
            )
        yield Case(19, desk, "at the submit", replace(DONE, tries=2, asked=2), key="rotated before")
    revoked = (fault("bad_key", where="poll", times=0),)
    for desk in JOBS:
        gone = replace(OVERDUE, code="key-refused")
        yield Case(18, desk, "midway", gone, revoked)
        yield Case(
            18, desk, "midway, then given back", late(OVERDUE), revoked, afterwards="reset faults"
        )
        once = (fault("bad_key", where="poll"),)
        yield Case(19, desk, "at a look", DONE, once, key="rotated midway")
    for where in ("submit", "poll"):
        for code in ("1003", "1004"):
            once = (fault("bad_key", where=where, code=code),)
            yield Case(
                20, "kling-legacy", f"{code} at the {where}", replace(DONE, tries=1), once,
                key="pair",
            )  # fmt: skip
    twice = (fault("bad_key", code="1003", times=2),)
    yield Case(20, "kling-legacy", "not by the clock", free("key-refused"), twice, key="pair")


def overruns() -> Iterator[Case]:
    more = (fault("overcharge"),)
    for desk in ("dalle", "nanobanana", *KLINGS, "whan", "veo", "sora"):
        card = "vendor" if desk in (*AT_ONCE, *KLINGS) else None
        yield Case(23, desk, "ten times", replace(DONE, overrun=True), more, card=card)


def table_away() -> Iterator[Case]:
    for desk in ALL:
        yield Case(24, desk, "before the call", replace(DONE, asked=1), away={"submitting": 2})
    for desk in AT_ONCE:
        yield Case(24, desk, "after the answer", replace(DONE, asked=1), away={"stored": 2})
    for desk in JOBS:
        known = replace(answer_lost(desk), asked=1)
        yield Case(24, desk, "after the answer", known, away={"accepted": 1})
        yield Case(24, desk, "at the result", replace(DONE, asked=1), away={"paid": 2, "stored": 2})
    for desk in ALL:
        yield Case(
            24, desk, "for a lost answer's doubt", answer_lost(desk), (fault("drop_reply"),),
            away={"in_doubt": 2},
        )  # fmt: skip


def numbered(table: Iterable[Case]) -> dict[str, Case]:
    """The cases by id; raises ValueError where two have the same."""
    found: dict[str, Case] = {}
    for case in table:
        if case.id in found:
            raise ValueError(f"two cases are called {case.id}")
        found[case.id] = case
    return found


CASES = numbered(cases())
