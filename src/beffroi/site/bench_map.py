"""The map in a real browser, beside the same page without what is measured.

**Interactive** is counted from the start of the navigation, as the browser's own clock has it,
to the first moment when the map has nothing left to do: every tile of the opening view is drawn,
labels are placed, the mouse and the keyboard are listened to.

Three views of one page are opened in turn, so that what else the machine does falls on all:
the town with all its assets; the same without one asset; and the open sea, where there is no tile
at all, which is what the page, the map library and the renderer cost by themselves. A ratio to
the second says what assets cost, a ratio to the third what the town costs.

Frames per second are not measured: without a graphics card the software renderer alone needs
about a tenth of a second a frame, with or without assets. What is ours is the main thread.
"""

from __future__ import annotations

import http.client
import os
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from beffroi.foundation.accounts.api import SignInLinkIssued, people, sign_in_link_create
from beffroi.foundation.database.api import acting_for
from beffroi.foundation.territories.api import TerritoryCard
from beffroi.kernel.errors import ConfigurationError
from beffroi.kernel.geometry import Position, Tile, tile_of
from beffroi.site.cli.words import decimal
from beffroi.site.cli.words import gettext as _

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page, Request

Say = Callable[[str], None]

FEWEST_RUNS = 5
PAN_SECONDS = 4.0
LONGEST_WAIT_MS = 120_000
SETTLE_MS = 1_000
CITY_ZOOM, STREET_ZOOM = 12, 15
TILE_ROUNDS = 4
VIEWS = {"city": "", "town": "?domaines=aucun", "sea": "?domaines=aucun#5/0/-30"}
"""What the address of the map's page ends with, for each of the three views."""
_READY = "[data-island=map][data-ready]"
_FLAGS = (
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """One opening of one view.

    Attributes:
        interactive_ms: with an empty cache.
        again_ms: the same, opened a second time by the same browser.
        octets: as they came over the wire, heads included, by kind.
        main_ms_per_frame: time of the main thread while the map is dragged, by frame drawn.
    """

    interactive_ms: float
    again_ms: float
    main_ms_per_frame: float
    long_tasks: int
    octets: dict[str, int] = field(default_factory=dict)


def bench_map(
    territory: TerritoryCard, *, base_url: str, chromium: str, runs: int, say: Say
) -> None:
    """Open the map ``runs`` times, five at least, and tell medians; then time the tiles.

    Raises:
        ConfigurationError: playwright is not installed, or nobody may see the map.
    """
    try:
        from playwright.sync_api import sync_playwright  # noqa: PLC0415 - only for this command
    except ImportError:
        raise ConfigurationError(
            "This measure needs the package playwright.",
            way_out="Install it: uv sync, or pip install playwright. Chromium comes from Debian.",
        ) from None
    link = _link(territory)  # before the browser's event loop, in which Django refuses queries
    page_url = f"{base_url}/t/{territory.slug}/ville/"
    load_before = os.getloadavg()[0]
    taken: dict[str, list[Opening]] = {name: [] for name in VIEWS}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(_FLAGS))
        cookies = _signed_in(browser, link, base_url)
        for _run in range(max(FEWEST_RUNS, runs)):
            for name, ending in VIEWS.items():
                taken[name].append(_open_map(browser, cookies, page_url + ending))
        renderer = _renderer(browser)
        browser.close()
    say(
        _("map of {name}: medians of {runs} openings ({renderer}, {cores} cores)").format(
            name=territory.name,
            runs=len(taken["city"]),
            renderer=renderer,
            cores=os.cpu_count(),
        )
    )
    _tell_openings(taken, say)
    _tell_octets([one.octets for one in taken["city"]], say)
    for zoom in (CITY_ZOOM, STREET_ZOOM):
        for kind in ("equipements", "fond"):
            path = f"/t/{territory.slug}/tuiles/{kind}/"
            tiles = [f"{path}{one.z}/{one.x}/{one.y}.mvt" for one in _around(territory, zoom=zoom)]
            _tell_latency(f"{kind} z{zoom}", _timed(base_url, cookies, tiles), say)
    floor = _timed(base_url, cookies, ["/static/web/icon.svg"] * 15)
    _tell_latency(_("floor: a small file"), floor, say)
    say(
        _("load average of the machine: {before} before, {after} after").format(
            before=decimal(load_before), after=decimal(os.getloadavg()[0])
        )
    )


