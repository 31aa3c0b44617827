"""The table of actions: every entry is a known action, every category of the demo city worth a forecast has one."""

import pytest

from data.actions import ActionTable, load_actions
from data.demo.categories import category_names
from data.errors import SchemaError


def test_every_incident_type_of_the_demo_city_has_an_action():
    table = load_actions()
    types = [code for code in category_names() if code.endswith("00") and code[:2] in ("01", "02", "03", "04")]
    assert [code for code in types if not code.endswith("0000") and table.find(code) is None] == []
    assert table.find("UNHEARD OF") is None


def test_the_longest_code_wins():
    table = ActionTable({"010000": ("observe", "observe"), "010200": ("foot_patrol", "venue_check")})
    assert table.find("010203") == "foot_patrol"
    assert table.find("010203", 21) == "venue_check"
    assert table.find("010300") == "observe"


def test_an_unknown_action_is_refused(tmp_path):
    path = tmp_path / "actions.toml"
    path.write_text('[codes]\n1 = { action = "arrest" }\n')
    with pytest.raises(SchemaError, match="unknown actions arrest"):
        load_actions(path)
