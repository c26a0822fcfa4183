"""Two hosts side by side: what differs blocks where it matters, and what is unknown is never taken for equal."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from standbyctl.domain.errors import Blocker, Need
from standbyctl.domain.facts import Setting
from standbyctl.domain.likeness import Build, ClockGap, Likeness, Locale, Ordered, OrderedText
from standbyctl.domain.message import msg
from standbyctl.domain.service import Service
from standbyctl.domain.survey import HostRoom, Survey
from standbyctl.domain.target import Target
from standbyctl.observe.likeness import parse_likeness, wanted_locales
from standbyctl.planner.attach import plan_attach
from standbyctl.planner.preflight import preflight
from tests.pure.examples import ATTACHED, GB, OUR_ROLE, SAMPLE, TARGET, facts, server
from tests.pure.said import question
from tests.pure.test_preflight import OF_TWO_HOSTS, line

BOOKWORM = Build("x86_64, 64-bit", "02013e00", "glibc 2.36", "72", ("plpgsql.so",))
TRIXIE = replace(BOOKWORM, libc="glibc 2.41", icu="76")
TEXT = OrderedText(libc=Ordered(2, ("app.public.t_name", "app.public.t_note")))
DEBIAN = Service("postgresql@16-main.service", "/etc/postgresql/16/main/postgresql.conf", True, "postgres")


def survey(likeness: Likeness, **changes: Any) -> Survey:
    return Survey(today="2026-11-23", likeness=likeness, **changes)


def blockers(likeness: Likeness, target: Target = TARGET, **changes: Any) -> tuple[Blocker, ...]:
    """What a plan says of two hosts; the same is in a preflight (test_ready_is_exactly_a_plan_without_blockers)."""
    return plan_attach(facts(), replace(SAMPLE, survey=survey(likeness, **changes)), target).blockers


def seen(likeness: Likeness, code: str, target: Target = TARGET, **changes: Any) -> tuple[str, str]:
    return line(preflight(facts(), replace(SAMPLE, survey=survey(likeness, **changes)), target), code)


def notes(likeness: Likeness, target: Target = TARGET) -> str:
    return "\n".join(map(str, plan_attach(facts(), replace(SAMPLE, survey=survey(likeness)), target).notes))


# --- the order of text


def test_two_hosts_alike_are_said_to_be_and_nothing_blocks() -> None:
    alike = Likeness(BOOKWORM, BOOKWORM)
    assert blockers(alike) == ()
    assert seen(alike, "P215") == ("OK", "glibc 2.36; ICU 72, as on the host of db1")


def test_another_libc_with_indexes_in_its_order_is_refused_with_their_names() -> None:
    [blocker] = blockers(Likeness(BOOKWORM, replace(BOOKWORM, libc="glibc 2.41"), ordered=TEXT))
    assert (blocker.code, blocker.refused, blocker.need) == ("P215", True, Need.WAY)
    assert "2 indexes or tables are in its order" in str(blocker.what)
    assert "db1 has glibc 2.36, db2 glibc 2.41" in str(blocker.detail)
    assert "app.public.t_name, app.public.t_note." in str(blocker.detail)
    assert "2.28" not in str(blocker.detail)
    assert "--despite libc" in str(blocker.hint)


def test_what_is_not_named_is_counted() -> None:
    many = OrderedText(icu=Ordered(14, tuple(f"app.public.t{n}" for n in range(10))))
    [blocker] = blockers(Likeness(BOOKWORM, replace(BOOKWORM, icu="76"), ordered=many))
    assert "app.public.t9 and 4 more." in str(blocker.detail)
    assert "--despite icu" in str(blocker.hint)


def test_another_version_in_whose_order_nothing_is_kept_is_well() -> None:
    differs = Likeness(BOOKWORM, TRIXIE, ordered=OrderedText())
    assert blockers(differs) == ()
    assert seen(differs, "P215") == (
        "OK",
        "glibc 2.41 (db1: glibc 2.36); ICU 76 (db1: ICU 72); no index is in their order",
    )


def test_each_library_blocks_for_what_is_in_its_own_order() -> None:
    [blocker] = blockers(Likeness(BOOKWORM, TRIXIE, ordered=TEXT))
    assert "--despite libc" in str(blocker.hint)
    both = replace(TEXT, icu=Ordered(1, ("app.public.t_icu",)))
    assert [each.code for each in blockers(Likeness(BOOKWORM, TRIXIE, ordered=both))] == ["P215", "P215"]


def test_an_override_names_what_it_overrides_and_is_not_forgotten() -> None:
    both = replace(TEXT, icu=Ordered(1, ("app.public.t_icu",)))
    differs = Likeness(BOOKWORM, TRIXIE, ordered=both)
    [blocker] = blockers(differs, replace(TARGET, despite=("libc",)))
    assert "the ICU of db2" in str(blocker.what)
    overridden = replace(TARGET, despite=("icu", "libc"))
    assert blockers(differs, overridden) == ()
    assert seen(differs, "P215", overridden)[0] == "WARN"
    said = notes(differs, overridden)
    assert "(--despite libc): read nothing there" in said
    assert "app.public.t_name" in said
    assert "app.public.t_icu" in said


def test_a_database_that_could_not_be_looked_into_is_not_taken_for_one_without_text() -> None:
    untold = OrderedText(untold=(msg("{name} ({why})", name="vault", why=msg("takes no connections")),))
    [blocker] = blockers(Likeness(BOOKWORM, replace(BOOKWORM, libc="glibc 2.41"), ordered=untold))
    assert "could not be told" in str(blocker.what)
    assert "Could not tell: vault (takes no connections)." in str(blocker.detail)
    assert "In that order" not in str(blocker.detail)


@pytest.mark.parametrize(
    ("here", "there", "known"),
    [
        ("glibc 2.24", "glibc 2.36", True),
        ("glibc 2.41", "glibc 2.27", True),
        ("glibc 2.28", "glibc 2.31", False),
        ("glibc 2.31", "glibc 2.36", False),
        ("glibc 2.9", "glibc 2.28", True),
        ("glibc 2.24", "musl 1.2.5", False),
    ],
)
def test_the_great_change_of_glibc_is_named_where_it_lies_between(here: str, there: str, known: bool) -> None:
    [blocker] = blockers(Likeness(replace(BOOKWORM, libc=here), replace(BOOKWORM, libc=there), ordered=TEXT))
    assert ("2.28, which lies between" in str(blocker.detail)) == known


@pytest.mark.parametrize("side", ["primary", "standby"])
@pytest.mark.parametrize(("what", "words"), [("libc", "not known: the C library"), ("icu", "not known: ICU")])
def test_an_unknown_version_is_unknown_and_not_equal(side: str, what: str, words: str) -> None:
    unknown = replace(Likeness(BOOKWORM, BOOKWORM), **{side: replace(BOOKWORM, **{what: ""})})
    assert unknown.differing == ()
    status, said = seen(unknown, "P215")
    assert status == "UNKNOWN"
    assert words in said


def test_a_server_without_icu_differs_from_one_with_it() -> None:
    icu = OrderedText(icu=Ordered(1, ("app.public.t_icu",)))
    [blocker] = blockers(Likeness(BOOKWORM, replace(BOOKWORM, icu="none"), ordered=icu))
    assert "db1 has ICU 72, db2 no ICU" in str(blocker.detail)


# --- locales


def test_a_locale_that_is_missing_blocks_with_the_very_lines_that_make_it() -> None:
    missing = (
        Locale("en_US.utf8", ("database app", "lc_messages")),
        Locale("de_DE@euro", ("database eu",), "ISO-8859-15"),
    )
    [blocker] = blockers(Likeness(BOOKWORM, BOOKWORM, locales_missing=missing, locale_gen=True))
    assert (blocker.code, blocker.refused) == ("P216", False)
    assert "locales en_US.utf8, de_DE@euro" in str(blocker.what)
    assert "en_US.utf8: database app, lc_messages; de_DE@euro: database eu." in str(blocker.detail)
    assert blocker.hint.lines == (
        "echo 'en_US.UTF-8 UTF-8' >>/etc/locale.gen",
        "echo 'de_DE@euro ISO-8859-15' >>/etc/locale.gen",
        "locale-gen",
    )
    [blocker] = blockers(Likeness(BOOKWORM, BOOKWORM, locales_missing=missing))
    assert blocker.hint.lines == (
        "localedef -i en_US -f UTF-8 en_US.UTF-8",
        "localedef -i de_DE@euro -f ISO-8859-15 de_DE@euro",
    )


@pytest.mark.parametrize("name", ["x'; rm -rf /", "$(id)", "", "en_US.UTF-8 x", "german"])
def test_no_line_to_type_is_made_of_a_name_that_is_none_of_a_locale(name: str) -> None:
    [blocker] = blockers(
        Likeness(BOOKWORM, BOOKWORM, locales_missing=(Locale(name, ("database a",)),), locale_gen=True)
    )
    assert blocker.hint.lines == ()


def test_where_locales_cannot_be_tried_that_is_said() -> None:
    assert seen(Likeness(BOOKWORM, BOOKWORM, locales_missing=None), "P216")[0] == "UNKNOWN"
    assert seen(Likeness(BOOKWORM, BOOKWORM), "P216") == ("OK", "all known")


# --- architecture, memory, libraries, minor versions


def test_another_architecture_is_impossible() -> None:
    [blocker] = blockers(Likeness(BOOKWORM, replace(BOOKWORM, architecture="aarch64, 64-bit", program="0201b700")))
    assert (blocker.code, blocker.need) == ("P217", Need.IMPOSSIBLE)
    assert "db1: x86_64, 64-bit. db2: aarch64, 64-bit." in str(blocker.detail)


def test_32_bit_programs_on_the_same_kernel_are_another_architecture() -> None:
    [blocker] = blockers(Likeness(BOOKWORM, replace(BOOKWORM, architecture="x86_64, 32-bit", program="01010300")))
    assert blocker.code == "P217"


def test_without_programs_the_architecture_is_unknown_unless_the_machines_differ() -> None:
    without = Build(architecture="x86_64")
    assert seen(Likeness(BOOKWORM, without), "P217") == ("UNKNOWN", "not known: x86_64 (db1: x86_64, 64-bit)")
    assert [each.code for each in blockers(Likeness(BOOKWORM, Build(architecture="aarch64")))] == ["P217"]


def test_what_the_primary_has_in_libdir_and_the_standby_has_not_is_named_and_no_blocker() -> None:
    more = replace(BOOKWORM, libraries=("plpgsql.so", *(f"x{n:02}.so" for n in range(12))))
    status, said = seen(Likeness(more, BOOKWORM), "P209")
    assert (status, blockers(Likeness(more, BOOKWORM))) == ("WARN", ())
    assert said.endswith("x09.so and 2 more")
    assert seen(Likeness(more, replace(BOOKWORM, libraries=())), "P209")[0] == "OK"
    assert seen(Likeness(BOOKWORM, more), "P209")[0] == "OK"


def test_an_older_minor_release_than_the_primarys_is_a_warning() -> None:
    found = preflight(facts(server(version_num=160015)), replace(SAMPLE, survey=Survey()), TARGET)
    assert line(found, "P202") == (
        "WARN",
        "16.14 in /usr/lib/postgresql/16/bin, and db1 runs 16.15: update the standby's first",
    )
    assert line(preflight(facts(server(version_num=160013)), SAMPLE, TARGET), "P202")[0] == "OK"


def test_memory_and_huge_pages_are_compared_with_what_the_standbys_own_file_asks_for() -> None:
    small = HostRoom(memory_bytes=4 * GB, available_bytes=4 * GB, huge_pages_free_bytes=0)
    on_primary = (
        Setting("shared_buffers", str(8 * GB // 8192), "configuration file"),
        Setting("huge_pages", "on", "configuration file"),
    )
    alike = Likeness(BOOKWORM, BOOKWORM)
    own = replace(alike, own=(("huge_pages", "try"), ("shared_buffers", "16384")))
    there = replace(TARGET, service=DEBIAN)
    assert [each.code for each in blockers(alike, settings=on_primary, host=small)] == ["P208", "P208"]
    assert blockers(own, there, settings=on_primary, host=small) == ()
    assert seen(own, "P208", there, settings=on_primary, host=small) == (
        "OK",
        "shared_buffers is 128 MB; the host has 4 GB",
    )
    # postgresql.auto.conf comes with every copy.
    auto = tuple(replace(each, file="/pg/db1/postgresql.auto.conf") for each in on_primary)
    assert [each.code for each in blockers(own, there, settings=auto, host=small)] == ["P208", "P208"]
    # What cannot be read is not known, and not the primary's.
    assert seen(replace(own, own=None), "P208", there, settings=on_primary, host=small)[0] == "UNKNOWN"


# --- clocks


@pytest.mark.parametrize(
    ("gap", "status", "words"),
    [
        (ClockGap(0.004, 0.05), "OK", "0.00 s ahead of that of db1, give or take 0.05 s"),
        (ClockGap(-2.0, 0.05), "OK", "2.00 s behind"),
        (ClockGap(-5.06, 0.05), "WARN", "5.06 s behind"),
        (ClockGap(9.0, 6.0), "OK", "give or take 6.00 s"),
        (None, "UNKNOWN", "not known"),
    ],
)
def test_clocks_are_told_apart_only_beyond_doubt(gap: ClockGap | None, status: str, words: str) -> None:
    seen_now = seen(Likeness(BOOKWORM, BOOKWORM, clock=gap), "P218")
    assert seen_now[0] == status
    assert words in seen_now[1]
    assert ("the clocks of the two hosts" in notes(Likeness(BOOKWORM, BOOKWORM, clock=gap))) == (status == "WARN")


_SHORT = st.floats(0, 3)


@given(st.lists(_SHORT, min_size=6, max_size=6), st.floats(-1000, 1000), st.floats(-1000, 1000))
def test_the_true_difference_is_within_what_is_said_whatever_the_ways_took(
    took: list[float], here: float, there: float
) -> None:
    to_1, work_1, back_1, to_2, work_2, back_2 = took
    words = said(
        **{"db1.asked": 100.0, "db1.answered": 100.0 + to_1 + work_1 + back_1},
        **{"primary.began": 100.0 + to_1 + here, "primary.ended": 100.0 + to_1 + work_1 + here},
        **{"db2.asked": 100.0, "db2.answered": 100.0 + to_2 + work_2 + back_2},
        **{"standby.began": 100.0 + to_2 + there, "standby.ended": 100.0 + to_2 + work_2 + there},
    )
    found = parse_likeness(question(), RAW, words)
    assert found is not None
    assert found.clock is not None
    assert abs(found.clock.seconds - (there - here)) <= found.clock.give_or_take + 1e-6
    assert found.clock.give_or_take <= (to_1 + back_1 + to_2 + back_2) / 2 + 1e-6


# --- from the words of the hosts

RAW: dict[str, Any] = {
    "clock": 1764000000.5,
    "up_seconds": 100.0,
    "locales": [
        {"name": "C", "databases": ["plain"]},
        {"name": "en_US.UTF-8", "databases": ["app", "postgres"]},
    ],
    "settings": [
        {"name": "lc_messages", "value": "de_DE.UTF-8", "file": "/pg/db1/postgresql.conf"},
        {"name": "lc_time", "value": "en_US.UTF-8", "file": "/pg/db1/postgresql.auto.conf"},
        {"name": "lc_numeric", "value": "", "file": ""},
        {"name": "shared_buffers", "value": "16384", "file": ""},
    ],
}
SAID = """\
primary.started=1763999900
primary.program=02013e00
primary.architecture=x86_64, 64-bit
primary.libc=glibc 2.36
primary.icu=72
primary.libraries=a.so plpgsql.so
primary.locales=tried
primary.locale=UTF-8 en_US.UTF-8
standby.program=02013e00
standby.architecture=x86_64, 64-bit
standby.libc=glibc 2.41
standby.locales=tried
standby.locale=ANSI_X3.4-1968 C
standby.locale=UTF-8 de_DE.UTF-8
standby.locale_gen=yes
standby.own=shared_preload_libraries a, b
standby.own=shared_buffers 16384
end=yes"""


def said(**more: float) -> list[tuple[str, str]]:
    pairs = [(key, value) for key, _, value in (each.partition("=") for each in SAID.splitlines())]
    return [*pairs, *((key, repr(value)) for key, value in more.items())]


def test_what_the_hosts_say_is_read_as_they_mean_it() -> None:
    found = parse_likeness(question(), RAW, said())
    assert found == Likeness(
        Build("x86_64, 64-bit", "02013e00", "glibc 2.36", "72", ("a.so", "plpgsql.so")),
        Build("x86_64, 64-bit", "02013e00", "glibc 2.41", "", ()),
        locales_missing=(Locale("en_US.UTF-8", ("database app", "database postgres", "lc_time"), "UTF-8"),),
        locale_gen=True,
        clock=None,
        own=(("shared_buffers", "16384"), ("shared_preload_libraries", "a, b")),
    )
    untried = [pair for pair in said() if pair != ("standby.locales", "tried")]
    assert (parse_likeness(question(), RAW, untried) or Likeness()).locales_missing is None
    no_nanoseconds = [*said(), ("primary.began", "1764000000.%N")]
    assert (parse_likeness(question(), RAW, no_nanoseconds) or Likeness()).clock is None


@pytest.mark.parametrize("started", ["", "1763999890", "x"])
def test_a_host_that_the_primary_does_not_run_on_is_not_taken_for_its(started: str) -> None:
    other = [*said(**{"primary.began": 1.0}), ("primary.started", started)]
    found = parse_likeness(question(), RAW, other)
    assert found is not None
    assert (found.primary, found.clock) == (Build(), None)
    assert [seen(found, code)[0] for code in ("P215", "P217", "P218")] == ["UNKNOWN"] * 3


def test_libraries_that_the_standbys_own_file_loads_have_to_be_there_and_those_that_it_leaves_out_are_named() -> None:
    there = replace(TARGET, service=DEBIAN)
    own = Likeness(BOOKWORM, BOOKWORM, own=(("shared_preload_libraries", "plpgsql, nowhere, /opt/x.so"),))
    [blocker] = blockers(own, there)
    assert (blocker.code, "not installed: nowhere" in str(blocker.what)) == ("P209", True)
    assert blockers(own) == (), "the copy brings its own"
    loads = (Setting("shared_preload_libraries", "plpgsql, pg_cron", "configuration file"),)
    found = replace(own, own=(("shared_preload_libraries", "plpgsql"),))
    assert seen(found, "P209", there, settings=loads) == (
        "WARN",
        "db1 loads pg_cron when it starts, and the standby's own configuration does not",
    )


def test_a_postgresql_conf_of_the_standbys_own_says_its_own_locales() -> None:
    names = [locale.name for locale in wanted_locales(question(config_file=DEBIAN.config_file), RAW)]
    assert names == ["C", "en_US.UTF-8"]
    assert [locale.name for locale in wanted_locales(question(), RAW)] == ["C", "de_DE.UTF-8", "en_US.UTF-8"]


def test_on_one_host_there_is_nothing_to_compare() -> None:
    assert parse_likeness(question(), RAW, [("libdir", "/x"), ("end", "yes")]) is None
    codes = {check.code for check in preflight(facts(), SAMPLE, TARGET).checks}
    assert codes & OF_TWO_HOSTS == set()
    assert {"P215", "P216", "P217", "P218"} == OF_TWO_HOSTS


def test_nothing_of_it_blocks_where_no_copy_is_to_be_made() -> None:
    bad = Likeness(BOOKWORM, replace(TRIXIE, program="0201b700"), locales_missing=(Locale("xx"),), ordered=TEXT)
    attached = facts(replace(server(roles=(OUR_ROLE,))), **(ATTACHED | {"running": False, "upstream": ""}))
    plan = plan_attach(attached, replace(SAMPLE, survey=survey(bad)), TARGET)
    assert not {each.code for each in plan.blockers} & OF_TWO_HOSTS
