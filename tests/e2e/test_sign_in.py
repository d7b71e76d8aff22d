"""From an invitation to a town's page, with a passkey or an application, in a real browser."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from conftest import Town
from playwright.sync_api import Browser, BrowserContext, CDPSession, Page, expect
from watching import complaints_of

PASSWORD = "quatre-pavés-sous-le-tilleul"
TOTP_STEP_S = 30

AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture
def stranger(chromium: Browser) -> Iterator[BrowserContext]:
    """A browser that has never come."""
    made = chromium.new_context(locale="fr-FR")
    yield made
    made.close()


def by_name(town: Town, path: str) -> str:
    """Return an address by the machine's name: a passkey belongs to a name, not to a number."""
    return f"http://localhost:{town.installation.port}{path}"


def open_account(page: Page, town: Town, email: str) -> None:
    """Follow an invitation up to the choice of a second factor."""
    out = town.installation.run("people", "invite", "montpellier", email)
    found = re.search(r"/compte/invitation/\S+", out)
    assert found, out
    page.goto(by_name(town, found.group()))
    page.locator("[name=full_name]").fill("Nouvelle Personne")
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("[name=again]").fill(PASSWORD)
    page.locator("main form button[type=submit]").click()
    # No page of the town before a second factor: it sends to where one is chosen.
    page.goto(by_name(town, "/t/montpellier/domaines/"))
    page.wait_for_url("**/compte/second-facteur/choisir/**")


def sign_out(page: Page) -> None:
    page.context.clear_cookies()


def test_a_passkey_is_enrolled_then_signs_in_alone(town: Town, stranger: BrowserContext) -> None:
    page = stranger.new_page()
    complaints = complaints_of(page)
    cdp: CDPSession = stranger.new_cdp_session(page)
    cdp.send("WebAuthn.enable")
    device = cdp.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
    open_account(page, town, "passe@example.org")
    page.locator("a[href*='/cles/ajouter/']").click()
    page.locator("[name=name]").fill("Ordinateur de l’accueil")
    page.locator("[name=passwordless]").check()
    page.locator("#mfa_webauthn_add").click()
    page.wait_for_url(re.compile(r"/t/montpellier/|/second-facteur/(?!cles/ajouter)"))
    kept = cdp.send("WebAuthn.getCredentials", {"authenticatorId": device["authenticatorId"]})[
        "credentials"
    ]
    assert len(kept) == 1
    page.goto(by_name(town, "/t/montpellier/domaines/"))
    expect(page.locator("h1")).to_be_visible()
    assert "/compte/" not in page.url
    sign_out(page)
    page.goto(by_name(town, "/t/montpellier/domaines/"))
    page.wait_for_url("**/compte/connexion/**")
    page.locator("#passkey_login").click()
    page.wait_for_url(re.compile(r"^[^?]*/t/montpellier/domaines/"))
    assert complaints == []
    # Another device's key opens nothing.
    sign_out(page)
    cdp.send("WebAuthn.clearCredentials", {"authenticatorId": device["authenticatorId"]})
    page.goto(by_name(town, "/t/montpellier/domaines/"))
    assert "/compte/connexion/" in page.url


def test_an_application_is_enrolled_then_asked_for(town: Town, stranger: BrowserContext) -> None:
    page = stranger.new_page()
    complaints = complaints_of(page)
    open_account(page, town, "application@example.org")
    page.locator("a[href*='/second-facteur/application/']").click()
    # Folded or not: it stands there for who cannot scan the square.
    shown = page.locator("main").text_content() or ""
    secret = re.search(r"\b[A-Z2-7]{32}\b", shown)
    assert secret, shown
    page.locator("[name=code]").fill(code_of(secret.group()))
    page.locator("main form button[type=submit]").click()
    page.wait_for_url(re.compile(r"/t/montpellier/|/secours/|/second-facteur/$"))
    sign_out(page)
    page.goto(by_name(town, "/t/montpellier/domaines/"))
    page.locator("[name=login]").fill("application@example.org")
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("main form button[type=submit]").first.click()
    page.wait_for_url("**/second-facteur/verifier/**")
    page.goto(by_name(town, "/t/montpellier/domaines/"))
    assert "/t/" not in page.url.partition("?")[0], "a password alone opens nothing"
    page.goto(by_name(town, "/compte/second-facteur/verifier/"))
    page.locator("[name=code]").first.fill("000000")
    page.locator("main form button[type=submit]").first.click()
    expect(page.locator("main [aria-invalid=true], main .error-summary").first).to_be_visible()
    # A code opens once: the one of the next half minute, which the server takes as well.
    page.locator("[name=code]").first.fill(code_of(secret.group(), ahead=1))
    page.locator("main form button[type=submit]").first.click()
    page.wait_for_url(re.compile(r"/t/montpellier/"))
    assert complaints == []


def code_of(secret: str, *, ahead: int = 0) -> str:
    """Return what the application shows now, or ``ahead`` half minutes later."""
    step = int(time.time()) // TOTP_STEP_S + ahead
    return str(format_hotp_value(hotp_value(secret, step)))
