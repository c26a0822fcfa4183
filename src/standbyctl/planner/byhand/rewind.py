"""A node's files are brought back to its primary's history, and what is its own is kept."""

from __future__ import annotations

import shlex

from standbyctl.domain import effects as fx
from standbyctl.domain.hand import Hand, shell
from standbyctl.domain.message import msg
from standbyctl.planner.byhand.copies import PLAIN

_q = shlex.quote
# What PostgreSQL itself keeps at the top of a data directory; everything else there is the host's own.
_THEIRS = (
    "base", "global", "pg_*", "PG_VERSION", "postmaster.*", "backup_label*", "backup_manifest", "tablespace_map*",
    "*.signal", "recovery.*", "current_logfiles", "logfile_*",
)  # fmt: skip
_ALONE = (
    "-c listen_addresses= -c unix_socket_directories=$place -c primary_conninfo= -c restore_command="
    " -c archive_mode=off -c hot_standby=on -c logging_collector=off -c wal_keep_size=2000000"
)


def rewind(effect: fx.Rewind) -> tuple[Hand, ...]:
    """No server may start on the directory meanwhile: none does while others may enter it (mode 0701)."""
    node, data, aside = effect.node, effect.data_directory, effect.aside
    control = f"{PLAIN} {_q(effect.bin_directory)}/pg_controldata -D {_q(data)}"
    anew = msg("otherwise it has to be copied anew: standbyctl resync {name} --way clone", name=node)
    rewinding = (
        f"{PLAIN} {_q(effect.bin_directory)}/pg_rewind --target-pgdata {_q(data)} --source-server {_q(effect.conninfo)}"
    )
    label = f"{data}/backup_label"
    needs = f"sed -n 's/^START WAL LOCATION:.*(file \\([0-9A-F]*\\)).*/\\1/p' {_q(label)}"
    return (
        shell(
            node,
            f"ls {_q(data)}/standby.signal",
            f'{control} | grep -E "system identifier|cluster state"',
            expected=msg("{system}, and standby.signal is there: otherwise stop", system=effect.system_identifier),
        ),
        _to_its_end(effect, control),
        shell(
            node,
            f"mkdir -m 700 {_q(aside)}",
            f"mkdir {_q(aside)}/pg_wal {_q(aside)}/own",
            f"stat -c %a {_q(data)} >{_q(aside)}/mode",
            f"chmod 0701 {_q(data)}",
            *_keep_wal(effect),
            f"find {_own(data)} -type d -exec mv -t {_q(aside)}/own {{}} +",
            f"find {_own(data)} ! -type d -exec cp -a -t {_q(aside)}/own {{}} +",
            f"sync {_q(aside)}",
            expected=msg("no error"),
        ),
        shell(node, rewinding, expected=msg("Done!, and the exit status is 0 (echo $?); {anew}", anew=anew)),
        _give_back_wal(effect, control, needs),
        shell(
            node,
            f"grep '^BACKUP METHOD: pg_rewind' {_q(label)}",
            f'ls {_q(data)}/pg_wal/"$({needs})"',
            expected=msg("both are there; {anew}", anew=anew),
        ),
        shell(
            node,
            f"(cd {_q(aside)}/own && for each in * .[!.]*; do if [ -e \"$each\" ]; then rm -rf {_q(data)}/\"$each\" &&"
            f" cp -a \"$each\" {_q(data)}/ || exit; fi; done)",
            f"touch {_q(data)}/standby.signal",
            f"sync {_q(data)}/standby.signal {_q(data)}",
            f'chmod "$(cat {_q(aside)}/mode)" {_q(data)}',
            f"sync {_q(data)}",
            expected=msg("no error"),
        ),
    )  # fmt: skip


def _to_its_end(effect: fx.Rewind, control: str) -> Hand:
    """One that crashed replays its own WAL, as a standby that nobody feeds or reaches."""
    data, programs = _q(effect.data_directory), _q(effect.bin_directory)
    config = f" -c config_file={effect.config_file}" if effect.config_file else ""
    start = f'{programs}/pg_ctl start -D {data} -w -t 86400 -s -l {_q(effect.aside)}.log -o "{_ALONE}{config}"'
    return shell(
        effect.node,
        f"if ! {control} | grep -q 'cluster state: *shut down'; then\n"
        f"place=$(mktemp -d) &&\n{start} &&\n{programs}/pg_ctl stop -D {data} -w -t 3600 -s -m fast &&\n"
        f'rmdir "$place" &&\nrm {_q(effect.aside)}.log\nfi',
        f"{control} | grep 'cluster state'",
        expected=msg(
            "{one}, or {other}; otherwise see {path}",
            one="shut down",
            other="shut down in recovery",
            path=f"{effect.aside}.log",
        ),
    )


def _keep_wal(effect: fx.Rewind) -> tuple[str, ...]:
    """Every file: from that with the fork on nobody else has them, and those before may be needed again."""
    return (
        f"(cd {_q(effect.data_directory)}/pg_wal && ls | grep -E '^[0-9A-F]{{24}}$|[.]history$' |"
        " while read -r file; do"
        f' cp -p "$file" {_q(effect.aside)}/pg_wal/ || exit; done)',
    )


def _give_back_wal(effect: fx.Rewind, control: str, needs: str) -> Hand:
    """What is of both histories and its primary has no more: pg_rewind up to 16 takes that away."""
    high, low = effect.fork.split("/")
    to = f"{_q(effect.data_directory)}/pg_wal"
    return shell(
        effect.node,
        f"size=$({control} | sed -n 's/^Bytes per WAL segment: *//p')",
        f"n=$((((0x{high} << 32) + 0x{low}) / size)) each=$((0x100000000 / size))",
        "fork=$(printf '%08X%08X' $((n / each)) $((n % each)))",
        f"needs=$({needs} | cut -c 9-)",
        f"(cd {_q(effect.aside)}/pg_wal && ls | grep -E '^[0-9A-F]{{24}}$' | while read -r file; do"
        ' part=$(echo "$file" | cut -c 9-); if [ ! "$part" \\< "$needs" ] && [ "$part" \\< "$fork" ] &&'
        f' [ ! -e {to}/"$file" ]; then cp -p "$file" {to}/ || exit; fi; done)',
        f"sync {to}",
        expected=msg("no error"),
    )


def _own(data: str) -> str:
    """The start of a find for what the host has of its own."""
    names = " -o ".join(f"-name {_q(name)}" for name in _THEIRS)
    mine = "! -name pg_hba.conf ! -name pg_ident.conf"
    return f"{_q(data)} -mindepth 1 -maxdepth 1 ! \\( \\( {names} \\) {mine} \\)"
