"""A telephone exchange that lives a working week in a minute: AMI over TCP, a queue log that rotates, a webhook.

Run as a process of its own; knows nothing of the product. It writes down the truth of every call it has made.
Disturbances: AMI is cut off for whole stretches, events come twice, webhooks come shuffled, late and twice, lines of
the log are written in two pieces, the log is put aside and packed, the exchange is restarted with a call in the queue.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import hmac
import json
import random
import socket
import sys
import threading
import time
import urllib.request
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

ZONE = timezone(timedelta(hours=7))
MONDAY = datetime(2026, 4, 27, tzinfo=ZONE)  # Thursday is shortened, Friday is a holiday
CLOSES = {0: 18, 1: 18, 2: 18, 3: 17}
QUEUE, STRANGE, DIALLED = "support", "other-department", "2386002"
AGENTS = ("101", "102", "103")
AMI_SHARE = 5  # of that many stretches of the week one is silent


@dataclass
class Emission:
    """What the exchange says at one moment, by one of its three mouths."""

    at: float
    ami: dict[str, Any] | None = None
    log: str = ""
    hook: dict[str, Any] | None = None


@dataclass
class Week:
    """All that happens in the week, and the truth of it."""

    dice: random.Random
    said: list[Emission] = field(default_factory=list)
    truth: list[dict[str, Any]] = field(default_factory=list)

    def live(self, count: int) -> None:
        for number in range(count):
            day = self.dice.randrange(5)
            at = MONDAY + timedelta(days=day, seconds=self.dice.randrange(8 * 3600, 19 * 3600))
            self.call(number, int(at.timestamp()), day)
        restart = int((MONDAY + timedelta(days=1, hours=22)).timestamp())
        self.hanging(count, restart - 60)
        self.log(restart, "NONE", "NONE", "NONE", "QUEUESTART")
        self.said.sort(key=lambda one: one.at)

    def call(self, number: int, at: int, day: int) -> None:
        uid = f"{at}.{number}"
        kinds = ["answered"] * 55 + ["abandoned"] * 20 + ["timed_out"] * 8 + ["menu"] * 8 + ["transferred"] * 5
        kind = self.dice.choice([*kinds, *["withheld"] * 4, *["strange"] * 3])
        caller = "" if kind == "withheld" else f"+7913{number:07}"
        true = {"uid": uid, "number": caller, "by_robot": False, "talked": 0, "held": 0, "position": None, "agent": ""}
        true["line"] = kind != "strange"
        true["in_hours"] = day in CLOSES and 9 <= datetime.fromtimestamp(at, ZONE).hour < CLOSES[day]
        dialled = "2380000" if kind == "strange" else DIALLED
        self.ami(at, "Newchannel", uid, Linkedid=uid, Context="from-trunk", Exten=dialled, CallerIDNum=caller)
        if kind == "menu":
            self.menu(uid, caller, at, true)
            return
        queue = STRANGE if kind == "strange" else QUEUE
        at += 4
        said = caller or "anonymous"
        self.ami(at, "QueueCallerJoin", uid, Queue=queue, CallerIDNum=said, Position=1)
        self.log(at, uid, queue, "NONE", "ENTERQUEUE", "", said, 1)
        true["came_at"] = at
        if kind in ("answered", "transferred"):
            self.answered(uid, queue, at, true, transferred=kind == "transferred")
        else:
            self.missed(uid, queue, at, true, timed_out=kind == "timed_out")
        self.truth.append(true)

    def answered(self, uid: str, queue: str, came: int, true: dict[str, Any], *, transferred: bool) -> None:
        at = came
        for agent in self.dice.sample(AGENTS, self.dice.randrange(3)):
            self.ami(at + 1, "AgentCalled", uid, Queue=queue, Interface=f"PJSIP/{agent}")
            at += 12
            self.ami(at, "AgentRingNoAnswer", uid, Queue=queue, Interface=f"PJSIP/{agent}")
            self.log(at, uid, queue, f"PJSIP/{agent}", "RINGNOANSWER", 11000)
        at += self.dice.randrange(3, 20)
        agent, waited, talked = self.dice.choice(AGENTS), at - came, self.dice.randrange(20, 900)
        channel = f"PJSIP/{agent}-{self.dice.randrange(16**8):08x}"
        self.ami(at, "AgentConnect", uid, Queue=queue, Interface=f"PJSIP/{agent}", HoldTime=waited)
        self.ami(at, "DialEnd", f"{uid}9", Linkedid=uid, DialStatus="ANSWER", DestChannel=channel)
        self.log(at, uid, queue, f"PJSIP/{agent}", "CONNECT", waited, f"{uid}9", 3)
        if self.dice.random() < 0.2:
            held = self.dice.randrange(5, 15)
            for kind, name, when in (("held", "Hold", at + 4), ("resumed", "Unhold", at + 4 + held)):
                self.ami(when, name, f"{uid}9", Linkedid=uid)
                self.hook(when, uid, kind)
            true["held"] = held
        end = at + talked
        if transferred:
            self.ami(end, "BlindTransfer", "", TransfererLinkedid=uid, Extension="250")
            self.log(end, uid, queue, f"PJSIP/{agent}", "BLINDTRANSFER", "250", "from-internal", waited, talked, 1)
            self.ami(end + 200, "Hangup", uid, Linkedid=uid)
        else:
            self.ami(end, "AgentComplete", uid, Queue=queue, Interface=f"PJSIP/{agent}", TalkTime=talked)
            self.log(end, uid, queue, f"PJSIP/{agent}", "COMPLETECALLER", waited, talked, 1)
            self.ami(end, "Hangup", uid, Linkedid=uid)
        self.ami(end, "Hangup", f"{uid}9", Linkedid=uid)
        true |= {"state": "answered", "waited": waited, "talked": talked, "agent": agent}

    def missed(self, uid: str, queue: str, came: int, true: dict[str, Any], *, timed_out: bool) -> None:
        waited, position = self.dice.randrange(2, 180), self.dice.randrange(1, 5)
        end = came + waited
        if timed_out:
            self.log(end, uid, queue, "NONE", "EXITWITHTIMEOUT", position, position + 1, waited)
            self.robot(uid, end + 1)
            self.ami(end + 9, "Hangup", uid, Linkedid=uid)
        else:
            self.ami(end, "QueueCallerAbandon", uid, Queue=queue, Position=position, HoldTime=waited)
            self.log(end, uid, queue, "NONE", "ABANDON", position, position + 1, waited)
            self.ami(end, "Hangup", uid, Linkedid=uid)
        true |= {"state": "missed", "waited": waited, "position": position, "by_robot": timed_out}

    def menu(self, uid: str, caller: str, at: int, true: dict[str, Any]) -> None:
        """Let a machine answer and the caller hang up before anybody human is asked: the log knows nothing of it."""
        end = at + self.dice.randrange(5, 60)
        self.hook(at, uid, "entered", dialled=DIALLED, number=caller)
        self.robot(uid, at + 1)
        self.hook(end, uid, "ended")
        self.ami(end, "Hangup", uid, Linkedid=uid)
        self.truth.append(true | {"state": "missed", "came_at": at, "waited": end - at, "by_robot": True})

    def hanging(self, number: int, at: int) -> None:
        uid = f"{at}.{number}"
        self.log(at, uid, QUEUE, "NONE", "ENTERQUEUE", "", "+79139999999", 1)
        true = {"uid": uid, "number": "+79139999999", "by_robot": False, "talked": 0, "held": 0, "position": None}
        true |= {"agent": "", "line": True, "in_hours": False, "came_at": at, "state": "missed", "waited": 0}
        self.truth.append(true)

    def robot(self, uid: str, at: int) -> None:
        self.ami(at, "UserEvent", uid, Linkedid=uid, UserEvent="Robot")
        self.hook(at, uid, "robot")

    def ami(self, at: int, event: str, uid: str, **fields: object) -> None:
        named = {"Event": event, "Privilege": "call,all", "Timestamp": f"{at}.000000", "Uniqueid": uid, **fields}
        self.said.append(Emission(at, ami=named))

    def log(self, at: int, *parts: object) -> None:
        self.said.append(Emission(at, log="|".join(map(str, (at, *parts)))))

    def hook(self, at: int, uid: str, event: str, **fields: object) -> None:
        when = datetime.fromtimestamp(at, ZONE).isoformat()
        self.said.append(Emission(at, hook={"call_id": uid, "event": event, "at": when, **fields}))


class Ami:
    """The manager's port: lets in who knows the password; can be cut off."""

    def __init__(self, port: int) -> None:
        self._port, self._clients, self._lock = port, list[socket.socket](), threading.Lock()
        self._server: socket.socket | None = None
        self.came = threading.Event()
        self.asked: list[dict[str, str]] = []  # actions after the login
        self.refuses = ""  # the words it refuses an action with

    def open(self) -> None:
        self.came.clear()
        self._server = socket.create_server(("127.0.0.1", self._port), reuse_port=True)
        threading.Thread(target=self._accept, args=[self._server], daemon=True).start()

    def cut(self) -> None:
        assert self._server is not None
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        with self._lock:
            for client in self._clients:
                client.close()
            self._clients = []

    def say(self, fields: dict[str, Any], dice: random.Random) -> None:
        block = "".join(f"{name}: {value}\r\n" for name, value in fields.items()).encode() + b"\r\n"
        with self._lock:
            for client in list(self._clients):
                cut = dice.randrange(len(block))
                try:
                    client.sendall(block[:cut])
                    client.sendall(block[cut:])
                except OSError:
                    self._clients.remove(client)

    def _accept(self, server: socket.socket) -> None:
        while True:
            try:
                client, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=self._greet, args=[client], daemon=True).start()

    def _greet(self, client: socket.socket) -> None:
        client.sendall(b"Asterisk Call Manager/5.0.4\r\n")
        asked = b""
        try:
            while not asked.endswith(b"\r\n\r\n"):
                if not (chunk := client.recv(1024)):
                    return
                asked += chunk
        except OSError:
            return
        if b"Secret: letmein" not in asked:
            client.sendall(b"Response: Error\r\nMessage: Authentication failed\r\n\r\n")
            client.close()
            return
        with self._lock:
            client.sendall(b"Response: Success\r\nMessage: Authentication accepted\r\n\r\n")
            self._clients.append(client)
        self.came.set()
        self._act(client)

    def _act(self, client: socket.socket) -> None:
        """Answer actions until the other side leaves; before its word an exchange tells of other things, too."""
        rest = b""
        try:
            while chunk := client.recv(1024):
                *blocks, rest = (rest + chunk).split(b"\r\n\r\n")
                for block in blocks:
                    lines = (line.partition(": ") for line in block.decode().split("\r\n"))
                    action = {name: value for name, _, value in lines}
                    self.asked.append(action)
                    word = f"Error\r\nMessage: {self.refuses}" if self.refuses else "Success"
                    said = f"Response: {word}\r\nActionID: {action.get('ActionID', '')}\r\n\r\n"
                    with self._lock:
                        client.sendall(b"Event: Newexten\r\nUniqueid: 1\r\n\r\n" + said.encode())
        except OSError:
            return


