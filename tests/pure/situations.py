"""The states from which an attach can go on: nothing stands in the way."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hypothesis import strategies as st

from standbyctl.domain.chain import ChainSeen
from standbyctl.domain.facts import Contents, Facts, HbaRule, Node, Passfile, Place, Role, Setting, Slot
from standbyctl.domain.replacing import Replaced, Resident
from standbyctl.domain.sample import Sample
from standbyctl.domain.target import HbaWay, Target
from standbyctl.planner.plan import Memory, Remembered
from standbyctl.steps.base import Step
from standbyctl.steps.role import CreateRole
from standbyctl.steps.setting import COMMIT, WAL_KEEP
from standbyctl.steps.slot import CreateSlot
from tests.pure.examples import BIN, CAP, COPY, DATA, GB, HBA, HEAD, PRIMARY, STANDBY, server
from tests.pure.strategies import all_settings, drafts, hbas, targets


@dataclass(frozen=True)
class Situation:
    """Where an attach starts from."""

    facts: Facts
    sample: Sample
    target: Target
    memory: Memory


@st.composite
def attachable(draw: st.DrawFn, *, fresh: bool = False) -> Situation:
    """Facts that do not stand in the way: as an attach may find them, or (unless fresh) as one that died left them."""
    target = draw(targets)
    at_hand = target.hba in {HbaWay.FILE, HbaWay.SQL} or draw(st.booleans())
    any_slot = st.builds(Slot, st.just(target.slot), lost=st.booleans())
    slot = draw(st.none() | any_slot) if target.slot and not fresh else None
    if not target.slot:
        # Something has to keep the WAL: as asked, or as it is.
        target = replace(target, wal_keep_size=target.wal_keep_size or "2GB")
    place = _attachable_place(draw, target, slot, fresh=fresh)
    role = _attachable_role(draw, target, place, fresh=fresh)
    hba = replace(draw(hbas), at_hand=at_hand, has_line=False)
    primary = server(
        settings=tuple(map(_keeping if not target.slot and not fresh else _lenient, draw(all_settings))),
        roles=(role,) if role else (),
        slots=tuple(s for s in (Slot("a"), slot) if s),
        hba=replace(hba, rules=_passable(hba.rules), loaded=fresh or hba.loaded),
        # Without a superuser the role is the operator's; what no step needs may be lacking.
        superuser=target.own_role or draw(st.booleans()),
        lacks=() if target.hba is HbaWay.SQL else draw(st.sampled_from([(), ("program", "read file")])),
    )
    above: tuple[Node, ...] = ()
    if target.head:
        # What is a primary otherwise is a standby then, and has replayed what is there.
        above = (Node(HEAD, server=replace(primary, started_at="2026-04-01 09:00:00+09")),)
        primary = replace(primary, in_recovery=True)
    found = Facts((*above, Node(PRIMARY, server=primary), Node(STANDBY, place=place)))
    restored = COPY if target.from_restored else None
    sample = Sample(draw(st.none() | st.just(GB)), 100 * GB, draw(st.integers(4, 40)) * GB, restored=restored)
    sample = replace(sample, chain=ChainSeen("db0:5432") if target.head else None)
    # What is there of ours, some run has made, and has remembered what was there before.
    roles: list[Step] = [CreateRole(PRIMARY, STANDBY, target.role, target.passfile, target.head)]
    made = roles if role and target.own_role else []
    made += [CreateSlot(PRIMARY, STANDBY, target.slot)] if slot else []
    before = found.with_server(PRIMARY, slots=(Slot("a"),), roles=()).with_server(target.writer, roles=())
    memory = tuple(Remembered(step, before) for step in made)
    return Situation(found, replace(sample, free_aside=f"{DATA}.detached-1"), target, memory)


def _attachable_place(draw: st.DrawFn, target: Target, slot: Slot | None, *, fresh: bool) -> Place:
    alive = not target.slot or (slot is not None and not slot.lost)
    replaces = target.replace_cluster and target.service.managed
    free = [Contents.ABSENT, Contents.EMPTY, *([Contents.CLUSTER] if replaces else [])]
    if target.from_restored:
        free = [Contents.RESTORED]
    # A restored copy is set up once its slot is there.
    there = not fresh and (alive or not target.from_restored)
    contents = draw(st.sampled_from([*free, *([Contents.STANDBY] if there else [])]))
    standby, cluster = contents is Contents.STANDBY, contents is Contents.CLUSTER
    # One that does not run has been stopped by an attach that died then.
    stopped = cluster and not fresh and draw(st.booleans())
    moved = Replaced("73", "64768:1003", ours=True) if replaces and not cluster and not fresh else None
    ours = target.own_role and not fresh and draw(st.booleans())
    password_set = ours and draw(st.booleans())
    # A draft counts as whole, and a copy as covered, only by a slot that lives; what has run must be covered.
    covered = not standby or target.from_restored or (alive and draw(st.booleans()))
    never_started = standby and (not covered or draw(st.booleans()))
    running = standby and not never_started and draw(st.booleans())
    found = () if fresh else draw(drafts)
    return Place(
        data_directory=DATA,
        contents=contents,
        os_user="postgres",
        bin_directory=BIN,
        bin_version_num=160012,
        passfile=Passfile.OURS if ours else Passfile.ABSENT if target.own_role else Passfile.FOREIGN,
        password_set=password_set,
        admitted=(password_set or not target.own_role) and draw(st.booleans()),
        drafts=tuple(
            replace(draft, alive=False, whole=draft.whole and alive, verified=draft.verified and alive)
            for draft in found
        ),
        covered=covered,
        never_started=never_started,
        follows=standby,
        running=running or (cluster and not stopped),
        in_recovery=not cluster or stopped,
        resident=Resident("73", None if stopped else (), marked=stopped) if cluster else None,
        replaced=moved and draw(st.sampled_from([None, moved])),
        started_by=draw(st.sampled_from(["", STANDBY])) if running else "",
        timeline=1 if running else 0,
    )


def _attachable_role(draw: st.DrawFn, target: Target, place: Place, *, fresh: bool) -> Role | None:
    if not target.own_role:
        return Role(target.role, login=True, replication=True, pristine=draw(st.booleans()))
    if place.password_set:
        return Role(target.role, login=True, replication=True, made_for=STANDBY)
    absent = fresh or draw(st.booleans())
    return None if absent else Role(target.role, draw(st.booleans()), draw(st.booleans()), made_for=STANDBY)


def _keeping(setting: Setting) -> Setting:
    """Without a slot, what is there already was kept by something."""
    setting = _lenient(setting)
    return replace(setting, value="2048") if (setting.name, setting.value) == (WAL_KEEP, "0") else setting


def _lenient(setting: Setting) -> Setting:
    wanted = {"max_replication_slots": "10", "max_wal_senders": "10", "listen_addresses": "localhost", "ssl": "on"}
    if setting.name in wanted:
        return replace(setting, value=wanted[setting.name])
    if setting.name == "wal_level" and setting.value == "minimal":
        return replace(setting, value="replica")
    if setting.name == "synchronous_standby_names":
        return replace(setting, value="FIRST 1 (db22, xdb2)", in_file=None)
    if setting.name in {CAP, WAL_KEEP, COMMIT}:
        return replace(setting, source="configuration file")
    return setting


def _passable(found: tuple[HbaRule, ...]) -> tuple[HbaRule, ...]:
    """Rules none of which is broken, refuses, or is in a file that is not edited."""
    return tuple(replace(each, file=HBA, error="") for each in found if each.method != "reject")
