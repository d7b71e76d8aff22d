"""The map in a real browser: time, octets, main-thread cost, tile latency.

Frames per second are not measured: without a graphics card the software renderer alone needs
about a tenth of a second a frame, with or without assets. What is ours is the main thread.
"""

from __future__ import annotations

import http.client
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from beffroi.foundation.accounts.api import SignInLinkIssued, people, sign_in_link_create
from beffroi.foundation.database.api import acting_for
from beffroi.foundation.territories.api import TerritoryCard
from beffroi.kernel.errors import ConfigurationError
from beffroi.kernel.geometry import Position, Tile, tile_of

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page, Response

Say = Callable[[str], None]

PAN_SECONDS = 4.0
CITY_ZOOM, STREET_ZOOM = 12, 15
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
class MapRun:
    """One opening of the map."""

    interactive_ms: float
    tile_octets: int
    all_octets: int
    main_ms_per_frame: float
    long_tasks: int
    frames: int


def bench_map(
    territory: TerritoryCard, *, base_url: str, chromium: str, runs: int, say: Say
) -> None:
    """Open the map ``runs`` times with an empty cache and tell medians; then time the tiles.

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
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(_FLAGS))
        cookies = _signed_in(browser, link, base_url)
        taken = [_open_map(browser, cookies, territory, base_url) for _ in range(runs)]
        renderer = _renderer(browser)
        browser.close()
    say(f"carte de {territory.name}, {runs} ouvertures sans cache, médianes ({renderer})")
    say(f"  interactive après          {_median(taken, 'interactive_ms'):8.0f} ms   (but : 3 000)")
    say(f"  données de la ville        {_median(taken, 'tile_octets') / 1e3:8.1f} ko   (but : 100)")
    say(f"  tout, scripts compris      {_median(taken, 'all_octets') / 1e3:8.1f} ko")
    frame_ms, long_tasks = _median(taken, "main_ms_per_frame"), _median(taken, "long_tasks")
    say(f"  fil principal par image    {frame_ms:8.1f} ms   (60 i/s : 16)")
    say(f"  tâches de plus de 50 ms    {long_tasks:8.0f} en {PAN_SECONDS:g} s de déplacement")
    for label, zoom in (("ville", CITY_ZOOM), ("rue", STREET_ZOOM)):
        for kind in ("equipements", "fond"):
            say(_tiles(territory, base_url, cookies, kind=kind, zoom=zoom, label=label))


def _median(taken: list[MapRun], name: str) -> float:
    return float(statistics.median(getattr(run, name) for run in taken))


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


def _open_map(
    browser: Browser, cookies: list[Any], territory: TerritoryCard, base_url: str
) -> MapRun:
    context: BrowserContext = browser.new_context(viewport={"width": 1440, "height": 900})
    context.add_cookies(cookies)
    page: Page = context.new_page()
    responses: list[Response] = []
    page.on("response", lambda one: responses.append(one))  # noqa: PLW0108 - a builtin is refused
    session = context.new_cdp_session(page)
    session.send("Performance.enable")
    started = time.perf_counter()
    page.goto(f"{base_url}/t/{territory.slug}/ville/", wait_until="commit")
    page.wait_for_selector("[data-island=map][data-ready]", timeout=60_000)
    interactive_ms = (time.perf_counter() - started) * 1000
    page.wait_for_timeout(1_500)
    # The live stream never ends, so it has no size.
    octets = [(one.url, _octets(one)) for one in list(responses) if "/live/" not in one.url]
    before = _task_seconds(session)
    watched = page.evaluate(_PAN, PAN_SECONDS * 1000)
    main_ms = (_task_seconds(session) - before) * 1000
    context.close()
    return MapRun(
        interactive_ms=interactive_ms,
        tile_octets=sum(size for url, size in octets if "/tuiles/equipements/" in url),
        all_octets=sum(size for _, size in octets),
        main_ms_per_frame=main_ms / max(1, watched["frames"]),
        long_tasks=watched["long"],
        frames=watched["frames"],
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


def _octets(response: Response) -> int:
    try:
        sizes = response.request.sizes()
    except Exception:  # noqa: BLE001 - a response cut by leaving the page has no size
        return 0
    return int(sizes["responseBodySize"]) + int(sizes["responseHeadersSize"])


def _task_seconds(session: Any) -> float:
    metrics = session.send("Performance.getMetrics")["metrics"]
    return float(next(one["value"] for one in metrics if one["name"] == "TaskDuration"))


def _renderer(browser: Browser) -> str:
    page = browser.new_page()
    name: str = page.evaluate(
        """() => { const gl = document.createElement('canvas').getContext('webgl2');
        return gl ? gl.getParameter(gl.RENDERER) : 'sans WebGL'; }"""
    )
    page.close()
    return name


def _tiles(
    territory: TerritoryCard,
    base_url: str,
    cookies: list[Any],
    *,
    kind: str,
    zoom: int,
    label: str,
) -> str:
    centre = tile_of(Position(territory.lon or 0.0, territory.lat or 0.0), zoom=zoom)
    around = [
        Tile(zoom, centre.x + dx, centre.y + dy) for dx in (-2, -1, 0, 1, 2) for dy in (-1, 0, 1)
    ]
    parts = urlsplit(base_url)
    cookie = "; ".join(f"{one['name']}={one['value']}" for one in cookies)
    spent: list[float] = []
    sizes: list[int] = []
    for tile in around * 4:
        path = f"/t/{territory.slug}/tuiles/{kind}/{tile.z}/{tile.x}/{tile.y}.mvt"
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=30)
        started = time.perf_counter()
        connection.request("GET", path, headers={"Cookie": cookie, "Accept-Encoding": "gzip"})
        response = connection.getresponse()
        sizes.append(len(response.read()))
        spent.append((time.perf_counter() - started) * 1000)
        connection.close()
    cuts = statistics.quantiles(spent, n=20)
    return (
        f"  tuiles {kind:<12} z{zoom} ({label:<5})  p50 {statistics.median(spent):6.1f} ms  "
        f"p95 {cuts[18]:6.1f} ms  moyenne {statistics.mean(sizes) / 1e3:6.1f} ko"
    )
