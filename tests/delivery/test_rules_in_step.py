"""The rules of the code are rows of the database after every migration."""

import pytest

from delivery.exclusions import NATIVE_RULES
from delivery.models import TypologyRule


@pytest.mark.django_db
def test_every_native_rule_has_its_row_in_order() -> None:
    codes = list(TypologyRule.objects.values_list("code", flat=True))
    assert codes == [rule.code for rule in NATIVE_RULES]
