#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Frames for the tests, made without a line of the code under test.

make_corpus.py corpus DIR    write the fuzzers' seeds to DIR/parse and DIR/answer
make_corpus.py header        print tests/unit/frames.h, the golden frames of the unit tests
make_corpus.py pcap FILE     write all of them for `tcpdump -nvvr FILE`, which checks every checksum
"""

import ipaddress
import os
import struct
import sys

OUR_MAC = bytes.fromhex("02005e100001")  # a locally administered station
PEER_MAC = bytes.fromhex("02005e100002")
BROADCAST = b"\xff" * 6
OUR4, PEER4 = "192.0.2.1", "192.0.2.2"
OUR6, PEER6 = "2001:db8::1", "2001:db8::2"
GROUP6, NODES6 = "ff02::1:ff00:1", "ff02::1"
UDP, TCP, ICMP, ICMP6 = 17, 6, 1, 58


def ip(text):
    return ipaddress.ip_address(text).packed


def fold(data):
    """The ones' complement sum of 16-bit words, by the book (RFC 1071)."""
    if len(data) % 2:
        data += b"\0"
    total = 0
    for (word,) in struct.iter_unpack("!H", data):
        total += word
        total = (total & 0xFFFF) + (total >> 16)
    return total


def pseudo(src, dst, proto, size):
    return ip(src) + ip(dst) + struct.pack("!II", size, proto)


def put(data, at, value):
    return data[:at] + struct.pack("!H", value) + data[at + 2 :]


def ether(payload, ethertype, dst=OUR_MAC, src=PEER_MAC, tags=()):
    head = dst + src
    for tpid, tci in tags:
        head += struct.pack("!HH", tpid, tci)
    return head + struct.pack("!H", ethertype) + payload


def ip4(payload, proto, src=PEER4, dst=OUR4, ttl=64, frag=0x4000, options=b"", tos=0, ident=0):
    words = 5 + len(options) // 4
    head = struct.pack("!BBHHHBBH", 0x40 | words, tos, words * 4 + len(payload), ident, frag, ttl, proto, 0)
    head += ip(src) + ip(dst) + options
    return put(head, 10, fold(head) ^ 0xFFFF) + payload


def ip6(payload, proto, src=PEER6, dst=OUR6, hops=64, flow=0):
    return struct.pack("!IHBB", 6 << 28 | flow, len(payload), proto, hops) + ip(src) + ip(dst) + payload


def l4(data, at, proto, src, dst, partial=False):
    """Fill the checksum field at `at`; partial: with the bare pseudo-header sum."""
    head = b"" if proto == ICMP else pseudo(src, dst, proto, len(data))
    if partial:
        return put(data, at, fold(head))
    csum = fold(head + data) ^ 0xFFFF
    return put(data, at, 0xFFFF if proto == UDP and not csum else csum)


def udp(payload, src, dst, sport=40000, dport=7, csum=True, partial=False, size=None):
    data = struct.pack("!HHHH", sport, dport, size or 8 + len(payload), 0) + payload
    return l4(data, 6, UDP, src, dst, partial) if csum else data


def tcp(payload, src, dst, options=b"", partial=False):
    words = 5 + len(options) // 4
    data = struct.pack("!HHIIHHHH", 40000, 22, 0x01020304, 0, words << 12 | 2, 0xFAF0, 0, 0)
    return l4(data + options + payload, 16, TCP, src, dst, partial)


def icmp(kind, payload, code=0, ident=0x1234, seq=1):
    return l4(struct.pack("!BBHHH", kind, code, 0, ident, seq) + payload, 2, ICMP, None, None)


def icmp6(kind, payload, src, dst, code=0):
    return l4(struct.pack("!BBH", kind, code, 0) + payload, 2, ICMP6, src, dst)


def arp(op, sha, spa, tha, tpa):
    return struct.pack("!HHBBH", 1, 0x0800, 6, 4, op) + sha + ip(spa) + tha + ip(tpa)


def nd(kind, src, dst, target, option=b"", flags=0, hops=255):
    body = bytes([flags, 0, 0, 0]) + ip(target) + option
    return ip6(icmp6(kind, body, src, dst), ICMP6, src, dst, hops=hops)


def lladdr(kind, mac):
    return bytes([kind, 1]) + mac


TEXT = b"The quick brown fox jumps over the lazy dog"
V4, V6 = (PEER4, OUR4), (PEER6, OUR6)
IP4, IP6, ARP = 0x0800, 0x86DD, 0x0806
ECHO6 = struct.pack("!HH", 0x1234, 1) + TEXT
ZERO_MAC = bytes(6)
GROUP_MAC = bytes.fromhex("3333ff000001")
NODES_MAC = bytes.fromhex("333300000001")
ROUTE = bytes([7, 7, 4, 192, 0, 2, 9, 0])  # record route, and the end
HOP_BY_HOP = bytes([60, 1, 1, 12]) + bytes(12)  # then destination options
DEST_OPTS = bytes([17, 0, 1, 4, 0, 0, 0, 0])  # then UDP
ATOMIC_ND = bytes([58, 0, 0, 0, 0, 0, 0, 1])
ATOMIC = bytes([17, 0, 0, 0, 0, 0, 0, 1])  # a fragment header of a whole packet
PADDING = bytes(18)