def _tell_openings(taken: dict[str, list[Opening]], say: Say) -> None:
    def row(label: str, name: str, *, note: str = "", digits: int = 0) -> None:
        city, town, sea = (
            statistics.median(getattr(one, name) for one in taken[view]) for view in VIEWS
        )
        say(
            f"  {label:<34}{decimal(city, digits=digits):>9}{decimal(town, digits=digits):>12}"
            f"{decimal(sea, digits=digits):>12}{_ratio(city, town):>10}{_ratio(city, sea):>8}"
            f"  {note}"
        )

    heads = (_("all assets"), _("no asset"), _("no tile"), _("ratios"))
    say(f"  {'':<34}{heads[0]:>9}{heads[1]:>12}{heads[2]:>12}{heads[3]:>14}")
    aim = _("aim: {most}").format(most=3000)
    row(_("interactive, empty cache (ms)"), "interactive_ms", note=aim)
    row(_("interactive, opened again (ms)"), "again_ms")
    sixty = _("60 frames a second: {most}").format(most=16)
    row(_("main thread by frame (ms)"), "main_ms_per_frame", note=sixty, digits=1)
    row(_("tasks over 50 ms in {s} s").format(s=f"{PAN_SECONDS:g}"), "long_tasks")


def _ratio(value: float, floor: float) -> str:
    return f"× {decimal(value / floor, digits=2)}" if floor else "–"


def _tell_octets(runs: Sequence[dict[str, int]], say: Say) -> None:
    kinds = {
        "assets": _("data of the town's assets (kB)"),
        "base": _("streets, water, buildings (kB)"),
        "page": _("page (kB)"),
        "script": _("scripts (kB)"),
        "style": _("style sheets (kB)"),
        "other": _("the rest (kB)"),
    }
    medians = {kind: statistics.median(one.get(kind, 0) for one in runs) for kind in kinds}
    for kind, label in kinds.items():
        note = _("aim: {most}").format(most=100) if kind == "assets" else ""
        say(f"  {label:<34}{decimal(medians[kind] / 1e3):>9}  {note}".rstrip())
    say(f"  {_('everything (kB)'):<34}{decimal(sum(medians.values()) / 1e3):>9}")


def _tell_latency(label: str, timed: tuple[list[float], list[int]], say: Say) -> None:
    spent, sizes = timed
    words = _("p50 {p50} ms, p95 {p95} ms, {size} kB on average").format(
        p50=decimal(statistics.median(spent)),
        p95=decimal(statistics.quantiles(spent, n=20)[18]),
        size=decimal(statistics.mean(sizes) / 1e3),
    )
    say(f"  {label:<28}{words}")


def _link(territory: TerritoryCard) -> SignInLinkIssued:
    with acting_for(territory.id):
        person = next((one for one in people() if one.is_active), None)
    if person is None:
        raise ConfigurationError(
            "{name} has no active agent to look at its map.", params={"name": territory.name}
        )
    return sign_in_link_create(person.user.email)


def _signed_in(browser: Browser, link: SignInLinkIssued, base_url: str) -> list[Any]:
    context = browser.new_context()
    page = context.new_page()
    page.goto(base_url + link.path)
    page.locator("main form button[type=submit]").first.click()
    page.wait_for_load_state()
    cookies: list[Any] = context.cookies()
    context.close()
    return cookies


def _open_map(browser: Browser, cookies: list[Any], url: str) -> Opening:
    context: BrowserContext = browser.new_context(viewport={"width": 1440, "height": 900})
    context.add_cookies(cookies)
    page: Page = context.new_page()
    finished: list[Request] = []
    page.on("requestfinished", lambda one: finished.append(one))  # noqa: PLW0108 - a builtin is refused
    session = context.new_cdp_session(page)
    session.send("Performance.enable")
    interactive_ms = _interactive(page, url)
    page.wait_for_timeout(SETTLE_MS)
    octets = _octets(list(finished))
    before = _task_seconds(session)
    watched = page.evaluate(_PAN, PAN_SECONDS * 1000)
    main_ms = (_task_seconds(session) - before) * 1000
    page.close()
    again = context.new_page()
    again_ms = _interactive(again, url)
    context.close()
    return Opening(
        interactive_ms=interactive_ms,
        again_ms=again_ms,
        main_ms_per_frame=main_ms / max(1, watched["frames"]),
        long_tasks=watched["long"],
        octets=octets,
    )


