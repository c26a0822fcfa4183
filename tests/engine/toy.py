"""Two nodes in memory. Every effect changes them in the smallest way, and can be cut short at every point."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from standbyctl.domain.effects import Effect
from standbyctl.domain.facts import Contents, Draft, Facts, HbaRule, Passfile, Place, Server, Setting
from standbyctl.domain.hba import Placement, find_place
from standbyctl.domain.names import condemned_path, replaced_path
from standbyctl.domain.parameter import setting_of
from standbyctl.domain.sample import Sample
from standbyctl.domain.target import Target

CAP = "max_slot_wal_keep_size"
# What attach may set, and what the server runs with where no file says anything.
DEFAULTS = {CAP: "-1", "wal_keep_size": "0", "synchronous_commit": "on"}
MB = 1 << 20


class DiedError(BaseException):
    """The run is gone, as by SIGKILL: nothing catches it, nothing is cleaned up."""


@dataclass
class Copying:
    """A draft directory. `made_with`: which slot (they are counted) kept the WAL while it was made."""

    data: bool = False
    settings: dict[str, str] = field(default_factory=dict)
    sealed: bool = False
    made_with: int = 0
    verified: bool = False


@dataclass
class Toy:
    """What is really there. `look` shows it as facts, the way a look at servers and hosts would.

    `facts` holds what is written down; what follows from it (who gets in, what a slot covers) is worked out
    by `look`. `fuse`: how many more points may be passed before the run dies.
    """

    facts: Facts
    target: Target
    sample: Sample
    fuse: int = 1 << 30
    passed: int = 0
    deeds: dict[type[Any], Callable[[Toy, Any], Any]] = field(default_factory=dict)
    kinds: set[type[Any]] = field(default_factory=set)
    loaded_rules: tuple[HbaRule, ...] = ()
    plain: dict[str, str | None] = field(default_factory=dict)
    passfile_key: int = 0
    role_key: int = -1
    written_key: int = -1
    keys: int = 0
    slot_count: int = 0
    copied_with: int = 0
    streaming: bool = False
    adopted: bool = False
    drafts: dict[str, Copying] = field(default_factory=dict)
    living: frozenset[str] = frozenset()
    inode: int = 1
    inodes: dict[str, int] = field(default_factory=dict)
    proofs: int = 0
    replayed: int = -1
    looks: int = 0

    def __post_init__(self) -> None:
        hba, place = self.server.hba, self.place
        self.edit_hba(hba.rules, has_line=hba.has_line)
        self.on_primary(hba=replace(self.server.hba, loaded=hba.loaded))
        self.loaded_rules = self.server.hba.rules if hba.loaded else ()
        for name in DEFAULTS:
            self._begin_with(self.server.setting(name))
        if place.password_set or not self.target.own_role:
            self.passfile_key = self.role_key = self.written_key = 1
        if place.contents is Contents.STANDBY:
            self.copied_with = 0 if place.covered else -1
        self.drafts = {
            draft.path: Copying(True, {"port": "1"}, draft.whole, 0 if draft.whole else -1, draft.verified)
            for draft in place.drafts
        }
        if place.contents is not Contents.ABSENT:
            self.inodes[self.target.data_directory] = 0
        if place.replaced:
            self.inodes[replaced_path(self.target.data_directory, self.target.name)] = 7
            self.on_standby(replaced=replace(place.replaced, identity="1:7"))
        if place.admitted and not self._deciding().admits:
            # Something in force lets it in; where that was loaded last, it still stands in the file.
            everybody = HbaRule(0, "host", ("replication",), ("all",), "all", "", "scram-sha-256", hba.path)
            self.loaded_rules = (everybody, *self.loaded_rules)
            if hba.loaded:
                self.edit_hba(self.loaded_rules, has_line=False)
                self.reload()

    def _begin_with(self, setting: Setting) -> None:
        """Files that say what the server runs with; postgresql.conf may be under what ALTER SYSTEM has written."""
        name, value = setting.name, setting.value
        default = value == DEFAULTS[name]

        def same(text: str | None) -> str | None:
            return text if text and setting_of(text) == value else None

        auto_conf = same(setting.auto_conf)
        text = f"{value}MB" if value.isdigit() else value
        self.plain[name] = None if auto_conf or default else same(setting.in_file) or text
        self.set_auto(name, auto_conf)
        self._setting(name, source="configuration file" if auto_conf or self.plain[name] else "default")

    @property
    def server(self) -> Server:
        return self.facts.server(self.target.primary)

    @property
    def place(self) -> Place:
        return self.facts.place(self.target.name)

    @property
    def source(self) -> str:
        return self.target.source_address

    def on_primary(self, **changes: Any) -> None:
        self.facts = self.facts.with_server(self.target.primary, **changes)

    def on_writer(self, **changes: Any) -> None:
        self.facts = self.facts.with_server(self.target.writer, **changes)

    def catch_up(self) -> None:
        """A standby in between replays, in time, what its primary has."""
        self.on_primary(roles=self.facts.server(self.target.writer).roles)
        self.role_key = self.written_key

    def on_standby(self, **changes: Any) -> None:
        self.facts = self.facts.with_place(self.target.name, **changes)

    def _setting(self, name: str, **changes: Any) -> None:
        self.on_primary(settings=tuple(replace(s, **changes) if s.name == name else s for s in self.server.settings))

    def set_auto(self, name: str, auto_conf: str | None) -> None:
        """ALTER SYSTEM: files change, and nothing that runs does."""
        self._setting(name, auto_conf=auto_conf, in_file=auto_conf or self.plain[name])

    def set_plain(self, name: str, value: str | None) -> None:
        """A person edits: what ALTER SYSTEM has written there goes."""
        self.plain[name] = value
        self.set_auto(name, None)

    def reload(self) -> None:
        """Files come into force."""
        for name, default in DEFAULTS.items():
            in_file = self.server.setting(name).in_file
            value = default if in_file is None else setting_of(in_file)
            self._setting(name, value=value, source="default" if in_file is None else "configuration file")
        self.loaded_rules = self.server.hba.rules
        self.on_primary(hba=replace(self.server.hba, loaded=True))

    def edit_hba(self, rules: tuple[HbaRule, ...], *, has_line: bool) -> None:
        """Another file, whose lines are counted anew; the server has not loaded it yet."""
        counted = tuple(replace(rule, line=n) for n, rule in enumerate(rules, 1))
        digest = f"sha-of-{len(rules)}-{has_line}"
        self.on_primary(hba=replace(self.server.hba, rules=counted, has_line=has_line, loaded=False, digest=digest))

    def admits(self) -> bool:
        """Whether a connection of the standby's role would get in."""
        role = self.server.role(self.target.role)
        rule = self._deciding().admits
        knows = self.place.passfile in {Passfile.OURS, Passfile.FOREIGN} and self.passfile_key == self.role_key
        way = self.place.tunnel.running or not self.target.tunnel.used
        return bool(way and rule and role and role.login and role.replication and knows)

    def _deciding(self) -> Placement:
        return find_place(self.loaded_rules, self.server.hba.path, self.target.role, self.source)

    def covers(self, made_with: int) -> bool:
        """Whether the slot is still the one that a copy was made with; without one, whether anything keeps WAL."""
        if not self.target.slot:
            return made_with == self.slot_count and self.server.setting("wal_keep_size").value != "0"
        slot = self.server.slot(self.target.slot)
        return slot is not None and not slot.lost and made_with == self.slot_count

    def look(self) -> Facts:
        """Facts, as fresh observations show them."""
        self.looks += 1
        place, ours = self.place, self.target.own_role
        standby = place.contents is Contents.STANDBY
        streams = self.streaming and place.running and self.admits() and self.covers(self.copied_with)
        return self.facts.with_place(
            self.target.name,
            password_set=ours and place.passfile is Passfile.OURS and self.passfile_key == self.role_key,
            admitted=self.admits(),
            covered=not standby or self.covers(self.copied_with),
            upstream=self.target.primary if streams else "",
            drafts=tuple(
                Draft(path, path in self.living, whole, verified=whole and draft.verified)
                for path, draft in sorted(self.drafts.items())
                for whole in [draft.data and draft.sealed and self.covers(draft.made_with)]
            ),
        )

    def taken(self) -> Sample:
        """A sample; what moves has moved since the last one."""
        data = self.target.data_directory
        n = 1
        while f"{data}.detached-{n}" in self.inodes:
            n += 1
        return replace(
            self.sample,
            wal_free_bytes=(self.sample.wal_free_bytes or 0) - self.looks * 2 * MB,
            free_aside=f"{data}.detached-{n}",
            directory_identity=self.identity(data),
            condemned_identity=self.identity(condemned_path(data, inside=self.place.mount_point)),
        )

    def identity(self, path: str) -> str:
        """Device and inode."""
        return f"1:{self.inodes[path]}" if path in self.inodes else ""

    def make_directory(self, path: str) -> None:
        """A new one, known by a number of its own."""
        self.inode += 1
        self.inodes[path] = self.inode

    def point(self) -> None:
        """Somewhere a run can die. Whatever point it is, some things hold."""
        cap: Setting = self.server.setting(CAP)
        slot = self.server.slot(self.target.slot)
        if self.target.wal_cap == "auto" and slot and not slot.lost and self.slot_count:
            assert cap.value != "-1", "a slot stands, and the cap is not in force"
        if self.place.contents is Contents.STANDBY:
            assert self.place.follows, "a copy stands in its place, and is not set up to follow"
        assert not self.place.running or self.place.contents in {Contents.STANDBY, Contents.CLUSTER}
        kept = replaced_path(self.target.data_directory, self.target.name) in self.inodes
        assert kept == (self.place.replaced is not None), "a cluster was lost"
        self.passed += 1
        if self.passed > self.fuse:
            raise DiedError

    def do(self, effect: Effect) -> None:
        """Carry out an effect: a point before each of its changes, and one after the last."""
        for _ in self.deeds[type(effect)](self, effect):
            self.point()
        self.point()
