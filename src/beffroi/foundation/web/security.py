"""Security headers of every page: nothing inline, nothing evaluated, nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

SELF: Final = "'self'"
NONE: Final = "'none'"


def content_security_policy(*, tile_origins: Iterable[str] = ()) -> dict[str, Any]:
    """Return the ``CONTENT_SECURITY_POLICY`` setting of django-csp.

    ``tile_origins`` are the servers of configured raster base maps, as ``https://data.geopf.fr``;
    none by default. ``data:`` images are the QR code of the second factor and the map's own icons.
    """
    origins = list(tile_origins)
    return {
        "DIRECTIVES": {
            "default-src": [NONE],
            "base-uri": [NONE],
            "connect-src": [SELF, *origins],
            "font-src": [SELF],
            "form-action": [SELF],
            "frame-ancestors": [NONE],
            "img-src": [SELF, "data:", *origins],
            "manifest-src": [SELF],
            "object-src": [NONE],
            "script-src": [SELF],
            "style-src": [SELF],
            "worker-src": [SELF],
        }
    }


CONTENT_SECURITY_POLICY: Final = content_security_policy()

PERMISSIONS_POLICY: Final = ", ".join(
    (
        *(
            f"{feature}=()"
            for feature in (
                "accelerometer",
                "autoplay",
                "camera",
                "display-capture",
                "gyroscope",
                "magnetometer",
                "microphone",
                "midi",
                "payment",
                "usb",
            )
        ),
        # A technician finds the lamp in front of them; a passkey signs an agent in.
        "fullscreen=(self)",
        "geolocation=(self)",
        "publickey-credentials-create=(self)",
        "publickey-credentials-get=(self)",
    )
)

HEADERS: Final = {
    "Permissions-Policy": PERMISSIONS_POLICY,
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Permitted-Cross-Domain-Policies": "none",
}
"""Headers that Django and django-csp do not write themselves."""
