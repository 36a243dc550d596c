"""People for the browser: a server of its own sees only what is committed."""

import pytest

from tests.admin.conftest import World, make_world


@pytest.fixture
def world(db: None) -> World:
    return make_world()
