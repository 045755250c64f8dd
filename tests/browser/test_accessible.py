"""Every kind of page can be read, in light and in dark, on a wide screen and on a small telephone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
from django.template.loader import render_to_string
from django.urls import Resolver404, resolve
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Response, Route

from otklik.channels.registry import all_connected
from otklik.demo import urls as demo
from otklik.people import urls as people
from otklik.portal import signin, write
from otklik.portal import urls as portal
from otklik.workplace import urls as workplace
from tests import components, sizes
from tests.browser import axe
from tests.browser.axe import NARROW, WIDE
from tests.browser.house import serving

pytestmark = pytest.mark.browser

LINKS = "() => [...document.querySelectorAll('a[href]:not([download])')].map((one) => one.href)"
# Folded parts are read as well; the menu of a person floats over the page and is opened on its own.
UNFOLD = "() => document.querySelectorAll('details:not(.menu)').forEach((one) => { one.open = true; })"
# These pages differ by the state of what they show, «Сегодня» by who looks.
BY_ADDRESS = {"workplace:card", "workplace:inbox", "workplace:dispatch", "workplace:sign"}
BY_PERSON = {"workplace:today"}
ERRORS = ("400.html", "403_csrf.html", "500.html")


# Files, parts of a page, addresses that only take a form and send on, and a year that looks like any other.
NO_PAGES = {
    *(
        f"workplace:{one}"
        for one in ("help_picture", "news_told", "exercise_begin", "exercise_leave", "exercise_panel")
    ),
    *(f"demo:{one}" for one in ("eml", "file")),
    *(f"portal:{one}" for one in ("feedback_contact", "status_file", "vote", "sitemap", "ask_qr", "ask_mistyped")),
    *(f"portal:{one}" for one in ("write_answers", "write_opened", "knowledge_read")),
    *(f"portal:account_{one}" for one in ("enter", "returned", "leave", "more", "file")),
    "workplace:knowledge_clear_recent",
    "workplace:figure_target_end",
    *("workplace:reception_official_feed", "portal:reception_feed"),
    *(
        f"workplace:{one}"
        for one in (
            *(
                "sign_package",
                "sign_folder",
                "sign_back",
                "sign_scans",
                "sign_attest",
                "sign_scan",
                "sign_group",  # of a group only: its own story judges it
                "sign_marked",
                "answer_copy",
            ),
            *("scan_separator", "scan_progress", "scan_accept", "scan_picture", "scan_copy", "scan_label"),
            *("post_list_table", "post_list_remove"),
            *(
                "sed_file",
                "menu",
                "neighbour",
                "approval",
                "context",
                "matter",
                "delivery_state",
                "styled",
                "calendar_year",
            ),
            *(
                "original",
                "quarantine_original",
                "incoming_file",
                "outgoing_file",
                "draft_pdf",
                "draft_word",
                "variant_file",
                "variant_letter",
                "letter",
                "package",
            ),
            *("join", "reject", "note", "read", "reveal", "merge", "undo_merge", "draft_autosave", "draft_materials"),
            *(
                "draft_insert",
                "draft_aside",
                "draft_decline",
                "restore",
                "freeze",
                "withdraw",
                "send",
                "undo_send",
                "resend",
            ),
            *("settle", "posted", "another_way", "close", "quarantine_retry", "quarantine_reject"),
            *("bell", "attention", "colleagues", "notices_read"),
            *("palette", "around", "bulk_begin", "here_appeal", "here_message", "keep_view", "remove_view"),
            *("staff_sample", "employee_password", "employee_unblock", "transfer_cancel"),
            *("suggested", "alike", "draft_append", "reopen", "set_aside", "calendar_approve", "away_cancel"),
            *("journal_export", "access_export", "journal_seals"),
            *("token_end", "try_mail", "bulk_progress", "system_summary", "review_confirm_each", "review_protocol_pdf"),
            "line_restore",
            *("missed_step", "missed_dial", "promise_step", "promise_dial"),
            *("appointment_times", "appointment_step", "visit_request_step"),
            *("call_open", "call_keep", "call_script", "call_act", "call_close"),
            *("call_incoming", "search_aside", "call_caller", "call_search", "call_material", "call_votes"),
            *("line_day_remove", "ekc_search", "ekc_sample"),
            *("intake_sample", "cover_report", "report_given"),
            *("survey_revise", "survey_preview", "survey_publish", "survey_drop", "survey_poster", "survey_qr"),
            *("paper_blank", "paper_blanks", "paper_keep", "paper_undo", "paper_end", "paper_settle", "paper_count"),
            *("paper_check_all", "paper_scan"),
            "front_board",
            *("pos_import_progress", "pos_term", "pos_mark"),
            *("history_import_progress", "history_import_errors", "full_export_file"),
            *("sending_try", "webhook_step", "resend_many"),
            *("hold_step", "hold_rows", "reception_pdf", "recording_add", "recording"),
            *("channel_try", "channel_silence"),
            "report_step",
            # Prints, macros, storage
            *("envelopes_of_list", "journal_of_list", "registration_card", "envelope", "whole_case_file"),
            *("macro_end", "tick", "storage_act_pdf", "applicant_export"),
            # Pages of channels that are connected: until one is built there is none.
            *(() if all_connected() else ("channel_settings", "channel_switch")),
            *("part_assemble", "sed_sample"),
            *("sstu_progress", "sstu_volume"),
            # Kept safe, paper and outage
            *("backup_now", "drill_now", "outage_blank", "guard_list"),
            *("knowledge_vote", "knowledge_read", "vote_decide"),
            *("questions_sample", "search_confidence", "test_set_progress"),
        )
    ),
}
# Steps of signing in that need a telephone, a key or a directory: the story of sign-in looks at them.
STEPS_OF_SIGN_IN = {
    *("mfa_login_webauthn", "mfa_authenticate", "session", "mfa_reauthenticate", "mfa_reauthenticate_webauthn"),
    *("end_everywhere", "end_session", "mfa_deactivate_totp", "mfa_view_recovery_codes", "mfa_list_webauthn"),
    *("mfa_edit_webauthn", "mfa_remove_webauthn", "openid_connect_login", "openid_connect_callback"),
    *("mfa_generate_recovery_codes", "socialaccount_login_cancelled", "socialaccount_login_error", "account_logout"),
    *("mfa_activate_totp", "mfa_add_webauthn"),
}


@dataclass
class Found:
    """What is wrong with the pages seen."""

    url: str
    kinds: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)
    inked: set[str] = field(default_factory=set)
    looked: dict[str, list[str]] = field(default_factory=dict)  # kind of page → who has looked at it
    axe: list[str] = field(default_factory=list)
    sideways: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


@pytest.fixture
def found(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Found]:
    """Walk the whole house once."""
    components.CHROMIUM.require()
    fill = "import json; from tests.browser import department; print(json.dumps(department.fill()))"
    with serving(tmp_path_factory.mktemp("small"), fill) as (url, _, printed):
        filled = json.loads(printed.splitlines()[-1])
        found = Found(url)
        for login, session in filled["sessions"].items():
            walker = Walker(browser, found, login)
            walker.context.add_cookies([{"name": "sessionid", "value": session, "url": url}])
            walker.follow(["/desk/", *filled["pages"].get(login, [])])
            if login == "clerk":
                walker.use_the_desk()
            if login == "auditor":
                walker.check_the_journals()
            walker.leave()
        citizen = Walker(browser, found, "")
        citizen.follow(["/", "/stand/mail/", "/accounts/login/", "/api/v1/"])
        citizen.write_and_ask(filled)
        citizen.see_errors()
        citizen.leave()
        applicant = Walker(browser, found, "заявитель")
        applicant.follow(["/account/", "/embed/write/"])
        applicant.context.add_cookies([{"name": signin.SESSION_COOKIE, "value": filled["applicant"], "url": url}])
        applicant.see_the_account()
        applicant.leave()
        yield found


class Walker:
    """One person's browser: opens each kind of page that nobody has looked at yet."""

    def __init__(self, browser: Browser, found: Found, who: str) -> None:
        self.found, self.who, self.followed = found, who, set[str]()
        self.context: BrowserContext = browser.new_context(locale="ru-RU", viewport=WIDE, reduced_motion="reduce")
        self.context.add_init_script(axe.AXE)
        self.page: Page = self.context.new_page()
        self.context.on("console", self._heard)
        self.context.on("weberror", lambda error: found.said.append(f"{self._here()}: {error.error}"))
        self.context.on("response", self._answered)

    def follow(self, start: list[str]) -> None:
        """Open the pages, then the pages they lead to, until no new kind is left: to anybody, in full to him."""
        waiting = [urljoin(self.found.url, one) for one in start]
        known = self.followed if sizes.FULL else self.found.kinds
        while waiting:
            url = waiting.pop(0)
            if (kind := self._kind(url)) is None or kind in known:
                continue
            known.add(kind)
            if self.open(url, kind):
                waiting += self.page.evaluate(LINKS)

    def open(self, url: str, kind: str) -> bool:
        """Go there and look; tell whether it is a page whose links are to be followed."""
        if kind.startswith("wagtail") and "/cms/" in url:
            # The editors' pages are Wagtail's own: they have to open without an error, their looks are not ours.
            self.page.goto(url)
            return False
        try:
            answer = self.page.goto(url)
        except Exception as failure:  # a file is downloaded, not shown
            if "Download is starting" in str(failure):
                return False
            raise
        if answer is None or answer.status >= 400:
            self.found.refused.append(f"{self.who or 'гость'} {url}: {answer.status if answer else 'нет ответа'}")
            return False
        self.look(kind)
        return True

    def look(self, kind: str) -> None:
        """Judge the page as it is: wide, its colours in both themes, then narrow.

        Colours come from styles: letters that stand in the same place of another page have been judged there,
        and are judged again in full.
        """
        page, name = self.page, f"{kind} ({self.who or 'гость'}, {urlsplit(self.page.url).path})"
        self.found.names.add(_name(urlsplit(page.url).path))
        self.found.looked.setdefault(kind, []).append(self.who or "гость")
        page.evaluate(UNFOLD)
        self.found.axe += [f"{name}: {one}" for one in axe.findings(page, axe.NO_COLOURS)]
        ways = dict(zip(page.evaluate(axe.INKED), count(), strict=False))
        places = [place for way, place in ways.items() if sizes.FULL or way not in self.found.inked]
        self.found.inked |= set(ways)
        for theme in ("light", "dark") if places else ():
            page.emulate_media(color_scheme=theme)
            told = axe.findings(page, axe.ONLY_COLOURS, places)
            self.found.axe += [f"{name}, {theme}: {one}" for one in told]
        page.set_viewport_size(NARROW)
        if wider := page.evaluate(axe.SIDEWAYS):
            self.found.sideways.append(f"{name}: {wider}")
        page.set_viewport_size(WIDE)
        page.emulate_media(color_scheme="light")

    def use_the_desk(self) -> None:
        """Open what is behind no link: the person's menu, the sheet of keys, what the box offers and finds."""
        self.page.goto(f"{self.found.url}/desk/")
        self.page.locator(".topbar details.menu > summary").click()
        self.look("menu of a person")
        self.page.keyboard.press("Escape")
        self.page.locator("body").press("Shift+Slash")
        self.look("sheet of keys")
        self.page.keyboard.press("Escape")
        self.page.locator("#search-box").fill("гараж")
        self.page.locator("#palette [role=option]").first.wait_for()
        self.look("palette")
        self.page.locator("#search-box").press("Enter")
        self.page.wait_for_url("**/desk/search/**")
        self.look("search at the desk")
        self.page.goto(f"{self.found.url}/desk/appeals/?view=all")
        self.page.locator(".row-link").first.click()
        self.page.locator("#note-text").press_sequentially("Прошу @")
        self.page.locator(".mention-list [role=option]").first.wait_for()
        self.look("note with colleagues offered")
        self.page.locator("#note-text").fill("")
        self.page.once("dialog", lambda dialog: dialog.accept())
        self.page.goto(f"{self.found.url}/desk/appeals/?view=all")
        self.page.locator(".row-tick").first.check()
        self.look("list with a ticked row")
        self.page.get_by_role("button", name="С отмеченными").click()
        self.page.wait_for_url("**/desk/bulk/**")
        self.look("one step over many")

    def check_the_journals(self) -> None:
        """Press the auditor's button: its page has no address of its own to follow."""
        self.page.goto(f"{self.found.url}/desk/journal/")
        self.page.get_by_role("button", name="Проверить цепочки").click()
        self.page.wait_for_url("**/desk/journal/verify/")
        self.look("journals checked")

    def write_and_ask(self, filled: dict[str, Any]) -> None:
        """Write to the department step by step, ask for an answered message, say what one thinks."""
        page, further = self.page, self.page.locator("button.is-main:visible")
        page.goto(f"{self.found.url}/write/")
        further.click()
        self.look("write: who, with errors")
        page.get_by_label("Гражданин").check()
        page.get_by_label("Фамилия").fill("Примеров")
        page.get_by_label("Имя", exact=True).fill("Иван")
        further.click()
        self.look("write: how to answer")
        page.get_by_label("По почте").first.check()
        further.click()
        self.look("write: how to answer, with errors")
        page.get_by_label("На сайте").first.check()
        further.click()
        self.look("write: text")
        page.get_by_label("Ваше сообщение").fill("Здравствуйте! Как узнать, свободен ли участок рядом с моим домом?")
        further.click()
        self.look("write: review")
        page.wait_for_timeout(1000 * (write.QUICKEST_SECONDS + 1))  # who is quicker is taken for a program
        page.get_by_role("button", name="Отправить").click()
        page.wait_for_url("**/write/done/")
        self.look("write: done")
        page.goto(f"{self.found.url}/status/")
        page.get_by_label("Номер").fill(filled["number"])
        page.get_by_label("Код").fill(filled["code"])
        page.get_by_role("button", name="Показать").click()
        page.wait_for_url("**/status/view/")
        self.look("status of an answered message")
        for kind in ("invitation", "answered_invitation"):
            self.open(f"{self.found.url}/feedback/{filled[kind]}/", f"feedback: {kind}")
        self.open(f"{self.found.url}/o/13/", "portal:ask")
        page.get_by_label("звонили").check()
        page.get_by_role("group", name="Получен ли ответ").get_by_label("да", exact=True).check()
        page.get_by_label("частично удовлетворен").check()
        page.get_by_role("button", name="Отправить отзыв").click()
        self.look("portal:ask_thanks")
        page.get_by_role("link", name="Оставить телефон").click()
        self.look("portal:ask_contact")
        self.open(f"{self.found.url}/reception/{filled['visit']}/?move=1", "portal:visit_own")
        self.open(f"{self.found.url}/reception/ask/", "portal:visit_ask")
        for label, words in (("Фамилия", "Примеров"), ("Имя", "Иван"), ("Телефон", "+7 913 000-00-04")):
            page.get_by_label(label, exact=True).fill(words)
        page.get_by_label("С каким вопросом придёте").fill("Аренда")
        page.get_by_role("button", name="Отправить").click()
        self.look("portal:visit_asked")
        self.page.goto(f"{self.found.url}/?q=гараж")
        self.look("portal: found")

    def see_the_account(self) -> None:
        """Look at the account of somebody signed in, at an answered appeal there, at the form with his name."""
        for address, kind in (("/account/", "portal:account of somebody"), ("/write/", "write: signed in")):
            self.open(f"{self.found.url}{address}", kind)
        self.page.goto(f"{self.found.url}/account/")
        self.page.locator(".portal-letters a").first.click()
        self.page.wait_for_url("**/account/letters/**")
        self.look("portal:account_letter")

    def see_errors(self) -> None:
        """Look at pages of refusal; those that no address gives are put in the place of one."""
        self.context.remove_listener("console", self._heard)  # the browser itself complains about 404
        self.page.goto(f"{self.found.url}/nothing/")
        self.look("404.html")
        for name in ERRORS:
            address, body = f"{self.found.url}/refused/{name}", render_to_string(name)
            self.page.route(address, partial(Route.fulfill, content_type="text/html; charset=utf-8", body=body))
            self.page.goto(address)
            self.look(name)

    def leave(self) -> None:
        """Close the browser of this person."""
        self.context.close()

    def _kind(self, url: str) -> str | None:
        """Return the name of the kind of page, None for what is not walked: other hosts, files."""
        path = urlsplit(url).path
        if not url.startswith(self.found.url) or Path(path).suffix:
            return None
        name = _name(path)
        if name == "wagtail_serve":
            return f"{name} {path.strip('/').count('/')}"
        if name in BY_ADDRESS:
            return f"{name} {path}"
        if name in NO_PAGES:
            return None
        return f"{name} {self.who}" if name in BY_PERSON else name

    def _here(self) -> str:
        return f"{self.who or 'гость'} {urlsplit(self.page.url).path}"

    def _heard(self, message: ConsoleMessage) -> None:
        # A form that is refused answers 422, as it should: the browser mentions every such answer.
        if message.type == "error" and "422" not in message.text:
            self.found.said.append(f"{self._here()}: {message.text}")

    def _answered(self, response: Response) -> None:
        if response.status >= 500:
            self.found.refused.append(f"{self.who or 'гость'} {response.url}: {response.status}")


def _name(path: str) -> str:
    """Return the name of an address, or the address itself where it has none."""
    try:
        return resolve(path).view_name or path
    except Resolver404:
        return path


@pytest.mark.proof
def test_every_page_can_be_read_by_everybody_in_any_light_on_any_screen(found: Found) -> None:
    """One test, so that nobody walks twice: no serious finding of axe, nothing wider than a small telephone,
    no error in the browser, no link to a refusal, and no page of ours left out."""
    for kind, who in sorted(found.looked.items()):
        print(f"{kind}: {', '.join(who)}")  # noqa: T201 - the table of pages and roles, with -s
    rooms = {"workplace": workplace, "portal": portal, "demo": demo}
    every = {f"{room}:{one.name}" for room, urls in rooms.items() for one in urls.urlpatterns}
    every |= {str(one.name) for one in people.urlpatterns}
    wrong = {
        "axe": found.axe,
        "wider than the screen": found.sideways,
        "said by the browser": found.said,
        "refused": found.refused,
        "never looked at": sorted(every - found.names - NO_PAGES - STEPS_OF_SIGN_IN),
    }
    assert not any(wrong.values()), "\n".join(f"{what}: {one}" for what, those in wrong.items() for one in those)
