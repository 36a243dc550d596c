"""The console's own pages: each asks who may open it, finds its row, or refuses."""

import pytest
from django.contrib import admin
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from audiences.console import pages
from audiences.console.pages import Page
from audiences.models import LandingPage
from audiences.registry import RegisteredTwice

from .conftest import World, clerk

pytestmark = pytest.mark.one_database

ALL = list(pages._pages.values())
OF_A_ROW = [page for page in ALL if "<int:pk>" in page.route]
MISSING = 987_654


def _url(page: Page, pk: int) -> str:
    rest = {"who": "link"} if "<str:who>" in page.route else {}
    rest |= {"profile_id": str(pk)} if "<int:profile_id>" in page.route else {}
    return reverse(f"admin:{page.name}", kwargs={"pk": pk, **rest})


def test_every_page_says_who_may_open_it() -> None:
    asks_itself = {
        # Each kind of import has permissions of its own.
        "audiences_importrun_cancel",
        "audiences_importrun_columns",
        "audiences_importrun_confirm",
        "audiences_importrun_rejects",
    }
    assert {page.name for page in ALL if not page.needed} == asks_itself


@pytest.mark.parametrize("page", OF_A_ROW, ids=lambda page: page.name)
def test_a_page_of_no_row_is_not_found(page: Page, admin_client: Client) -> None:
    ask = admin_client.post if page.method else admin_client.get
    assert ask(_url(page, MISSING)).status_code == 404


@pytest.mark.parametrize("page", OF_A_ROW, ids=lambda page: page.name)
def test_who_lacks_the_permission_learns_nothing_about_rows(
    page: Page, world: World
) -> None:
    by_code = any("." in code for code in page.needed)
    client = clerk("nobody")
    ask = client.post if page.method else client.get
    assert ask(_url(page, MISSING)).status_code == (403 if by_code else 404)


def test_a_page_for_one_method_refuses_others(
    world: World, admin_client: Client
) -> None:
    posted = [page for page in OF_A_ROW if page.method == "POST"]
    assert posted
    for page in posted:
        assert admin_client.get(_url(page, MISSING)).status_code == 405, page.name


def test_a_page_is_made_once() -> None:
    def again(*_arguments: object) -> dict[str, object]:
        return {}

    with pytest.raises(RegisteredTwice, match="audiences_landingpage_publish"):
        pages.page(LandingPage, "publish", route="again/")(again)


def test_pages_belong_to_admins_that_show_them() -> None:
    def own(model: type[Model]) -> object:
        return admin.site._registry[model]

    assert all(isinstance(own(page.model), pages.PlainAdmin) for page in ALL)
