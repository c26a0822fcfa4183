"""Holds packets back, as netem does where a kernel has it: `delay.py QUEUE SECONDS`, at the switch.

Packets wait in two queues of the kernel (NFQUEUE), one each way. It hands over their numbers only, and takes one
verdict for all that are due. Their order is kept. Ends when its standard input does.
"""

import collections
import os
import select
import socket
import struct
import sys
import time

SUBSYSTEM = 3 << 8  # NFNL_SUBSYS_QUEUE
PACKET, _VERDICT, CONFIG, VERDICT_BATCH = range(4)
ACCEPT = 1


class Queue:
    """Packets that go one way."""

    def __init__(self, number, seconds):
        self.number, self.seconds = number, seconds
        self.waiting = collections.deque()  # (when it is due, number of the packet)
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12)  # NETLINK_NETFILTER
        self.socket.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)  # SO_RCVBUFFORCE
        self.socket.setsockopt(270, 5, 1)  # NETLINK_NO_ENOBUFS
        self.socket.bind((0, 0))
        self.send(CONFIG, (1, struct.pack(">BxH", 1, 0)), acknowledged=True)  # bind
        no_packet, length, flags = struct.pack(">IB", 0, 1), struct.pack(">I", 200_000), struct.pack(">I", 5)
        # flags: where the queue is full packets pass; large segments come whole
        self.send(CONFIG, (2, no_packet), (3, length), (4, flags), (5, flags), acknowledged=True)
        self.socket.setblocking(False)

    def send(self, kind, *attributes, acknowledged=False):
        body = struct.pack(">BBH", 0, 0, self.number)
        for key, value in attributes:
            body += struct.pack("HH", len(value) + 4, key) + value + b"\0" * (-len(value) % 4)
        flags = 5 if acknowledged else 1  # NLM_F_REQUEST, and NLM_F_ACK
        self.socket.send(struct.pack("IHHII", len(body) + 16, SUBSYSTEM | kind, flags, 0, 0) + body)
        if acknowledged:
            error = -struct.unpack_from("i", self.socket.recv(4096), 16)[0]
            if error:
                raise OSError(error, f"NFQUEUE {self.number}: {os.strerror(error)}")

    def receive(self):
        """Note when each packet that has come is due."""
        due = time.monotonic() + self.seconds
        for _ in range(512):
            try:
                message = self.socket.recv(8192)
            except BlockingIOError:
                return
            if struct.unpack_from("H", message, 4)[0] == SUBSYSTEM | PACKET:
                self.waiting.append((due, *struct.unpack_from(">I", message, 24)))  # NFQA_PACKET_HDR comes first

    def release(self):
        """Let go what is due."""
        now, last = time.monotonic(), None
        while self.waiting and self.waiting[0][0] <= now:
            last = self.waiting.popleft()[1]
        if last is not None:
            self.send(VERDICT_BATCH, (2, struct.pack(">II", ACCEPT, last)))


def main(first, seconds):
    queues = [Queue(number, seconds) for number in (first, first + 1)]
    print("ready", flush=True)
    while True:
        due = [queue.waiting[0][0] for queue in queues if queue.waiting]
        timeout = max(0, min(due) - time.monotonic()) if due else None
        ready, _, _ = select.select([sys.stdin, *(queue.socket for queue in queues)], [], [], timeout)
        if sys.stdin in ready:
            return
        for queue in queues:
            if queue.socket in ready:
                queue.receive()
            queue.release()


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))