class QueueLog:
    """The log file: appended to, now and then put aside, the older pieces packed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.touch()

    def say(self, line: str, dice: random.Random) -> None:
        cut = dice.randrange(len(line)) if dice.random() < 0.02 else 0
        with self._path.open("a") as file:
            file.write(line[:cut])
            file.flush()
            if cut:
                time.sleep(0.05)
            file.write(line[cut:] + "\n")

    def rotate(self) -> None:
        first, second = (self._path.with_name(f"{self._path.name}.{name}") for name in ("1", "2.gz"))
        if first.exists():
            with gzip.open(second, "ab") as packed:
                packed.write(first.read_bytes())
            first.unlink()
        self._path.rename(first)
        self._path.touch()


def post(url: str, secret: str, events: list[dict[str, Any]]) -> None:
    """Send a signed piece; try again until it is taken."""
    body = json.dumps({"events": events}).encode()
    for _ in range(100):
        at = int(time.time())
        made = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
        headers = {"X-Otklik-Signature": f"t={at},v1={made}", "Content-Type": "application/json"}
        try:
            urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=30).close()
            return
        except OSError:
            time.sleep(0.2)
    sys.exit("the webhook is not taken")


def main() -> None:
    """Live the week."""
    parser = argparse.ArgumentParser()
    for name in ("--ami-port", "--calls", "--seed"):
        parser.add_argument(name, type=int, required=True)
    for name in ("--log", "--hook", "--secret", "--truth"):
        parser.add_argument(name, required=True)
    asked = parser.parse_args()
    dice = random.Random(asked.seed)
    week = Week(dice)
    week.live(asked.calls)
    Path(asked.truth).write_text(json.dumps(week.truth))
    ami, log, waiting = Ami(asked.ami_port), QueueLog(Path(asked.log)), list[dict[str, Any]]()
    ami.open()
    is_open = ami.came.wait(60)
    stretch = max(1, len(week.said) // 20)
    for number, one in enumerate(week.said):
        if number % stretch == 0:
            piece = number // stretch
            if piece in (7, 13):
                log.rotate()
            silent = piece % AMI_SHARE == AMI_SHARE - 1
            if silent and is_open:
                ami.cut()
            elif not silent and not is_open:
                ami.open()
                ami.came.wait(30)
            is_open = not silent
        if one.ami and is_open:
            for _ in range(2 if dice.random() < 0.1 else 1):
                ami.say(one.ami, dice)
        if one.log:
            log.say(one.log, dice)
        if one.hook:
            waiting.append(one.hook)
        if len(waiting) >= 40:
            dice.shuffle(waiting)
            post(asked.hook, asked.secret, waiting)
            if dice.random() < 0.3:
                post(asked.hook, asked.secret, waiting)
            waiting = []
    if waiting:
        post(asked.hook, asked.secret, waiting)
    sys.stdout.write("done\n")
    sys.stdout.flush()
    sys.stdin.read()  # AMI stays open until the test has heard everything


if __name__ == "__main__":
    main()