def frames():
    """Name -> frame. `ans_X` is the answer to `X`; what has none is not answered."""
    f = {}
    f["arp"] = ether(arp(1, PEER_MAC, PEER4, ZERO_MAC, OUR4) + PADDING, ARP, BROADCAST)
    f["ans_arp"] = ether(arp(2, OUR_MAC, OUR4, PEER_MAC, PEER4) + PADDING, ARP, PEER_MAC, OUR_MAC)
    f["arp_probe"] = ether(arp(1, PEER_MAC, "0.0.0.0", ZERO_MAC, OUR4), ARP, BROADCAST)
    f["ans_arp_probe"] = ether(arp(2, OUR_MAC, OUR4, PEER_MAC, "0.0.0.0"), ARP, PEER_MAC, OUR_MAC)
    f["udp4"] = ether(ip4(udp(TEXT, *V4), UDP), IP4)
    f["ans_udp4"] = ether(ip4(udp(TEXT, *V4[::-1], 7, 40000), UDP, *V4[::-1]), IP4, PEER_MAC, OUR_MAC)
    f["udp4_partial"] = ether(ip4(udp(TEXT, *V4, partial=True), UDP, ttl=3), IP4)
    f["ans_udp4_partial"] = f["ans_udp4"]
    f["udp4_none"] = ether(ip4(udp(b"", *V4, csum=False), UDP, ident=7, frag=0) + PADDING, IP4)
    f["ans_udp4_none"] = ether(
        ip4(udp(b"", *V4[::-1], 7, 40000, csum=False), UDP, *V4[::-1], ident=7, frag=0) + PADDING,
        IP4, PEER_MAC, OUR_MAC)  # fmt: skip
    f["udp4_qinq_options"] = ether(
        ip4(udp(TEXT, *V4), UDP, options=ROUTE, tos=0xB8), IP4,
        tags=((0x88A8, 100), (0x8100, 0x6007)))  # fmt: skip
    f["ans_udp4_qinq_options"] = ether(
        ip4(udp(TEXT, *V4[::-1], 7, 40000), UDP, *V4[::-1], options=ROUTE, tos=0xB8), IP4,
        PEER_MAC, OUR_MAC, ((0x88A8, 100), (0x8100, 0x6007)))  # fmt: skip
    f["icmp"] = ether(ip4(icmp(8, TEXT), ICMP), IP4)
    f["ans_icmp"] = ether(ip4(icmp(0, TEXT), ICMP, *V4[::-1]), IP4, PEER_MAC, OUR_MAC)
    f["icmp_zero"] = ether(ip4(icmp(8, bytes(10), 0, 0, 0), ICMP), IP4)
    f["ans_icmp_zero"] = ether(ip4(icmp(0, bytes(10), 0, 0, 0), ICMP, *V4[::-1]), IP4, PEER_MAC, OUR_MAC)
    f["udp6"] = ether(ip6(udp(TEXT, *V6), UDP, flow=0xABCDE), IP6)
    f["ans_udp6"] = ether(
        ip6(udp(TEXT, *V6[::-1], 7, 40000), UDP, *V6[::-1], flow=0xABCDE), IP6, PEER_MAC, OUR_MAC)  # fmt: skip
    f["udp6_partial"] = ether(ip6(udp(TEXT, *V6, partial=True), UDP, hops=5, flow=0xABCDE), IP6)
    f["ans_udp6_partial"] = f["ans_udp6"]
    f["icmp6"] = ether(ip6(icmp6(128, ECHO6, *V6), ICMP6), IP6, tags=((0x8100, 5),))
    f["ans_icmp6"] = ether(
        ip6(icmp6(129, ECHO6, *V6[::-1]), ICMP6, *V6[::-1]), IP6, PEER_MAC, OUR_MAC, ((0x8100, 5),))  # fmt: skip
    na = nd(136, OUR6, PEER6, OUR6, lladdr(2, OUR_MAC), 0x60)
    f["ns"] = ether(nd(135, PEER6, GROUP6, OUR6, lladdr(1, PEER_MAC)), IP6, GROUP_MAC)
    f["ans_ns"] = ether(na, IP6, PEER_MAC, OUR_MAC)
    f["ns_unicast"] = ether(nd(135, PEER6, OUR6, OUR6), IP6)
    f["ans_ns_unicast"] = f["ans_ns"]
    f["ns_probe"] = ether(nd(135, "::", GROUP6, OUR6), IP6, GROUP_MAC)
    f["ans_ns_probe"] = ether(nd(136, OUR6, NODES6, OUR6, lladdr(2, OUR_MAC), 0x20), IP6, NODES_MAC, OUR_MAC)
    f["tcp4"] = ether(ip4(tcp(b"x", *V4, options=bytes([2, 4, 5, 180])), TCP), IP4)
    f["tcp6_partial"] = ether(ip6(tcp(b"", *V6, partial=True), TCP), IP6)
    f["udp6_ext"] = ether(ip6(HOP_BY_HOP + DEST_OPTS + udp(TEXT, *V6), 0), IP6)
    f["udp6_atomic"] = ether(ip6(ATOMIC + udp(TEXT, *V6), 44), IP6)
    ns = icmp6(135, bytes(4) + ip(OUR6), PEER6, OUR6)
    f["ns_atomic"] = ether(ip6(ATOMIC_ND + ns, 44, hops=255), IP6)
    na = icmp6(136, bytes([0x60, 0, 0, 0]) + ip(OUR6) + lladdr(2, OUR_MAC), OUR6, PEER6)
    f["na_atomic"] = ether(ip6(ATOMIC_ND + na, 44, OUR6, PEER6, 255), IP6, PEER_MAC, OUR_MAC)
    f["udp4_surplus"] = ether(ip4(udp(b"abc", *V4) + b"surplus", UDP), IP4)
    return f


