"""A cluster for people, as a tree and tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from standbyctl.app.status import Status
from standbyctl.diagnosis.health import lag_text
from standbyctl.domain.finding import Finding
from standbyctl.domain.message import Message, listed, msg
from standbyctl.domain.picture import Lag, NodeView, SlotView
from standbyctl.domain.size import format_seconds, format_size
from standbyctl.ui.render import shown, text, width, wrap
from standbyctl.ui.spark import spark
from standbyctl.ui.tables import lines, or_dash, size, table
from standbyctl.ui.width import cells

_HOUR, _WORTH_SAYING, _SOME_SECONDS = 3500.0, 60.0, 0.05
# A lag below a second is a bar of its own part of one.
_LEAST_LAG = 1.0
# What a node or a slot is, or does; the words of JSON are the English ones.
_WORDS = {
    "primary": msg("primary"),
    "standby": msg("standby"),
    "running": msg("running"),
    "startup": msg("startup"),
    "catchup": msg("catchup"),
    "streaming": msg("streaming"),
    "backup": msg("backup"),
    "stopping": msg("stopping"),
    "replay paused": msg("replay paused"),
    "not connected": msg("not connected"),
    "attach unfinished": msg("attach unfinished"),
    "unreachable": msg("unreachable"),
    "no access": msg("no access"),
    "physical": msg("physical"),
    "logical": msg("logical"),
}


def render_status(status: Status, *, ascii_only: bool = False) -> str:
    """Nodes, slots, what a loss of the primary would cost, and what is wrong."""
    picture = status.picture
    parts = [_nodes(status, ascii_only=ascii_only)]
    if picture.slots:
        parts.append(_slots(picture.slots, several=len({slot.node for slot in picture.slots}) > 1))
    parts.append(_loss(status))
    if told := _told(status.findings):
        parts.append([line for finding in told for line in _held(finding, status).splitlines()])
    parts.append([line for node in picture.nodes for line in _unseen(node)])
    return "\n\n".join("\n".join(part) for part in parts if part)


def _unseen(node: NodeView) -> list[str]:
    """What the role that asks may not see."""
    if node.sample is None or not node.sample.lacks:
        return []
    told = msg(
        "What needs {roles} is not seen on {node}: GRANT pg_monitor",
        roles=listed(node.sample.lacks),
        node=node.name,
    )
    return wrap(text(told), "", "  ").splitlines()


def _nodes(status: Status, *, ascii_only: bool) -> list[str]:
    """With the past of each, where there is one and the screen is wide enough for it."""
    for shorter in (1, 2) if status.lately else ():
        said = _node_lines(status, shorter, ascii_only=ascii_only)
        if max(map(cells, said)) <= width():
            return said
    return _node_lines(status, 0, ascii_only=ascii_only)


def _node_lines(status: Status, past: int, *, ascii_only: bool) -> list[str]:
    """`past`: so many of its parts are one letter's half; 0 for none of it."""
    columns = [msg("Node"), msg("Role"), msg("State"), msg("TL"), msg("Lag"), msg("Behind"), msg("Slot")]
    if past:
        columns.append(_span(status.lately_seconds))
    made = table(*columns, right={3, 4, 5})
    for node in status.picture.nodes:
        indent = "  " * (node.depth - 1) + "+ " if node.depth else "+ " if node.role == "standby" else ""
        primary = node.role == "primary"
        slot = text(msg("(none)")) if node.slot is None and (node.upstream or node.expected) else shown(node.slot or "")
        row = [
            indent + shown(node.name), _word(node.role), _word(node.state), or_dash(node.timeline),
            "" if primary else short_lag(node.lag), "" if primary else size(node.behind.get("replay")), slot,
        ]  # fmt: skip
        made.add_row(*row, *([_line(node, status, past, ascii_only=ascii_only)] if past else []))
    return lines(made)


def _span(seconds: float) -> Message:
    return msg("Last hour") if seconds >= _HOUR else msg("Last {time}", time=format_seconds(seconds))


def _line(node: NodeView, status: Status, past: int, *, ascii_only: bool) -> str:
    """The past of a node, and the most that it came to."""
    values = status.lately.get(node.name, ())
    known = [value for value in values if value is not None]
    if not known:
        return ""
    short = [_most(values[at : at + past]) for at in range(0, len(values), past)]
    if node.role == "primary":
        return f"{spark(short, ascii_only=ascii_only)} {text(msg('{size}/s', size=format_size(max(known))))}"
    return f"{spark(short, _LEAST_LAG, ascii_only=ascii_only)} {format_seconds(max(known))}"


def _most(part: Sequence[float | None]) -> float | None:
    return max((value for value in part if value is not None), default=None)


