"""A standby that goes where an empty cluster stands: how that makes room, and how it comes back."""

from __future__ import annotations

from collections.abc import Iterator

from standbyctl.domain.facts import Contents, Facts, Place
from standbyctl.domain.message import Message, msg
from standbyctl.domain.names import replaced_path
from standbyctl.domain.replacing import Replaced
from standbyctl.domain.sample import Sample
from standbyctl.domain.target import Target
from standbyctl.steps.base import Step
from standbyctl.steps.cluster import PutClusterBack, ReplaceCluster


def may_replace(target: Target) -> bool:
    """Whether the operator has named a cluster that may be moved aside; what starts it starts the standby."""
    return target.replace_cluster and target.service.managed


def somebodys(facts: Facts, target: Target) -> bool:
    """Whether what stands in the standby's place is a cluster of its own: not ours to stop, whatever it does."""
    place, system_identifier = facts.place(target.name), facts.server(target.primary).system_identifier
    resident = place.resident if place.contents is Contents.CLUSTER else None
    return resident is not None and resident.system_identifier != system_identifier


def make_room(place: Place, sample: Sample, target: Target) -> Iterator[Step]:
    """What moves the cluster aside, right before the copy takes its place."""
    if may_replace(target) and place.contents is Contents.CLUSTER and place.resident:
        yield ReplaceCluster(
            name=target.name,
            data_directory=target.data_directory,
            aside=replaced_path(target.data_directory, target.name),
            bin_directory=place.bin_directory,
            system_identifier=place.resident.system_identifier,
            identity=sample.directory_identity,
            service=target.service,
        )


def owed(place: Place) -> Replaced | None:
    """The cluster that a standby has replaced, where it can have its place again: as we left it."""
    room = place.contents in {Contents.ABSENT, Contents.EMPTY, Contents.STANDBY}
    return place.replaced if room and place.replaced and place.replaced.ours else None


def put_back(place: Place, sample: Sample, target: Target) -> Iterator[Step]:
    """What gives a cluster its place again, and starts it."""
    resident = place.resident
    if there := owed(place):
        system_identifier, identity = there.system_identifier, there.identity
    elif place.contents is Contents.CLUSTER and resident and resident.marked:
        # An attach died before it was moved, or a detach after it had come back.
        system_identifier, identity = resident.system_identifier, sample.directory_identity
    else:
        return
    yield PutClusterBack(
        name=target.name,
        data_directory=target.data_directory,
        aside=replaced_path(target.data_directory, target.name),
        bin_directory=place.bin_directory,
        system_identifier=system_identifier,
        identity=identity,
        service=target.service,
    )


def put_back_notes(place: Place, target: Target) -> Iterator[Message]:
    """What becomes of a cluster that was replaced."""
    aside = replaced_path(target.data_directory, target.name)
    if owed(place) and place.contents is Contents.STANDBY:
        yield msg(
            "{path} makes room for the cluster that stood there before, which comes back from {aside}",
            path=target.data_directory,
            aside=aside,
        )
    elif place.replaced and not owed(place):
        yield msg(
            "{aside} is kept as it is: {why}",
            aside=aside,
            why=msg("something else stands in its place")
            if place.replaced.ours
            else msg("it is not, or no longer, the cluster that attach moved there and nobody has started since"),
        )