def broken():
    """Frames for the fuzzers only, refused one way or another."""
    f = {}
    f["bad_fragment4"] = ether(ip4(udp(TEXT, *V4), UDP, frag=0x2000), IP4)
    f["bad_fragment6"] = ether(ip6(bytes([17, 0, 0, 1]) + bytes(4) + udp(TEXT, *V6), 44), IP6)
    f["bad_port7"] = ether(ip4(udp(TEXT, *V4, sport=7), UDP), IP4)
    f["bad_source_route"] = ether(ip4(icmp(8, b""), ICMP, options=bytes([131, 7, 4, 1, 2, 3, 4, 0])), IP4)
    f["bad_option_cut"] = ether(ip4(b"", 99, options=bytes([1, 1, 1, 0x44])), IP4)
    f["bad_option"] = ether(nd(135, PEER6, GROUP6, OUR6, bytes(8)), IP6, GROUP_MAC)
    f["bad_hops"] = ether(nd(135, PEER6, GROUP6, OUR6, lladdr(1, PEER_MAC), hops=64), IP6, GROUP_MAC)
    f["routing"] = ether(ip6(bytes([17, 2, 0, 1]) + bytes(4) + ip(PEER6) + udp(TEXT, *V6), 43), IP6)
    return f


def write_corpus(top):
    everything = {**frames(), **broken()}
    for which in ("parse", "answer"):
        os.makedirs(f"{top}/{which}", exist_ok=True)
    for name, data in everything.items():
        which = "parse" if name.startswith(("tcp", "udp6_", "udp4_s", "bad_fr", "rou", "ans_ns", "ans_arp")) else "answer"
        if name.startswith("ans_") and name not in ("ans_arp", "ans_ns"):
            continue
        with open(f"{top}/{which}/{name}", "wb") as out:
            out.write(data)


def print_header():
    print("/* SPDX-License-Identifier: BSD-2-Clause */")
    print("/*")
    print(" * frames.h - golden frames. Made by `tests/fuzz/make_corpus.py header`, which shares no code")
    print(" * with what is tested; `make_corpus.py pcap` has tcpdump check them. Not to be edited.")
    print(" */")
    print("#ifndef XSKIT_TEST_FRAMES_H\n#define XSKIT_TEST_FRAMES_H\n\n#include <stdint.h>\n")
    print("/* clang-format off */")
    for name, data in frames().items():
        print(f"static const uint8_t frame_{name}[] __attribute__((unused)) = {{")
        for i in range(0, len(data), 16):
            print("\t" + " ".join(f"0x{b:02x}," for b in data[i : i + 16]))
        print("};")
    print("/* clang-format on */\n\n#endif")


def write_pcap(path):
    with open(path, "wb") as out:
        out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for i, data in enumerate(frames().values()):
            out.write(struct.pack("<IIII", i, 0, len(data), len(data)) + data)


if __name__ == "__main__":
    if sys.argv[1:] == ["header"]:
        print_header()
    elif len(sys.argv) == 3 and sys.argv[1] == "corpus":
        write_corpus(sys.argv[2])
    elif len(sys.argv) == 3 and sys.argv[1] == "pcap":
        write_pcap(sys.argv[2])
    else:
        sys.exit(__doc__)
