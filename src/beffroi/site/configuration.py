"""What an administrator may set, read once from the environment and checked.

Every setting is documented in ``docs/guide/settings.md``; a test holds the two together.
"""

from __future__ import annotations

import ipaddress
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from beffroi.kernel.errors import ConfigurationError

_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off", ""})


@dataclass(frozen=True, slots=True)
class Configuration:
    """The whole configuration of one installation."""

    data_dir: Path
    secret_key: str = field(repr=False)
    debug: bool
    allowed_hosts: tuple[str, ...]
    public_url: str
    source_url: str
    behind_tls: bool
    raster_tiles: str
    raster_attribution: str
    email_url: str = field(repr=False)
    web_workers: int
    raw_message_days: int
    hot_days: int
    clock_ahead_minutes: int
    clock_behind_days: int
    webhook_networks: str

    @property
    def tile_origins(self) -> tuple[str, ...]:
        """Return the server of the raster base map, as a policy names it, when there is one."""
        if not self.raster_tiles:
            return ()
        parts = urlsplit(self.raster_tiles)
        return (f"{parts.scheme}://{parts.netloc}",)


def default_data_dir(environment: Mapping[str, str]) -> Path:
    """Return where data goes when nobody names a place."""
    if os.geteuid() == 0:
        return Path("/var/lib/beffroi")
    home = environment.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(home) / "beffroi"


def read(environment: Mapping[str, str] | None = None) -> Configuration:
    """Read the configuration.

    Raises:
        ConfigurationError: a value is not of its form; the message names the variable.
    """
    env = os.environ if environment is None else environment
    data_dir = Path(env.get("BEFFROI_DATA_DIR") or default_data_dir(env)).expanduser().absolute()
    public_url = env.get("BEFFROI_PUBLIC_URL", "http://localhost:8000").rstrip("/")
    if not public_url.startswith(("http://", "https://")):
        raise ConfigurationError(
            "BEFFROI_PUBLIC_URL is {value}, which is not a web address.",
            way_out="Write it with its scheme, as https://ville.example.fr.",
            params={"value": public_url},
        )
    return Configuration(
        data_dir=data_dir,
        secret_key=env.get("BEFFROI_SECRET_KEY") or _kept_secret(data_dir),
        debug=_boolean(env, "BEFFROI_DEBUG", default=False),
        allowed_hosts=_hosts(env, public_url),
        public_url=public_url,
        source_url=_source(env.get("BEFFROI_SOURCE_URL", "")),
        behind_tls=public_url.startswith("https://"),
        raster_tiles=_tiles(env.get("BEFFROI_RASTER_TILES", "")),
        raster_attribution=env.get("BEFFROI_RASTER_ATTRIBUTION", ""),
        email_url=env.get("BEFFROI_EMAIL_URL", ""),
        web_workers=_integer(env, "BEFFROI_WEB_WORKERS", default=2, low=1, high=64),
        raw_message_days=_integer(env, "BEFFROI_RAW_MESSAGE_DAYS", default=90, low=1, high=3660),
        hot_days=_integer(env, "BEFFROI_HOT_DAYS", default=1, low=1, high=60),
        clock_ahead_minutes=_integer(
            env, "BEFFROI_CLOCK_AHEAD_MINUTES", default=10, low=0, high=10_080
        ),
        clock_behind_days=_integer(env, "BEFFROI_CLOCK_BEHIND_DAYS", default=0, low=0, high=36_500),
        webhook_networks=_networks(env.get("BEFFROI_WEBHOOK_NETWORKS", "")),
    )


def _hosts(env: Mapping[str, str], public_url: str) -> tuple[str, ...]:
    named = tuple(host.strip() for host in env.get("BEFFROI_HOSTS", "").split(",") if host.strip())
    own = public_url.split("://", 1)[1].split("/", 1)[0].rsplit(":", 1)[0]
    return (*named, own, "localhost", "127.0.0.1", "[::1]")


def _source(url: str) -> str:
    if url and not url.startswith(("http://", "https://")):
        raise ConfigurationError(
            "BEFFROI_SOURCE_URL is {value}, which is not a web address.",
            way_out="Write it with its scheme, as https://ville.example.fr.",
            params={"value": url},
        )
    return url


def _tiles(template: str) -> str:
    if template and not (
        template.startswith("https://") and all(part in template for part in ("{z}", "{x}", "{y}"))
    ):
        raise ConfigurationError(
            "BEFFROI_RASTER_TILES is {value}, which is no template of tiles.",
            way_out="Write an https address that contains {{z}}, {{x}} and {{y}}.",
            params={"value": template},
        )
    return template


def _networks(text: str) -> str:
    for part in filter(None, (part.strip() for part in text.split(","))):
        try:
            ipaddress.ip_network(part)
        except ValueError as problem:
            raise ConfigurationError(
                "BEFFROI_WEBHOOK_NETWORKS holds {value}, which is not a network.",
                way_out="Write networks separated by commas, as 10.1.0.0/16, 192.168.3.4/32.",
                params={"value": part},
            ) from problem
    return text


def _kept_secret(data_dir: Path) -> str:
    """Return the installation's own secret, made at its first start and readable by it alone."""
    path = data_dir / "secret_key"
    try:
        return path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        pass
    data_dir.mkdir(parents=True, exist_ok=True)
    fresh = secrets.token_urlsafe(50)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text(encoding="ascii").strip()
    with os.fdopen(descriptor, "w", encoding="ascii") as stream:
        stream.write(fresh)
    return fresh


def _boolean(env: Mapping[str, str], name: str, *, default: bool) -> bool:
    text = env.get(name)
    if text is None:
        return default
    if text.strip().lower() in _TRUE:
        return True
    if text.strip().lower() in _FALSE:
        return False
    raise ConfigurationError(
        "{name} is {value}, which is neither yes nor no.",
        way_out="Write {name}=1 or {name}=0.",
        params={"name": name, "value": text},
    )


def _integer(env: Mapping[str, str], name: str, *, default: int, low: int, high: int) -> int:
    text = env.get(name)
    if not text:
        return default
    if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
        raise ConfigurationError(
            "{name} is {value}, which is not a whole number from {low} to {high}.",
            way_out="Correct it, or leave it out to have {default}.",
            params={"name": name, "value": text, "low": low, "high": high, "default": default},
        )
    return int(text)
