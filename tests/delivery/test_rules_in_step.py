"""The rules of the code are rows of the database after every migration."""

import pytest

from delivery.models import TypologyRule
from delivery.rules import registered_rules


@pytest.mark.django_db
def test_every_rule_of_the_code_has_its_row() -> None:
    rows = TypologyRule.objects.filter(kind=TypologyRule.Kind.NATIVE)
    codes = list(rows.values_list("code", flat=True))
    assert codes == [rule.code for rule in registered_rules()]
