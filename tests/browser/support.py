"""What browser tests work with: the browser, a signed-in page, the watch over it, pictures, axe."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Page,
    Request,
    expect,
    sync_playwright,
)

from tests.e2e.gateway import Gateway, Studio

WIDE = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}
# How a page is looked at: (colours, size of the window).
MODES = {"dark": ("dark", WIDE), "light": ("light", WIDE), "phone": ("dark", PHONE)}
SERIOUS = {"serious", "critical"}
PATIENCE_MS = 40_000

# A breach of the policy is told by the page itself.
_WATCH = """
addEventListener("securitypolicyviolation", (event) =>
  console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`));
"""


@dataclass
class Watch:
    """Everything that a page must not do."""

    origins: set[str]
    said: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)
    allowed: tuple[str, ...] = ()

    def over(self, page: Page) -> None:
        page.add_init_script(_WATCH)
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.said.append(f"uncaught: {error}"))
        page.on("request", self._request)

    def allow(self, *texts: str) -> None:
        """Let the browser's own lines about answers that a test provokes pass."""
        self.allowed += texts

    def check(self) -> None:
        assert self.strangers == [], self.strangers
        said = [line for line in self.said if not any(one in line for one in self.allowed)]
        assert said == [], said

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.said.append(f"{message.text} ({message.location.get('url', '')})")

    def _request(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in ("blob", "data"):
            return
        if f"{parts.scheme}://{parts.netloc}" not in self.origins:
            self.strangers.append(request.url)


@dataclass
class Desk:
    """One person at one page, signed in, and the studio that the page shows."""

    page: Page
    studio: Studio
    url: str
    watch: Watch
    artifacts: Path

    def open(self, view: str) -> Page:
        """Go to a view such as "library/gen_x" and wait for its title."""
        if not self.page.url.startswith(self.url):
            self.page.goto(f"{self.url}/#/{view}")
        else:
            self.page.evaluate("view => { location.hash = `#/${view}` }", view)
        self.page.wait_for_selector("main h1")
        self.page.wait_for_selector(".view .loading", state="detached")
        return self.page

    def look(self, name: str) -> None:
        """Keep a picture of the view in every mode and let axe judge each of them."""
        for mode in MODES:
            self.as_in(mode)
            self.picture(f"{name}-{mode}")
            assert accessibility(self.page) == [], f"{name} in {mode}"
        self.as_in("dark")

    def as_in(self, mode: str) -> None:
        """Colours and window of a mode; nothing may then stick out of the window sideways."""
        colours, size = MODES[mode]
        self.page.emulate_media(color_scheme=colours, reduced_motion="reduce")
        self.page.set_viewport_size(size)
        wide = self.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, f"the page is {wide} px wider than the window in {mode}"

    def picture(self, name: str) -> None:
        """The whole view in one picture: the window grows, so that what sticks to it stays put."""
        self.artifacts.mkdir(parents=True, exist_ok=True)
        usual = self.page.viewport_size or WIDE
        whole = self.page.evaluate("document.documentElement.scrollHeight")
        self.page.set_viewport_size({**usual, "height": max(usual["height"], whole)})
        self.page.screenshot(path=self.artifacts / f"{name}.png")
        self.page.set_viewport_size(usual)

    def close(self) -> None:
        """The page must have kept quiet, to itself, and within its policy."""
        self.page.context.close()
        self.watch.check()


class Sight:
    """The browser; every desk has a context of its own."""

    def __init__(self, browser: Browser, artifacts: Path) -> None:
        self.browser = browser
        self._artifacts = artifacts

    @classmethod
    @contextmanager
    def opened(cls, chromium: Path, artifacts: Path) -> Iterator[Self]:
        expect.set_options(timeout=PATIENCE_MS)
        with sync_playwright() as driver:
            browser = driver.chromium.launch(
                executable_path=chromium,
                args=["--no-sandbox", "--disable-dev-shm-usage", "--disable-background-networking"],
            )
            yield cls(browser, artifacts)
            browser.close()

    def desk(
        self,
        gateway: Gateway,
        studio: Studio | None = None,
        *,
        role: str = "admin",
        user: str | None = None,
        signed_in: bool = True,
        mode: str = "dark",
    ) -> Desk:
        """A page in a context of its own; without a studio it gets a new one with all keys."""
        studio = studio or gateway.studio()
        colours, size = MODES[mode]
        context = self.browser.new_context(
            viewport=size, color_scheme=colours, reduced_motion="reduce"
        )
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        if signed_in:
            token = studio.token(user or role, role)
            page.add_init_script(f"sessionStorage.setItem('filmgate-token', '{token}')")
        watch = Watch({gateway.stack.url, gateway.stack.aws_endpoint})
        watch.over(page)
        return Desk(page, studio, gateway.stack.url, watch, self._artifacts)


def accessibility(page: Page) -> list[str]:
    """What axe finds serious or critical, as (rule: where)."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(_axe())  # by the debugger, which no policy of the page concerns
    found: dict[str, Any] = page.evaluate(
        "axe.run(document, {resultTypes: ['violations'], elementRef: false})"
    )
    return [
        f"{one['id']}: {node['target']} {node.get('failureSummary', '')}"
        for one in found["violations"]
        if one["impact"] in SERIOUS
        for node in one["nodes"]
    ]


@cache
def _axe() -> str:
    return (files("axe_playwright_python") / "axe.min.js").read_text()
