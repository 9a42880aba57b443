"""Writes D-Bus messages of every kind into a folder, for fuzz_dbus. Source: D-Bus Specification, "Message Protocol"."""
import struct
import sys
from pathlib import Path

PATH, INTERFACE, MEMBER, ERROR, REPLY_SERIAL, DESTINATION, SENDER, SIGNATURE = range(1, 9)
TYPES = {PATH: "o", REPLY_SERIAL: "u", SIGNATURE: "g"}


def padded(data, alignment):
    return data + bytes(-len(data) % alignment)


def text(value):
    return struct.pack("<I", len(value)) + value.encode() + b"\0"


def field(code, value):
    kind = TYPES.get(code, "s")
    head = bytes([code, 1]) + kind.encode() + b"\0"
    if kind == "u":
        return head + struct.pack("<I", value)
    return head + (bytes([len(value)]) + value.encode() + b"\0" if kind == "g" else text(value))


def message(kind, serial, fields, body=b""):
    encoded = b""
    for code, value in fields.items():
        encoded = padded(encoded, 8) + field(code, value)
    return padded(struct.pack("<cBBBIII", b"l", kind, 0, 1, len(body), serial, len(encoded)) + encoded, 8) + body


JOB = "/org/freedesktop/systemd1/job/7"
MESSAGES = {
    "hello": message(2, 1, {REPLY_SERIAL: 1, DESTINATION: ":1.5", SENDER: "org.freedesktop.DBus", SIGNATURE: "s"}, text(":1.5")),
    "reply": message(2, 9, {REPLY_SERIAL: 2, SENDER: ":1.0", SIGNATURE: "o"}, text(JOB)),
    "empty": message(2, 9, {REPLY_SERIAL: 2}),
    "error": message(3, 4, {ERROR: "org.freedesktop.systemd1.UnitExists", REPLY_SERIAL: 3, SIGNATURE: "s"}, text("exists")),
    "signal": message(4, 5, {PATH: "/org/freedesktop/systemd1", INTERFACE: "org.freedesktop.systemd1.Manager",
                             MEMBER: "JobRemoved", SIGNATURE: "uoss"},
                      padded(struct.pack("<I", 7) + text(JOB), 4) + padded(text("x.scope"), 4) + text("done")),
    "call": message(1, 6, {PATH: "/a", INTERFACE: "a.b", MEMBER: "C", DESTINATION: "d.e"}),
}

folder = Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
for name, data in MESSAGES.items():
    (folder / name).write_bytes(data)
