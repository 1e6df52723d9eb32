"""A station in a group, by the host's kernel.

groups.py hear GROUP INTERFACE PORT    joins, says so, and prints what it hears
groups.py say ADDRESS INTERFACE PORT TEXT    sends a datagram to a group or a station
"""

import ipaddress
import socket
import struct
import sys


def open_socket(address, interface):
    """A socket that sends by an interface."""
    index = socket.if_nametoindex(interface)
    if address.version == 4:
        one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        # struct ip_mreqn
        name = struct.pack("@4s4si", bytes(4), bytes(4), index)
        one.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, name)
    else:
        one = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)
    return one


def join(one, group, interface):
    index = socket.if_nametoindex(interface)
    if group.version == 4:
        value = struct.pack("@4s4si", group.packed, bytes(4), index)
        one.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, value)
    else:
        value = struct.pack("@16si", group.packed, index)
        one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, value)


def main(mode, address, interface, port, *text):
    address = ipaddress.ip_address(address)
    one = open_socket(address, interface)
    if mode == "say":
        one.sendto(text[0].encode(), (str(address), int(port)))
        return
    one.bind((str(address), int(port)))
    join(one, address, interface)
    print("joined", flush=True)
    while True:
        data, sender = one.recvfrom(2000)
        print(f"{sender[0]}: {data.decode()}", flush=True)


main(*sys.argv[1:])
