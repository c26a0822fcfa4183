"""Lines about how alike two hosts are: of two hosts only."""

from __future__ import annotations

from standbyctl.domain.likeness import PROVIDERS, Likeness
from standbyctl.domain.message import clauses, listed, msg
from standbyctl.planner.blockers.likeness import is_far, version_words
from standbyctl.planner.checks.line import Line, Seen, View, fine, unknown, warning


def _alike(view: View) -> Likeness:
    return view.survey.likeness or Likeness()


def _order(view: View) -> Seen:
    likeness = _alike(view)
    pairs = [(each, likeness.primary.version(each), likeness.standby.version(each)) for each in PROVIDERS]
    node = view.target.primary
    words = clauses(
        version_words(each, there)
        if here == there
        else msg(
            "{there} ({node}: {here})", there=version_words(each, there), node=node, here=version_words(each, here)
        )
        for each, here, there in pairs
        if here and there
    )
    if gaps := [_PROVIDER_WORDS[each] for each, here, there in pairs if not (here and there)]:
        missing = msg("not known: {gaps}", gaps=listed(gaps))
        return unknown("{what}", what=clauses([words, missing]) if words.template else missing)
    if overridden := [each for each in likeness.differing if each in view.target.despite]:
        return warning("{words}; overridden (--despite {names})", words=words, names=", --despite ".join(overridden))
    if likeness.differing and likeness.ordered is None:
        return warning("{words}: what is in their order was not looked at, for no copy is to be made", words=words)
    if likeness.differing:
        kept = [each for each in likeness.differing if likeness.keeps(each)]
        return fine("{what}", what=words) if kept else fine("{words}; no index is in their order", words=words)
    return fine("{words}, as on the host of {node}", words=words, node=node)


_PROVIDER_WORDS = {"libc": msg("the C library"), "icu": msg("ICU")}


def _locales(view: View) -> Seen:
    missing = _alike(view).locales_missing
    if missing is None:
        return unknown("not tried: there is no program locale")
    return fine("missing: {names}", names=", ".join(each.name for each in missing)) if missing else fine("all known")


def _architecture(view: View) -> Seen:
    here, there = _alike(view).primary, _alike(view).standby
    if not (here.program and there.program):
        return unknown(
            "not known: {there} ({node}: {here})",
            there=there.architecture or "-",
            node=view.target.primary,
            here=here.architecture or "-",
        )
    if _alike(view).other_machine:
        return fine(
            "{there} ({node}: {here})", there=there.architecture, node=view.target.primary, here=here.architecture
        )
    return fine("{there}, both", there=there.architecture)


def _clock(view: View) -> Seen:
    gap = _alike(view).clock
    if gap is None:
        return unknown("not known")
    told = {
        "seconds": f"{abs(gap.seconds):.2f}",
        "node": view.target.primary,
        "doubt": f"{gap.give_or_take:.2f}",
    }
    seen = (
        msg("{seconds} s ahead of that of {node}, give or take {doubt} s", **told)
        if gap.seconds >= 0
        else msg("{seconds} s behind that of {node}, give or take {doubt} s", **told)
    )
    if not is_far(gap):
        return Seen(seen)
    return warning("{seen}: ages of what was replayed, certificates and recovery_target_time go by it", seen=seen)


LINES = (
    Line("P215", msg("collation libraries"), _order, apart=True),
    Line("P216", msg("locales"), _locales, apart=True),
    Line("P217", msg("architecture"), _architecture, apart=True),
    Line("P218", msg("clock"), _clock, apart=True),
)