def _slots(slots: tuple[SlotView, ...], *, several: bool, every: bool = False) -> list[str]:
    """`several`: of more than one server. `every`: what is rarely asked, too, where there is any of it."""
    logical = every and any(slot.sample.database for slot in slots)
    aged = every and any(slot.sample.xmin_age is not None for slot in slots)
    columns: list[tuple[Message, bool, Callable[[SlotView], str], bool]] = [
        (msg("On"), False, lambda slot: shown(slot.node), several),
        (msg("Slot"), False, lambda slot: shown(slot.sample.name), True),
        (msg("Type"), False, lambda slot: _word(slot.sample.slot_type), True),
        (msg("Database"), False, lambda slot: or_dash(slot.sample.database), logical),
        (msg("Used by"), False, _user, True),
        (msg("Status"), False, lambda slot: or_dash(slot.sample.wal_status), every),
        (msg("WAL held"), True, lambda slot: size(slot.sample.retained_bytes), True),
        (msg("Cap left"), True, _cap, True),
        (msg("Xmin age"), True, lambda slot: or_dash(slot.sample.xmin_age), aged),
        (msg("Full in"), True, short_full, any(short_full(slot) for slot in slots)),
    ]
    shown_ones = [(title, right, cell) for title, right, cell, wanted in columns if wanted]
    right = {number for number, (_, each, _) in enumerate(shown_ones) if each}
    made = table(*(title for title, _, _ in shown_ones), right=right)
    for slot in slots:
        made.add_row(*(cell(slot) for _, _, cell in shown_ones))
    return lines(made)


def render_slots(status: Status, slots: tuple[SlotView, ...]) -> str:
    """Slots, whatever is known of them, and what is wrong with them."""
    if not slots:
        return text(msg("No slots."))
    names = {f"slot:{slot.node}/{slot.sample.name}" for slot in slots}
    told = [finding for finding in status.findings if finding.subject in names]
    several = len({slot.node for slot in status.picture.slots}) > 1
    parts = ["\n".join(_slots(slots, several=several, every=True)), "\n".join(map(render_finding, told))]
    return "\n\n".join(part for part in parts if part)


def _user(slot: SlotView) -> str:
    if slot.sample.wal_status == "lost":
        return text(msg("lost"))
    if slot.sample.active:
        return shown(slot.used_by or "") or text(msg("active"))
    if slot.idle_seconds is not None:
        time = format_seconds(slot.idle_seconds)
        return text(msg("nobody, >= {time}", time=time) if slot.idle_at_least else msg("nobody, {time}", time=time))
    return text(msg("nobody"))


def _cap(slot: SlotView) -> str:
    if slot.sample.wal_status == "lost":
        return "-"
    if slot.sample.safe_bytes is not None:
        return size(slot.sample.safe_bytes)
    # Below 13, or without a cap. A slot that holds nothing has no safe_wal_size either.
    return text(msg("no cap")) if slot.capped is False else "-"


def short_full(slot: SlotView) -> str:
    """The sooner of the two ends of a slot that nobody reads, as short as a column needs it."""
    ends = [each.seconds for each in (slot.lost_in, slot.full_in) if each]
    return format_seconds(min(ends)) if ends else ""


def short_lag(lag: Lag | None) -> str:
    """A lag as short as a column needs it: >= at least, <= at most."""
    if lag is None:
        return "-"
    sign = ">= " if lag.at_least else "<= " if lag.at_most else ""
    return f"{sign}{format_seconds(lag.seconds)}"


def _word(value: str | None) -> str:
    return or_dash(value) if value not in _WORDS else text(_WORDS[value])


def _loss(status: Status) -> list[str]:
    loss = status.picture.loss
    if loss is None:
        return []
    size = format_size(loss.lag.behind_bytes)
    told = msg(
        "If {primary} were lost now: {standby} has all but {size} of its WAL, {lag} of commits",
        primary=loss.primary, standby=loss.standby, size=size, lag=lag_text(loss.lag),
    )  # fmt: skip
    if loss.lag.seconds < _SOME_SECONDS:  # 0.0 s would be read as nothing
        told = msg(
            "If {primary} were lost now: {standby} has all but {size} of its WAL, just written",
            primary=loss.primary, standby=loss.standby, size=size,
        )  # fmt: skip
    if not loss.lag.behind_bytes:
        told = msg(
            "If {primary} were lost now: {standby} has all of its WAL, but for what was written since this look",
            primary=loss.primary, standby=loss.standby,
        )  # fmt: skip
    p99 = status.lag_p99.get(loss.standby)
    more = msg(
        "{what}. Its lag in 99 % of the minutes that were watched, of 30 days at most: below {p99}",
        what=told,
        p99=format_seconds(p99 or 0),
    )
    if p99 is not None:
        told = more
    return wrap(text(told), "", "  ").splitlines()


def _told(findings: tuple[Finding, ...]) -> list[Finding]:
    """That a lag cannot be known is said where nothing else says why."""
    why = {each.subject for each in findings if each.code != "L407"}
    return [each for each in findings if each.code != "L407" or not why & {each.subject, "cluster"}]


def _held(finding: Finding, status: Status) -> str:
    """It, and since when, where a watch knows that."""
    seconds = status.since.get((finding.code, finding.subject))
    said = render_finding(finding)
    if seconds is None or seconds < _WORTH_SAYING:
        return said
    return f"{said}\n{' ' * 15}{text(msg('for {time} already', time=format_seconds(seconds)))}"


def render_finding(finding: Finding) -> str:
    """Its severity and code, what was seen, and what follows."""
    first = f"{finding.severity.value:<8} {finding.code}  "
    told = [wrap(text(finding.what), first, " " * len(first))]
    if finding.then is not None:
        told.append(wrap(text(finding.then), " " * len(first), " " * len(first)))
    return "\n".join(told)
