"""Requests in flight on a TCP port of ours, as the kernel sees them: sock_diag(7), no help from the server.

For HTTP/1.1 only. On an HTTP/2 connection pings and window updates go both ways at any time, so the times of the last bytes
say nothing there (measured with gRPC: a call under way counts as none after 3 s, an idle connection with pings as one).
"""
from __future__ import annotations

import socket
import struct
from collections.abc import Iterator


def connections(port: int) -> Iterator[tuple[int, bytes]]:
    """Unsent bytes and struct tcp_info of each established connection to this local port, from sock_diag(7)."""
    for family in (socket.AF_INET, socket.AF_INET6):
        query = struct.pack("=BBBxI48x", family, socket.IPPROTO_TCP, 1 << 1, 1 << 1)  # with tcp_info; established
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 4) as diag:  # NETLINK_SOCK_DIAG
            diag.send(struct.pack("=IHHII", 16 + len(query), 20, 0x301, 1, 0) + query)  # BY_FAMILY, REQUEST | DUMP
            data = diag.recv(1 << 16)
            while (kind := struct.unpack_from("=IH", data)[1]) != 3:  # NLMSG_DONE
                if kind == 2:  # NLMSG_ERROR
                    raise OSError(0, f"sock_diag error {struct.unpack_from('=i', data, 16)[0]}")
                length = struct.unpack_from("=I", data)[0]
                at, (unsent,) = 16 + 72, struct.unpack_from("=I", data, 16 + 60)  # after nlmsghdr and inet_diag_msg
                while struct.unpack_from(">H", data, 16 + 4)[0] == port and at < length:
                    size, attribute = struct.unpack_from("=HH", data, at)
                    if attribute == 2:  # INET_DIAG_INFO
                        yield unsent, data[at + 4:at + size]
                    at += size + 3 & ~3
                data = data[length + 3 & ~3:] or diag.recv(1 << 16)


def quiet(port: int) -> float:
    """Seconds since bytes last came in on a connection that is still there; infinity where none has brought any."""
    ago = [struct.unpack_from("=I72xQ", info, 52) for _, info in connections(port)]
    return min((milliseconds / 1000 for milliseconds, received in ago if received), default=float("inf"))


def in_flight(port: int) -> int:
    """Connections that are owed an answer: their last bytes came in, or are still going out. An idle keep-alive's last
    bytes went out, long ago. Both within one kernel tick can mean either: owed then for 3 s."""
    count = 0
    for unsent, info in connections(port):
        sent_ago, received_ago, bytes_sent, bytes_received = struct.unpack_from("=I4xI64xQQ", info, 44)  # ago: milliseconds
        owed = bytes_sent <= 1 or received_ago < sent_ago or received_ago == sent_ago < 3000
        count += bool(unsent or (bytes_received and owed))
    return count
