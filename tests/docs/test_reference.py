"""The reference page of codes: generated, whole, and true of the tool that is here."""

import re
from pathlib import Path

import click
import pytest

from standbyctl.diagnosis.catalogue import ALL
from standbyctl.ui.reference import render_reference
from tests.docs.test_readme import COMMAND, anchors, check

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "codes.md"


def test_the_page_is_what_the_catalogue_says(pytestconfig):
    if pytestconfig.getoption("--update-golden"):
        PAGE.parent.mkdir(exist_ok=True)
        PAGE.write_text(render_reference())
    assert PAGE.read_text() == render_reference(), "make golden writes it anew"


def test_nothing_else_is_generated():
    assert [path.name for path in PAGE.parent.iterdir()] == [PAGE.name]


def test_every_code_has_a_heading_that_can_be_linked_to():
    assert {entry.code.lower() for entry in ALL} <= anchors(PAGE)


def test_markdown_takes_nothing_of_the_prose_for_its_own():
    before, after = render_reference().split("## The primary", 1)
    prose = re.sub(r"(?ms)^  ```$.*?^  ```$", "", after)
    lines = [re.sub(r"^(- |\*\*)|\*\*$|\\.", "", line) for line in prose.splitlines()]
    assert [line for line in lines if re.search(r"[*<`\[$]", line)] == []
    assert before.count("`") % 2 == 0


def commands(entry):
    """What an entry has typed that begins with standbyctl; words in capitals are the reader's."""
    for way in entry.do:
        for line in str(way).splitlines()[1:]:
            if found := COMMAND.fullmatch(line):
                yield re.findall(r"'[^']*'|\S+", found[1])


@pytest.mark.parametrize("entry", ALL, ids=lambda entry: entry.code)
def test_an_entry_names_only_verbs_and_options_that_exist(entry):
    for args in commands(entry):
        check([arg for arg in args if arg != "OPTIONS"])
    options = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", " ".join(str(way) for way in entry.do)))
    assert options <= known_options() | OF_OTHERS


# Options of pip, pg_config, pg_checksums and the like.
OF_OTHERS = {"--pkglibdir", "--enable"}


def known_options():
    from standbyctl.ui.cli import cli

    root = click.Context(cli, info_name="standbyctl")
    verbs = [cli.get_command(root, name) for name in cli.list_commands(root)]
    verbs += [each for verb in verbs if isinstance(verb, click.Group) for each in verb.commands.values()]
    return {option for verb in verbs for param in verb.params for option in param.opts} | {"--version", "--help"}
