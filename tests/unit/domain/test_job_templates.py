import pytest

from chalicelib.domain.errors import Invalid, TooLarge
from chalicelib.domain.job_templates import (
    check_template,
    check_variables,
    default_template,
    effective,
    render,
)

TEMPLATE = {
    "job_configuration": {
        "command": "{{ command }}",
        "image": "{{registry}}/{{ image }}:latest",
        "env": "{{ env }}",
        "nested": {"cpu": "{{ cpu }}", "list": ["a", "{{ cpu }}", "{{ missing }}"]},
        "fixed": 3,
    },
    "variables": {
        "type": "object",
        "properties": {
            "command": {"type": "string", "default": None},
            "registry": {"type": "string", "default": "docker.io"},
            "image": {"type": "string"},
            "env": {
                "type": "object",
                "additionalProperties": {"type": "string"},
                "default": {"A": "1", "B": "1"},
            },
            "cpu": {"type": "integer"},
            "missing": {"type": "string"},
        },
        "required": ["image"],
    },
}


def paths(raised: pytest.ExceptionInfo[Invalid]) -> list[str]:
    return [problem.path for problem in raised.value.errors]


def test_later_values_win_and_types_are_kept():
    rendered = render(TEMPLATE, {"image": "flow", "cpu": 1}, {"cpu": 2, "registry": "ghcr.io"})
    assert rendered == {
        "command": None,
        "image": "ghcr.io/flow:latest",
        "env": {"A": "1", "B": "1"},
        "nested": {"cpu": 2, "list": ["a", 2]},
        "fixed": 3,
    }


def test_environments_are_merged_all_else_is_replaced():
    first = {"env": {"B": "2", "C": "2"}, "cpu": {"min": 1}}
    rendered = render(TEMPLATE, first, {"env": {"C": "3"}, "cpu": {"max": 2}})
    assert rendered["env"] == {"A": "1", "B": "2", "C": "3"}
    assert rendered["nested"]["cpu"] == {"max": 2}


def test_a_placeholder_without_value_is_dropped_with_its_key_or_leaves_nothing_in_a_text():
    rendered = render(TEMPLATE)
    assert rendered["nested"] == {"list": ["a"]}
    assert rendered["image"] == "docker.io/:latest"


def test_rendering_changes_neither_template_nor_defaults():
    before = repr(TEMPLATE)
    render(TEMPLATE, {"env": {"Z": "1"}})
    assert repr(TEMPLATE) == before


def test_values_are_not_templates():
    assert render(TEMPLATE, {"command": "{{ cpu }}", "cpu": 4})["command"] == "{{ cpu }}"


def test_the_default_template_is_right_and_renders_to_its_defaults():
    template = default_template("process")
    check_template(template)
    check_variables(template, {}, complete=True)
    rendered = render(template)
    assert rendered["grace_seconds"] == 30
    assert rendered["stream_output"] is True
    assert rendered["env"] == {}
    assert rendered["command"] is None
    assert set(rendered) == set(template["variables"]["properties"])
    assert all(
        {"title", "description", "default"} <= set(variable)
        for variable in template["variables"]["properties"].values()
    )


def test_default_templates_are_not_shared():
    default_template("process")["variables"]["properties"].clear()
    assert default_template("process")["variables"]["properties"]


def test_an_unknown_type_has_no_default():
    with pytest.raises(Invalid) as raised:
        default_template("quantum")
    assert paths(raised) == ["type"]


def test_an_empty_template_means_the_default():
    check_template({})
    assert effective({}) == default_template("process")
    assert effective(TEMPLATE) == TEMPLATE


@pytest.mark.parametrize(
    ("template", "path"),
    [
        ({"job_configuration": {}}, "base_job_template.variables"),
        ({"variables": {}}, "base_job_template.job_configuration"),
        ({"job_configuration": [], "variables": {}}, "base_job_template.job_configuration"),
        ({"job_configuration": {}, "variables": {"type": "array"}}, "base_job_template.variables.type"),
        (
            {"job_configuration": {"a": ["{{ nope }}"]}, "variables": {}},
            "base_job_template.job_configuration.a.0",
        ),
        ({"job_configuration": {"a": "x {{ }} y"}, "variables": {}}, "base_job_template.job_configuration.a"),
        ({"job_configuration": {"a": "{{ a.b }}"}, "variables": {}}, "base_job_template.job_configuration.a"),
        (
            {"job_configuration": {}, "variables": {"properties": {"a": {"type": "int"}}}},
            "base_job_template.variables.properties.a.type",
        ),
    ],
)
def test_wrong_templates_are_refused_with_the_place(template, path):
    with pytest.raises(Invalid) as raised:
        check_template(template)
    assert path in paths(raised)


def test_templates_are_bounded():
    many = {"job_configuration": {"a": "{{ x }}" * 201}, "variables": {"properties": {"x": {}}}}
    with pytest.raises(Invalid, match="201 placeholders"):
        check_template(many)
    with pytest.raises(TooLarge):
        check_template({"job_configuration": {"a": "x" * 103_000}, "variables": {}})


@pytest.mark.parametrize(
    ("variables", "path"),
    [
        ({"cpus": 1}, "job_variables.cpus"),
        ({"cpu": "1"}, "job_variables.cpu"),
        ({"env": {"A": 1}}, "job_variables.env.A"),
        ({"env": None}, "job_variables.env"),
    ],
)
def test_wrong_variables_are_refused_with_the_place(variables, path):
    with pytest.raises(Invalid) as raised:
        check_variables(TEMPLATE, variables)
    assert paths(raised) == [path]


def test_a_variable_may_be_missing_until_all_are_there():
    check_variables(TEMPLATE, {"cpu": 1, "command": None})
    with pytest.raises(Invalid) as raised:
        check_variables(TEMPLATE, {"cpu": 1}, complete=True)
    assert paths(raised) == ["job_variables.image"]


def test_the_environment_of_processes_takes_references_to_secrets_and_nothing_like_them():
    template = default_template("process")
    good = {"env": {"A": "1", "B": None, "C": {"$secret": "env:DB"}, "D": {"$secret": "ssm:/team/db"}}}
    check_variables(template, good)
    assert render(template, good)["env"] == good["env"]
    for bad in ({"$secret": "hunter2"}, {"$secret": "env:A", "value": "hunter2"}, {}):
        with pytest.raises(Invalid) as raised:
            check_variables(template, {"env": {"C": bad}})
        assert paths(raised)[0].startswith("job_variables")
        assert "hunter2" not in str(raised.value.errors)
