"""Words that the scripts of a page say, written into it as JSON so that gettext translates them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

WORDS: Final[Mapping[str, Promise]] = {
    "close": _("Close"),
    "copied": _("Copied"),
    "copy_failed": _("The copy failed: select the text and copy it by hand."),
    "failed": _("The server could not answer. Try again in a moment."),
    "refused": _("This is not allowed, or your session has ended: reload the page."),
    "unreachable": _("The server cannot be reached. Check the network."),
    "just_now": _("just now"),
    "live": _("Live"),
    "late": _("Delayed by {n} s"),
    "offline": _("Offline"),
    "connecting": _("Connecting"),
    "map_zoom_in": _("Zoom in"),
    "map_zoom_out": _("Zoom out"),
    "map_locate": _("Show where I am"),
    "map_no_location": _("The place could not be found"),
    "map_attribution": _("Sources of the map"),
    "map_gestures": _("Use two fingers to move the map"),
    "map_gestures_wheel": _("Hold Ctrl while scrolling to zoom"),
    "map_base_town": _("Town map"),
    "map_base_raster": _("IGN map"),
    "map_fit": _("Whole town"),
    "map_keys": _("Arrows move, plus and minus zoom, Enter opens the asset at the centre."),
    "map_nothing": _("Nothing at the centre of the map."),
    "map_failed": _("The map could not be drawn on this computer (WebGL is missing)."),
    "chart_loading": _("Loading the chart"),
    "chart_empty": _("No measure over this period"),
    "chart_failed": _("The chart could not be loaded."),
    "chart_keys": _("Chart. Left and right arrows read the values, plus zooms, Escape shows all."),
    "chart_min": _("min"),
    "chart_max": _("max"),
    "chart_doubtful": _("doubtful value"),
    "chart_gap": _("no measure"),
}
