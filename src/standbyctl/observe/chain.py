"""How a standby that is to have one of its own follows its primary."""

from __future__ import annotations

from standbyctl.domain.chain import ChainSeen
from standbyctl.nodes.ports import Server

_UPSTREAM = """
SELECT coalesce((SELECT format('%s:%s', sender_host, sender_port) FROM pg_stat_wal_receiver
                  WHERE status = 'streaming'), ''),
       CASE WHEN pg_is_in_recovery() THEN pg_is_wal_replay_paused() ELSE false END
"""
_HEAD = "SELECT current_setting('full_page_writes') = 'on'"


def look_at_chain(head: Server, upstream: Server) -> ChainSeen:
    """Ask both; raises CannotTellError."""
    [(sender, paused)] = upstream.observe(_UPSTREAM)
    [(full_pages,)] = head.observe(_HEAD)
    return ChainSeen(sender, paused, full_pages)
