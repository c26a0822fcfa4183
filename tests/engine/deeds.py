"""What each effect does to the toy world. Every `yield` stands before one change that cannot be divided."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from standbyctl.domain import effects as fx
from standbyctl.domain.errors import StoppedError
from standbyctl.domain.facts import Contents, HbaRule, Passfile, Role, Slot
from standbyctl.domain.message import msg
from standbyctl.domain.names import condemned_path, marker
from standbyctl.domain.replacing import Replaced, Resident
from tests.engine import tunnels
from tests.engine.toy import Copying, Toy

Deed = Iterator[None]


def set_unit(toy: Toy, effect: fx.SetUnit) -> Deed:
    yield
    toy.on_standby(at_boot=effect.enabled)


def _stop(why: str) -> StoppedError:
    return StoppedError("A204", msg("{why}", why=why))


def run_sql(toy: Toy, effect: fx.Sql) -> Deed:
    """The few statements that steps have; any other has to be taught here before it can be crash-tested."""
    name = re.findall(r"'([^']*)'", effect.statement)[0]
    yield
    if effect.statement.startswith("DO $standbyctl$"):
        there = toy.facts.server(effect.node)
        role = there.role(name)
        if role and marker(role.made_for) in effect.statement:
            toy.on_writer(roles=tuple(each for each in there.roles if each.name != name))
        return
    name = re.findall(r"slot_name = '([^']*)'", effect.statement)[0]
    slot = toy.server.slot(name)
    others = tuple(each for each in toy.server.slots if each.name != name)
    if "pg_drop_replication_slot" in effect.statement:
        assert "NOT active" in effect.statement
        lost_only = "wal_status = 'lost'" in effect.statement
        active = toy.place.running and toy.streaming
        if slot and slot.slot_type == "physical" and not active and (slot.lost or not lost_only):
            toy.on_primary(slots=others)
    else:
        assert "pg_create_physical_replication_slot" in effect.statement
        if slot is None:
            toy.slot_count += 1
            toy.on_primary(slots=tuple(sorted((*others, Slot(name)), key=lambda each: each.name)))


def reload(toy: Toy, effect: fx.Reload) -> Deed:
    yield
    toy.reload()


def alter_system(toy: Toy, effect: fx.AlterSystem) -> Deed:
    present = toy.server.setting(effect.name).auto_conf
    if present == effect.value:
        return
    if effect.expected is not None and present != effect.expected:
        raise _stop("somebody has just changed it")
    yield
    toy.set_auto(effect.name, effect.value)


def await_settings(toy: Toy, effect: fx.AwaitSettings) -> Deed:
    """A person sets one after the other, and reloads."""
    for each in effect.wanted:
        if not each.accepts(toy.server.setting(each.parameter).value):
            yield
            toy.set_plain(each.parameter, each.value)
    yield
    toy.reload()


def ensure_hba_line(toy: Toy, effect: fx.EnsureHbaLine | fx.EnsureHbaLineBySql) -> Deed:
    hba = toy.server.hba
    if hba.has_line:
        return
    if hba.digest != effect.digest:
        raise _stop("the file has changed since it was looked at")
    where = len(hba.rules) if effect.before_line is None else effect.before_line - 1
    yield
    toy.edit_hba((*hba.rules[:where], _our_rule(toy), *hba.rules[where:]), has_line=True)


def _our_rule(toy: Toy) -> HbaRule:
    mask = "255.255.255.255" if "." in toy.source else "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"
    users, path = (toy.target.role,), toy.server.hba.path
    return HbaRule(0, "host", ("replication",), users, toy.source, mask, "scram-sha-256", path)


def remove_hba_line(toy: Toy, effect: fx.RemoveHbaLine | fx.RemoveHbaLineBySql) -> Deed:
    yield
    if toy.server.hba.has_line:
        ours = _our_rule(toy)
        rules = toy.server.hba.rules
        toy.edit_hba(tuple(rule for rule in rules if replace(rule, line=0) != ours), has_line=False)


def await_admission(toy: Toy, effect: fx.AwaitAdmission) -> Deed:
    """A person puts it at the top, under a name of their own, and reloads."""
    if not toy.admits():
        yield
        toy.edit_hba((replace(_our_rule(toy), users=("all",)), *toy.server.hba.rules), has_line=False)
        yield
        toy.reload()


def write_passfile(toy: Toy, effect: fx.WritePassfile) -> Deed:
    if toy.place.passfile is Passfile.OURS:
        return
    assert toy.place.passfile is Passfile.ABSENT
    yield
    toy.keys += 1
    toy.passfile_key = 100 + toy.keys
    toy.on_standby(passfile=Passfile.OURS)


def remove_passfile(toy: Toy, effect: fx.RemovePassfile) -> Deed:
    yield
    if toy.place.passfile is Passfile.OURS:
        toy.on_standby(passfile=Passfile.ABSENT)


def make_role(toy: Toy, effect: fx.MakeRole) -> Deed:
    assert toy.place.passfile is Passfile.OURS, "a password must be in a file before it is in force"
    there = toy.facts.server(effect.node)
    found = there.role(effect.role)
    assert found is None or found.made_for == toy.target.name
    assert not there.in_recovery
    others = tuple(each for each in there.roles if each.name != effect.role)
    yield
    toy.written_key = toy.passfile_key
    toy.on_writer(roles=(*others, Role(effect.role, True, True, toy.target.name)))
    if not toy.target.head:
        toy.catch_up()


def copy_cluster(toy: Toy, effect: fx.CopyCluster) -> Deed:
    if effect.draft in toy.drafts:
        raise _stop("the draft exists")
    yield
    toy.drafts[effect.draft] = Copying()
    yield
    through = effect.slot if effect.wal_method == "stream" and not effect.keeper else ""
    assert ("--slot" in effect.argv()) == bool(through)
    if effect.keeper:
        assert effect.source == toy.target.copy_from
        assert toy.replayed == toy.slot_count, "the copy may end before its slot begins"
    if not (toy.admits() and (not through or toy.server.slot(through))):
        raise _stop("pg_basebackup cannot connect, or has no slot")
    toy.drafts[effect.draft] = Copying(data=True, made_with=toy.slot_count)


def check_wal(toy: Toy, effect: fx.CheckWal) -> Deed:
    assert not toy.target.slot or toy.server.slot(toy.target.slot), "a slot must keep what is written from now on"
    yield


def adopt_copy(toy: Toy, effect: fx.AdoptCopy) -> Deed:
    if toy.identity(effect.data_directory) != effect.identity or toy.place.running:
        raise _stop("not the directory that was looked at, or a server runs on it")
    assert effect.control, "nobody has looked at it"
    yield
    toy.adopted = True


def set_conf(toy: Toy, effect: fx.SetConf) -> Deed:
    if posixpath.dirname(effect.path) == toy.target.data_directory:
        assert toy.adopted, "set up to follow, and able to start as a primary"
        yield
        toy.copied_with = toy.slot_count
        toy.on_standby(contents=Contents.STANDBY, follows=True, never_started=True)
        return
    [draft] = [copy for path, copy in toy.drafts.items() if effect.path.startswith(f"{path}/data/")]
    assert not draft.sealed
    yield
    draft.settings |= dict(effect.settings)


def seal_draft(toy: Toy, effect: fx.SealDraft) -> Deed:
    draft = toy.drafts[effect.draft]
    assert draft.data
    assert draft.settings, "sealed before it is set up to follow"
    yield
    draft.sealed = True


def check_manifest(toy: Toy, effect: fx.CheckManifest) -> Deed:
    draft = toy.drafts[effect.draft]
    assert draft.sealed, "verified before it is whole"
    yield
    draft.verified = True


def put_in_place(toy: Toy, effect: fx.PutInPlace) -> Deed:
    draft = toy.drafts.get(effect.draft)
    if draft and draft.data:
        assert draft.verified or not toy.target.verify_backup, "put in place before it is verified"
        if not draft.sealed or toy.place.contents not in {Contents.ABSENT, Contents.EMPTY}:
            raise _stop("not whole, or no room for it")
        yield
        draft.data = False
        toy.copied_with = draft.made_with
        if not toy.place.mount_point:
            toy.make_directory(effect.destination)
        toy.on_standby(contents=Contents.STANDBY, follows=True, never_started=True)
    yield
    toy.drafts.pop(effect.draft, None)


def discard_draft(toy: Toy, effect: fx.DiscardDraft) -> Deed:
    if effect.draft in toy.drafts:
        yield
        toy.drafts[effect.draft].sealed = toy.drafts[effect.draft].verified = False
        yield
        del toy.drafts[effect.draft]


def start(toy: Toy, effect: fx.StartServer) -> Deed:
    if toy.place.running:
        return
    if toy.place.contents is not Contents.STANDBY:
        raise _stop("it would start as a primary")
    yield
    toy.streaming = False
    toy.on_standby(running=True, started_by=effect.started_by, timeline=toy.server.timeline, never_started=False)


def wait_until(toy: Toy, effect: fx.WaitUntil) -> Deed:
    if "pg_stat_file" in effect.question:
        return
    if effect.question.startswith("NOT EXISTS"):
        assert "AND active" in effect.question or "application_name = 'db2_copy'" in effect.question
        if toy.place.running and toy.streaming:
            raise _stop("the slot is still in use")
        return
    assert "state = 'streaming'" in effect.question
    if not (toy.place.running and toy.admits() and toy.covers(toy.copied_with)):
        raise _stop("still waiting")
    yield
    toy.streaming = True


def await_replay(toy: Toy, effect: fx.AwaitReplay) -> Deed:
    """The source has it by then: the role, and the checkpoint that the slot begins with."""
    if not effect.for_copy:
        assert (effect.node, effect.primary) == (toy.target.primary, toy.target.head)
        yield
        toy.catch_up()
        return
    assert effect.node == toy.target.copy_from
    assert toy.server.role(toy.target.role), "the source cannot know a role that is not made yet"
    assert not effect.slot or toy.server.slot(effect.slot), "the slot must keep WAL before the copy begins"
    yield
    toy.replayed = toy.slot_count


def prove(toy: Toy, effect: fx.Prove) -> Deed:
    assert toy.streaming
    yield
    toy.proofs += 1


def stop(toy: Toy, effect: fx.StopServer) -> Deed:
    if not toy.place.running:
        return
    if toy.place.started_by != effect.started_by or not toy.place.in_recovery:
        raise _stop("not ours to stop")
    yield
    toy.streaming = False
    toy.on_standby(running=False, started_by="", timeline=0)


def _guard(toy: Toy, path: str, identity: str) -> None:
    if toy.identity(path) != identity or toy.place.running:
        raise _stop("not the directory that was looked at, or a server runs on it")


def set_aside(toy: Toy, effect: fx.SetAside) -> Deed:
    data = effect.data_directory
    if toy.place.mount_point:
        yield from _empty(toy, effect)
        return
    if toy.place.contents not in {Contents.ABSENT, Contents.EMPTY}:
        _guard(toy, data, effect.identity)
        assert toy.place.contents is Contents.STANDBY
        if effect.aside in toy.inodes:
            raise _stop("there is something already")
        yield
        toy.inodes[effect.aside] = toy.inodes.pop(data)
        condemned = toy.place.condemned or effect.aside == condemned_path(data)
        toy.on_standby(contents=Contents.ABSENT, follows=False, never_started=False, condemned=condemned)
    if effect.leave_empty and toy.place.contents is Contents.ABSENT:
        yield
        toy.make_directory(data)
        toy.on_standby(contents=Contents.EMPTY)


def _empty(toy: Toy, effect: fx.SetAside) -> Deed:
    """A mount point stays, and what is in it goes down, one after the other."""
    assert effect.aside == condemned_path(effect.data_directory, inside=True), "it would be renamed"
    _guard(toy, effect.data_directory, effect.identity)
    if toy.place.contents is Contents.STANDBY:
        yield
        toy.make_directory(effect.aside)
        toy.on_standby(condemned=True)
        yield
        toy.on_standby(contents=Contents.FOREIGN, follows=False, never_started=False)
    if toy.place.condemned:
        yield
        toy.on_standby(contents=Contents.EMPTY)


def delete_aside(toy: Toy, effect: fx.DeleteAside) -> Deed:
    if effect.aside in toy.inodes:
        _guard(toy, effect.aside if not toy.place.mount_point else toy.target.data_directory, effect.identity)
        yield
        del toy.inodes[effect.aside]
        toy.on_standby(condemned=False)


def vacate_cluster(toy: Toy, effect: fx.VacateCluster) -> Deed:
    place = toy.place
    if toy.identity(effect.aside) == effect.identity:
        return
    assert place.resident, "there is no cluster"
    if toy.identity(effect.data_directory) != effect.identity:
        raise _stop("not the directory that was looked at")
    if not place.running:
        if not place.resident.marked:
            raise _stop("not stopped by us")
        return
    if place.resident.holds != () or place.in_recovery:
        raise _stop("it holds something")
    yield
    toy.on_standby(resident=replace(place.resident, marked=True))
    yield
    stopped = Resident(effect.system_identifier, marked=True)
    toy.on_standby(running=False, in_recovery=True, resident=stopped)


def move_cluster(toy: Toy, effect: fx.MoveCluster) -> Deed:
    if toy.identity(effect.destination) == effect.identity:
        return
    if toy.identity(effect.source) != effect.identity:
        raise _stop("not the directory that was looked at")
    if effect.destination in toy.inodes and toy.place.contents is not Contents.EMPTY:
        raise _stop("there is something already")
    assert not toy.place.running
    yield
    toy.inodes[effect.destination] = toy.inodes.pop(effect.source)
    if effect.source == toy.target.data_directory:
        there = Replaced(effect.system_identifier, effect.identity, ours=True)
        toy.on_standby(contents=Contents.ABSENT, resident=None, replaced=there)
    else:
        there_again = Resident(effect.system_identifier, marked=True)
        toy.on_standby(contents=Contents.CLUSTER, resident=there_again, replaced=None)


def resume_cluster(toy: Toy, effect: fx.ResumeCluster) -> Deed:
    assert toy.place.contents is Contents.CLUSTER
    if not toy.place.running:
        yield
        marked = Resident(effect.system_identifier, holds=(), marked=True)
        toy.on_standby(running=True, in_recovery=False, resident=marked)
    yield
    toy.on_standby(resident=Resident(effect.system_identifier, holds=()))


DEEDS: dict[type[Any], Callable[[Toy, Any], Deed]] = {
    fx.Sql: run_sql,
    fx.Reload: reload,
    fx.AlterSystem: alter_system,
    fx.AwaitSettings: await_settings,
    fx.EnsureHbaLine: ensure_hba_line,
    fx.RemoveHbaLine: remove_hba_line,
    fx.EnsureHbaLineBySql: ensure_hba_line,
    fx.RemoveHbaLineBySql: remove_hba_line,
    fx.AwaitAdmission: await_admission,
    fx.WritePassfile: write_passfile,
    fx.RemovePassfile: remove_passfile,
    fx.MakeRole: make_role,
    fx.CopyCluster: copy_cluster,
    fx.SetConf: set_conf,
    fx.CheckWal: check_wal,
    fx.AdoptCopy: adopt_copy,
    fx.SealDraft: seal_draft,
    fx.CheckManifest: check_manifest,
    fx.PutInPlace: put_in_place,
    fx.DiscardDraft: discard_draft,
    fx.StartServer: start,
    fx.WaitUntil: wait_until,
    fx.AwaitReplay: await_replay,
    fx.Prove: prove,
    fx.StopServer: stop,
    fx.SetUnit: set_unit,
    fx.SetAside: set_aside,
    fx.DeleteAside: delete_aside,
    fx.VacateCluster: vacate_cluster,
    fx.MoveCluster: move_cluster,
    fx.ResumeCluster: resume_cluster,
    **tunnels.DEEDS,
}
