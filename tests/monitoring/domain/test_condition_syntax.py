import pytest

from monitoring.domain.condition_syntax import UnableToParseCondition, parse_condition
from monitoring.domain.conditions import Function, Literal, Operator, Placeholder, Reading


def test_parse_condition_keeps_the_path():
    condition = parse_condition("  len([BODY].items[0].na-me) >= 3 ")

    assert condition.text == "len([BODY].items[0].na-me) >= 3"
    assert condition.left == Reading(
        "len([BODY].items[0].na-me)", Placeholder.BODY, ("items", 0, "na-me"), Function.LEN
    )
    assert condition.operator is Operator.AT_LEAST
    assert condition.right == Literal("3")


def test_parse_condition_leaves_an_operator_inside_a_pattern_alone():
    condition = parse_condition("pat(a == b*) == [BODY]")

    assert condition.left.text == "pat(a == b*)"
    assert condition.right == Reading("[BODY]", Placeholder.BODY)


@pytest.mark.parametrize(
    ("text", "position", "reason"),
    [
        ("", 1, "no comparison"),
        ("[STATUS]", 9, "no comparison"),
        ("[STATUS] = = 200", 17, "no comparison"),
        ("[STATUS]==200", 9, "== needs a space on each side"),
        ("[STATUS] ==", 12, "nothing to compare with"),
        (" == 200", 2, "a side of the comparison is empty"),
        ("[STATSU] == 200", 1, r"\[STATSU\] is no placeholder; there are \[STATUS\]"),
        ("[status] == 200", 1, r"write \[STATUS\]"),
        ("200 == [STATUS].x", 16, r"nothing may follow \[STATUS\]"),
        ("[BODY]..a == 1", 7, "the path into the body breaks here"),
        ("[BODY].a[x] == 1", 9, "the path into the body breaks here"),
        ("[BODY].a b == 1", 9, "the path into the body breaks here"),
        ("len([BODY].a == 1", 13, r"len\( is not closed"),
        ("pat(a == [BODY]", 16, "the parenthesis is not closed"),
        ("len([STATUS]) == 1", 5, r"len\(\) reads the body"),
        ("len(abc) == 3", 5, "abc is no placeholder"),
        ("has([BODY]) == true", 5, r"has\(\) asks for a field"),
        ("has([BODY].a) == yes", 18, r"write has\(\[BODY\].a\) == true"),
        ("[CONNECTED] > 0", 15, r"\[CONNECTED\] is true or false"),
        ("size([BODY].a) == 1", 1, "unknown function"),
        ("[STATUS] == any(200,)", 13, r"any\(\) has an empty option"),
        ("[STATUS] == any(2xx, 301)", 13, "'2xx' is no status code"),
        ("[STATUS] == any([BODY].a, 301)", 13, "plain values only"),
        ("[STATUS] == pat()", 13, r"pat\(\) is empty"),
        ("[STATUS] < pat(4*)", 12, "go with == and != only"),
        ("pat(4*) == any(1, 2)", 12, "not each other"),
        ("[STATUS] == ok", 13, "'ok' is no status code"),
        ("[RESPONSE_TIME] < potato", 19, "'potato' is neither"),
        ("fast > [RESPONSE_TIME]", 1, "'fast' is neither"),
        ("[RESPONSE_TIME] == soon", 20, "'soon' is no duration"),
        ("[CERTIFICATE_EXPIRATION] > 30", 28, "'30' would be milliseconds"),
        ("[STATUS] == 200 && [BODY].ok == true", 30, "one comparison"),
        ("[STATUS] == 200\n", 16, "cannot be printed"),
        ("[BODY] == " + "x" * 1000, 1001, "longer than 1000 characters"),
    ],
)
def test_parse_condition_says_where_and_how_to_mend(text, position, reason):
    with pytest.raises(UnableToParseCondition, match=reason) as caught:
        parse_condition(text)

    assert caught.value.position == position
