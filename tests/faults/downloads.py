"""A server on loopback that misbehaves, and what a download makes of it."""

import gzip
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.conftest import environment_with
from tests.faults.made_up import CONTENT, FILE
from tests.faults.study import Run
from tests.faults.trial import Failure, Trial, clear_errors, tail

REPOSITORY = Path(__file__).parents[2]
PAGE = b"<html><body>Sign in to go on</body></html>" * 20
MANNERS = (
    "cut",
    "cut, the length unsaid",
    "reset",
    "stands still",
    "drips",
    "never answers",
    "one bit wrong",
    "short",
    "one byte more",
    "never ends",
    "empty",
    "another file",
    "an HTML page",
    "an HTML page as a file",
    "redirected to an HTML page",
    "redirected in a circle",
    "packed with gzip",
    "missing",
    "busy",
    "killed on the way",
)


class Server(ThreadingHTTPServer):
    """Serves the made-up file, in a bad manner for so many requests to come."""

    daemon_threads = True
    manner = ""
    bad_requests = 0
    place = 0  # byte at which it goes wrong

    def handle_error(self, *_: object) -> None:
        pass  # a client that gave up


class Handler(BaseHTTPRequestHandler):
    server: Server

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self.send(b"", {"Content-Length": str(len(CONTENT))})

    def do_GET(self) -> None:
        server = self.server
        if server.bad_requests <= 0 or self.path.startswith("/good/"):
            return self.send(CONTENT)
        server.bad_requests -= 1
        return self.misbehave(server.manner, server.place)

    def send(self, body: bytes, headers: dict[str, str] | None = None, status: int = 200) -> None:
        self.send_response(status)
        length = {"Content-Length": str(len(body)), "Content-Type": "application/octet-stream"}
        for name, value in (length | (headers or {})).items():
            if value:
                self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def misbehave(self, manner: str, place: int) -> None:
        whole = {"Content-Length": str(len(CONTENT))}
        flipped = bytearray(CONTENT)
        flipped[place] ^= 1 << place % 8
        if manner == "cut":
            self.send(CONTENT[:place], whole)
        elif manner == "cut, the length unsaid":
            self.send(CONTENT[:place], {"Content-Length": ""})
        elif manner == "reset":
            self.send(CONTENT[:place], whole)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            self.connection.close()
        elif manner in ("stands still", "killed on the way"):
            self.send(CONTENT[:place], whole)
            time.sleep(12)
        elif manner == "drips":
            self.send(CONTENT[:place], whole)
            for i in range(place, len(CONTENT)):
                time.sleep(0.2)
                self.wfile.write(CONTENT[i : i + 1])
        elif manner == "never answers":
            time.sleep(12)
        elif manner == "one bit wrong":
            self.send(bytes(flipped))
        elif manner == "short":
            self.send(CONTENT[:place])
        elif manner == "one byte more":
            self.send(CONTENT + b"\n")
        elif manner == "never ends":
            self.send(CONTENT, {"Content-Length": ""})
            while True:
                self.wfile.write(CONTENT)
        elif manner == "empty":
            self.send(b"")
        elif manner == "another file":
            self.send(CONTENT[::-1])
        elif manner == "an HTML page":
            self.send(PAGE, {"Content-Type": "text/html; charset=utf-8"})
        elif manner == "an HTML page as a file":
            self.send(PAGE)
        elif manner == "redirected to an HTML page":
            if self.path == "/sign-in":
                self.send(PAGE, {"Content-Type": "text/html"})
            else:
                self.server.bad_requests += 1
                self.send(b"", {"Location": "/sign-in"}, status=302)
        elif manner == "redirected in a circle":
            self.server.bad_requests += 1
            self.send(b"", {"Location": self.path}, status=302)
        elif manner == "packed with gzip":
            self.send(gzip.compress(CONTENT), {"Content-Encoding": "gzip"})
        else:
            self.send(PAGE, status=404 if manner == "missing" else 503)


@contextmanager
def serving() -> Iterator[Server]:
    with Server(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def bad_download(trial: Trial) -> None:
    """One download goes wrong; the file is whole in the end, by the remedy if one is needed."""
    rng, desk = trial.rng, trial.desk
    by_rule = rng.random() < 0.15
    put_command(trial, by_rule)
    target = desk.folder / "data/raw" / FILE
    with serving() as server:
        address = f"http://127.0.0.1:{server.server_port}"
        places = {
            "the mirror": {"SGNS_STUDY_MIRROR": address},
            "the public address": {"MADE_UP_ADDRESS": f"{address}/{FILE}"},
            "the first of two places": {
                "SGNS_STUDY_MIRROR": address,
                "MADE_UP_ADDRESS": f"{address}/good/{FILE}",
            },
        }
        where = rng.choice(sorted(places))
        desk.variables |= places[where]
        server.manner = rng.choice(MANNERS)
        server.bad_requests = rng.choice((1, 2, 100))
        server.place = rng.randrange(1, len(CONTENT))
        trial.target = f"{where}{', by the rule' if by_rule else ''}"
        trial.moment = f"{server.manner}, byte {server.place}, {server.bad_requests} requests"
        by_hand = rng.random() < 0.3
        run = start(trial, by_rule)
        if server.manner == "killed on the way":
            time.sleep(rng.uniform(0.5, 2.5))
            run.kill_group()
            server.bad_requests = 0
            run = start(trial, by_rule)
        if run.end():
            check_kept_nothing(target)
            heed(trial, run)
            server.bad_requests = 0
            if by_hand:
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(CONTENT)
            run = start(trial, by_rule)
            if run.end():
                raise Failure("unclear", f"the remedy did not help: {tail(run.output)}")
    if target.read_bytes() != CONTENT:
        trial.wrong = [target.name]
        raise Failure("wrong", "a file of other bytes was kept")
    left = {path.name for path in target.parent.iterdir()} - {FILE, ".sha256"}
    if left:
        raise Failure("unclear", f"left behind: {', '.join(left)}")


def put_command(trial: Trial, by_rule: bool) -> None:
    """Make a folder in which `sgns-study` knows the made-up source; with the workflow, if asked."""
    desk = trial.desk
    if by_rule:
        desk.lay_out()
    desk.folder.mkdir(parents=True, exist_ok=True)
    command = f'#!/bin/sh\nexec "{sys.executable}" -m tests.faults.made_up "$@"\n'
    desk.python = environment_with(desk.folder, command)
    path, code = (desk.study.environment.get(name, "") for name in ("PATH", "PYTHONPATH"))
    desk.variables |= {"PATH": f"{desk.python.parent}:{path}", "PYTHONPATH": f"{REPOSITORY}:{code}"}


def start(trial: Trial, by_rule: bool) -> Run:
    """Start the download, by itself or as a job of the workflow."""
    desk = trial.desk
    if by_rule:
        return desk.start(f"data/raw/{FILE}", cores=1)
    return desk.launch(["sgns-study", "download", FILE, "--folder", "data/raw"])


def check_kept_nothing(target: Path) -> None:
    """Raise Failure if a download that failed left anything in its folder."""
    if target.parent.is_dir() and any(target.parent.iterdir()):
        left = ", ".join(path.name for path in target.parent.iterdir())
        raise Failure("wrong", f"kept after an error: {left}")


def heed(trial: Trial, run: Run) -> None:
    """Check that there is one clear error, which says where to put the file by hand."""
    errors = clear_errors(run.output)
    if "Traceback" in run.output or len(errors) != 1 or f"Put {FILE} at" not in errors[0]:
        raise Failure("unclear", tail(run.output))
    trial.messages += errors