def _interactive(page: Page, url: str) -> float:
    page.goto(url, wait_until="commit")
    page.wait_for_selector(_READY, timeout=LONGEST_WAIT_MS)
    return float(
        page.evaluate("() => performance.getEntriesByName('beffroi:map-idle')[0].startTime")
    )


# Drags the map in a circle by pointer events, as a hand does, and counts frames and long tasks.
_PAN = """async (duration) => {
  const canvas = document.querySelector('[data-island=map] canvas');
  const box = canvas.getBoundingClientRect();
  const cx = box.left + box.width / 2, cy = box.top + box.height / 2;
  let frames = 0, long = 0;
  const observer = new PerformanceObserver((list) => { long += list.getEntries().length; });
  observer.observe({ type: 'longtask' });
  const fire = (type, x, y) => canvas.dispatchEvent(new MouseEvent(type, {
    bubbles: true, clientX: x, clientY: y, button: 0, buttons: type === 'mouseup' ? 0 : 1 }));
  fire('mousedown', cx, cy);
  const start = performance.now();
  await new Promise((done) => {
    const step = (now) => {
      frames += 1;
      const angle = (now - start) / 400;
      fire('mousemove', cx + 120 * Math.cos(angle), cy + 120 * Math.sin(angle));
      now - start < duration ? requestAnimationFrame(step) : done();
    };
    requestAnimationFrame(step);
  });
  fire('mouseup', cx, cy);
  observer.disconnect();
  return { frames, long };
}"""


def _octets(requests: Iterable[Request]) -> dict[str, int]:
    """Return what came over the wire; what the browser's cache gave is not counted."""
    total: dict[str, int] = {}
    for one in requests:
        kind = _kind(one)
        total[kind] = total.get(kind, 0) + _size(one)
    return total


def _size(request: Request) -> int:
    try:
        sizes = request.sizes()
    except Exception:  # noqa: BLE001 - a response cut by leaving the page has no size
        return 0
    # The browser counts below zero what came from its cache.
    return max(0, sizes["responseBodySize"]) + max(0, sizes["responseHeadersSize"])


def _kind(request: Request) -> str:
    path = urlsplit(request.url).path
    if "/tuiles/equipements/" in path:
        return "assets"
    if "/tuiles/fond/" in path:
        return "base"
    if path.endswith(".js"):
        return "script"
    if path.endswith(".css"):
        return "style"
    return "page" if request.is_navigation_request() else "other"


def _task_seconds(session: Any) -> float:
    metrics = session.send("Performance.getMetrics")["metrics"]
    return float(next(one["value"] for one in metrics if one["name"] == "TaskDuration"))


def _renderer(browser: Browser) -> str:
    page = browser.new_page()
    name: str = page.evaluate(
        """() => { const gl = document.createElement('canvas').getContext('webgl2');
        const named = gl && gl.getExtension('WEBGL_debug_renderer_info');
        return named ? gl.getParameter(named.UNMASKED_RENDERER_WEBGL) : ''; }"""
    )
    page.close()
    return name or _("no WebGL")


def _around(territory: TerritoryCard, *, zoom: int) -> list[Tile]:
    """Return the fifteen tiles around the middle of the town."""
    centre = tile_of(Position(territory.lon or 0.0, territory.lat or 0.0), zoom=zoom)
    return [
        Tile(zoom, centre.x + dx, centre.y + dy) for dx in (-2, -1, 0, 1, 2) for dy in (-1, 0, 1)
    ]


def _timed(
    base_url: str, cookies: list[Any], paths: Sequence[str]
) -> tuple[list[float], list[int]]:
    """Return milliseconds and octets of each answer, every path being asked several times."""
    parts = urlsplit(base_url)
    headers = {
        "Cookie": "; ".join(f"{one['name']}={one['value']}" for one in cookies),
        "Accept-Encoding": "gzip",
    }
    spent: list[float] = []
    sizes: list[int] = []
    for path in list(paths) * TILE_ROUNDS:
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=30)
        started = time.perf_counter()
        connection.request("GET", path, headers=headers)
        sizes.append(len(connection.getresponse().read()))
        spent.append((time.perf_counter() - started) * 1000)
        connection.close()
    return spent, sizes
