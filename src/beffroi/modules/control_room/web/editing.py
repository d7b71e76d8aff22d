"""Changing one asset: its form, taking it out of service, putting it back."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from beffroi.city.assets.api import (
    AssetChangedMeanwhile,
    AssetDetail,
    asset_remove,
    asset_restore,
    asset_update,
)
from beffroi.foundation.accounts.access import agent
from beffroi.foundation.audit.api import Actor
from beffroi.kernel.errors import BeffroiError
from beffroi.modules.control_room import api
from beffroi.modules.control_room.web.edit_forms import AssetForm, ReasonForm
from beffroi.modules.control_room.web.requests import (
    access_of,
    asset_url,
    base_map,
    found_or_404,
    scope_of,
    sentence_of,
    tiles_template,
)


@agent("assets.edit")
@require_http_methods(["GET", "HEAD", "POST"])
def asset_edit(request: HttpRequest, territory: str, asset: UUID) -> HttpResponse:
    """Correct the name, the place or the properties of an asset, for who keeps the register.

    Who saves after somebody else did is told what that person changed, and decides.
    """
    scope = scope_of(request, verb="assets.edit")
    detail: AssetDetail = found_or_404(lambda: api.asset_to_edit(asset, scope=scope))
    form = _form(request, request.POST or None, detail=detail)
    theirs: tuple[Any, ...] = ()
    if request.method == "POST" and form.is_valid():
        try:
            api.asset_change(asset, scope=scope, detail=detail, cleaned=form.cleaned_data)
        except AssetChangedMeanwhile as error:
            theirs = api.changes_since(detail, since=form.cleaned_data["read_at"], scope=scope)
            # What the person wrote stays, and a second save is one that knows.
            posted = request.POST.copy()
            posted["read_at"] = detail.summary.updated_at.isoformat()
            form = _form(request, posted, detail=detail)
            form.add_error(None, sentence_of(error))
        except BeffroiError as error:
            field = getattr(error, "field", "")
            form.add_error(field if field in form.fields else None, sentence_of(error))
        else:
            messages.success(request, _("The asset was changed."))
            return HttpResponseRedirect(asset_url(territory, asset))
    fixed = detail.shape is not None
    context = {
        "form": form,
        "theirs": theirs,
        "map": None if fixed else _place_map(territory, detail),
        "fixed_place": fixed,
        **_page(territory, detail, here=_("Edit")),
    }
    return render(request, "control_room/asset_edit.html", context)


@agent("assets.edit")
@require_safe
def asset_parents(request: HttpRequest, territory: str, asset: UUID) -> HttpResponse:
    """Suggest assets that this one may depend on, while a name is being written."""
    del territory
    scope = scope_of(request, verb="assets.edit")
    detail: AssetDetail = found_or_404(lambda: api.asset_to_edit(asset, scope=scope))
    found = api.parents_named(request.GET.get("parent", ""), of=detail, scope=scope_of(request))
    return render(
        request,
        "control_room/parts/parents.html",
        {"parents": [(api.parent_text(one), one) for one in found]},
    )


@agent("assets.delete")
@require_http_methods(["GET", "HEAD", "POST"])
def asset_take_out(request: HttpRequest, territory: str, asset: UUID) -> HttpResponse:
    """Say what taking an asset out of service does, ask why, and do it."""
    scope = scope_of(request, verb="assets.delete")
    detail: AssetDetail = found_or_404(lambda: api.asset_to_edit(asset, scope=scope))
    if detail.removed_at is not None:
        return HttpResponseRedirect(asset_url(territory, asset))
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        asset_remove(asset, scope=scope, reason=form.cleaned_data["reason"], actor=_actor(request))
        messages.success(request, _("The asset was taken out of service."))
        return HttpResponseRedirect(asset_url(territory, asset))
    context = {
        "form": form,
        "devices": [item.device for item in detail.attachments if item.until is None],
        "children": detail.children_count,
        **_page(territory, detail, here=_("Take out of service")),
    }
    return render(request, "control_room/asset_remove.html", context)


@agent("assets.delete")
@require_POST
def asset_put_back(request: HttpRequest, territory: str, asset: UUID) -> HttpResponse:
    """Put an asset back on the map and the lists."""
    scope = scope_of(request, verb="assets.delete")
    found_or_404(lambda: asset_restore(asset, scope=scope, actor=_actor(request)))
    messages.success(request, _("The asset is back in service. Attach its device again."))
    return HttpResponseRedirect(asset_url(territory, asset))


@agent("assets.edit")
@require_POST
def asset_checked(request: HttpRequest, territory: str, asset: UUID) -> HttpResponse:
    """Note that an asset which a file no longer names was checked and is still there."""
    scope = scope_of(request, verb="assets.edit")
    found_or_404(lambda: asset_update(asset, scope=scope, changes={"absent_from": ""}))
    messages.success(request, _("Noted: the asset is still there."))
    return HttpResponseRedirect(asset_url(territory, asset))


def _form(request: HttpRequest, posted: Any, *, detail: AssetDetail) -> AssetForm:
    access = access_of(request)
    url = reverse(
        "control_room:asset_parents",
        kwargs={"territory": access.slug, "asset": detail.summary.uuid},
    )
    return AssetForm(posted, detail=detail, scope=scope_of(request), parents_url=url)


def _actor(request: HttpRequest) -> Actor:
    access = access_of(request)
    return Actor(user_id=access.user_id, name=access.user_name)


def _page(territory: str, detail: AssetDetail, *, here: str) -> dict[str, Any]:
    page_url = asset_url(territory, detail.summary.uuid)
    return {
        "asset": detail.summary,
        "page_url": page_url,
        "crumbs": [
            (_("City map"), reverse("control_room:city", kwargs={"territory": territory})),
            (detail.summary.title, page_url),
            (here, None),
        ],
    }


def _place_map(territory: str, detail: AssetDetail) -> dict[str, Any]:
    return {
        **base_map(territory),
        "asset_tiles": tiles_template(territory, name="assets:tile"),
        "domains": [],
        "point": [detail.summary.lon, detail.summary.lat],
        "interactive": False,
    }
