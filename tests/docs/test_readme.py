"""The pages name only what exists, both READMEs are one page, and what the README shows is what happens."""

import re
import shlex
from dataclasses import fields
from pathlib import Path

import click
import pytest

from standbyctl import __version__
from standbyctl.app.config import AttachConfig, MonitorConfig, NodeConfig, SwitchoverConfig, parse_config
from standbyctl.ui.cli import cli
from tests.docs.console import Shell, follow, read_commands, reader

ROOT = Path(__file__).parents[2]
README, JAPANESE, TUTORIAL = ROOT / "README.md", ROOT / "README.ja.md", ROOT / "docs" / "tutorial.md"
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "tests" / "README.md"]
# A command ends where the shell, a code span or a line ends it. A path or a module of that name is no command.
COMMAND = re.compile(r"(?<![\w./-])standbyctl((?: +(?:'[^']*'|\"[^\"]*\"|[^\s`|;&()<>#'\"]+))+)")


def code(page):
    """Blocks and spans of code, without what a command prints."""
    text = page.read_text()
    blocks = re.findall(r"(?ms)^```(\w*)\n(.*?)^```$", text)
    lines = [line for kind, block in blocks if kind != "toml" for line in block.splitlines()]
    typed = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
    prose = re.sub(r"(?ms)^```.*?^```$", "", text)
    return [*typed, *re.findall(r"`([^`\n]+)`", prose), *re.findall(r"(?m)^ {4}(\S.*)$", prose)]


def commands(page):
    """The arguments of every `standbyctl ...` command line."""
    found = [arguments for text in code(page) for arguments in COMMAND.findall(text)]
    return [shlex.split(arguments) for arguments in found]


def blocks(page, kind):
    return re.findall(rf"(?ms)^```{kind}\n(.*?)^```$", page.read_text())


def check(args):
    """Parse a command line as click would; click.UsageError where it is none."""
    # With its settings: click remembers the help option of whichever context asks for it first.
    root = click.Context(cli, info_name="standbyctl", **cli.context_settings)
    if args[0].startswith("-"):
        cli.make_parser(root).parse_args(list(args))
        return
    command = cli.get_command(root, args[0])
    if command is None:
        raise click.UsageError(f"no such command: {args[0]}")
    if isinstance(command, click.Group) and len(args) > 1:
        root, args = click.Context(command, info_name=args[0], parent=root), args[1:]
        command = command.get_command(root, args[0])
        if command is None:
            raise click.UsageError(f"no such command: {args[0]}")
    context = click.Context(command, info_name=args[0], parent=root)
    values, rest, _ = command.make_parser(context).parse_args(list(args[1:]))
    assert rest == []
    for param in command.params:
        given = values.get(param.name)
        if isinstance(param.type, click.Choice) and isinstance(given, str):
            param.type.convert(given, param, context)


@pytest.mark.parametrize(
    "page", [README, JAPANESE, TUTORIAL, *sorted(ROOT.glob("docs/procedure*.md"))], ids=lambda page: page.name
)
def test_a_page_uses_only_verbs_and_options_that_exist(page):
    found = commands(page)
    assert len(found) > 5
    for args in found:
        check(args)


@pytest.mark.parametrize(
    "line", ["standbyctl rewind db2", "standbyctl plan --force", "standbyctl attach --hba telnet", "standbyctl -q"]
)
def test_what_does_not_exist_is_noticed(line):
    [arguments] = COMMAND.findall(line)
    with pytest.raises(click.UsageError):
        check(shlex.split(arguments))


def test_both_readmes_show_the_same_commands_and_the_same_output():
    assert commands(README) == commands(JAPANESE)
    for kind in ("console", "text", "toml"):
        assert blocks(README, kind) == blocks(JAPANESE, kind)


def test_both_readmes_have_the_same_tables():
    row = r"(?m)^\|.*\| (\d+) \| (\w\d+(?:, \w\d+)*) \|$"
    codes = [re.findall(row, page.read_text()) for page in (README, JAPANESE)]
    assert len(codes[0]) == 25
    assert codes[0] == codes[1]
    exits = [re.findall(r"(?m)^\| (\d+) \|", page.read_text()) for page in (README, JAPANESE)]
    assert exits[0] == exits[1] == ["0", "1", "2", "3", "4", "5", "70", "130"]


def test_the_readme_shows_every_key_of_the_configuration_and_no_other():
    [text] = blocks(README, "toml")
    config = parse_config(text, "README.md")
    shown = set(re.findall(r"(?m)^(\w+) =", text))
    kinds = (NodeConfig, AttachConfig, MonitorConfig, SwitchoverConfig)
    assert shown == {each.name for kind in kinds for each in fields(kind)}
    assert [node.name for node in config.nodes] == ["db1", "db2"]


def test_the_changelog_names_the_current_version():
    assert f"\n## [{__version__}] - " in (ROOT / "CHANGELOG.md").read_text()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        path, _, anchor = link.partition("#")
        if "://" in link:
            continue
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target), link


def anchors(page):
    """The headings of a page as a link names them."""
    headings = re.findall(r"(?m)^#+ (.*)$", page.read_text())
    return {re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


@pytest.mark.seldom
@pytest.mark.live
@pytest.mark.sample
@pytest.mark.timeout(120)
def test_the_readme_shows_what_happens(pair, tmp_path):
    config = tmp_path / "standbyctl.toml"
    config.write_text(f'[[node]]\nname = "db1"\nconninfo = "{pair.primary.conninfo}"\n')
    own = {"/srv/pg": str(pair.area.path), "--port 5433": f"--port {pair.port}"}
    settings = {key: value for key, value in pair.env.items() if key.startswith(("PG", "STANDBYCTL"))}
    shell = Shell(reader(**settings, STANDBYCTL_CONFIG=str(config)), tmp_path)
    try:
        follow(shell, README, read_commands(README.read_text()), own)
    finally:
        shell.close()
