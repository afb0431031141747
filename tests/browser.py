"""A page in headless Chromium, driven over a pipe by the DevTools protocol."""

import fcntl
import json
import os
import subprocess
from pathlib import Path
from select import select
from shutil import which
from typing import Any, Self

CHROMIUM = which("chromium") or which("chromium-browser") or which("google-chrome")
FREE = 10  # descriptors 3 and 4 are those that Chromium reads from and writes to
PATIENCE = 60  # seconds that the browser may be silent
KEYS = {"Enter": 13, "Escape": 27, "Tab": 9}


class Browser:
    """One page; `problems` are messages of its console and of its security policy.

    `requests` are the addresses it asked for, its own first; data in the page are not among them.
    """

    def __init__(self, profile: Path) -> None:
        (theirs, self._out), (self._in, given) = os.pipe(), os.pipe()
        theirs, given = (fcntl.fcntl(fd, fcntl.F_DUPFD, FREE) for fd in (theirs, given))
        options = "--headless --no-sandbox --disable-gpu --disable-dev-shm-usage"
        command = (
            f"exec {CHROMIUM} {options} --remote-debugging-pipe --user-data-dir='{profile}' "
            f"about:blank 3<&{theirs} 4>&{given}"
        )
        self._process = subprocess.Popen(
            ["bash", "-c", command],
            pass_fds=(theirs, given),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs)
        os.close(given)
        self._rest, self._count, self._session = b"", 0, None
        self.problems: list[str] = []
        self.requests: list[str] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)[
            "sessionId"
        ]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._session = None
        self.call("Browser.close")
        self._process.wait(timeout=20)
        os.close(self._out)
        os.close(self._in)

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command and return its result; events on the way are kept."""
        self._count += 1
        message = {"id": self._count, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive()
            if answer.get("id") == self._count:
                assert "error" not in answer, answer["error"]
                return answer["result"]
            self._note(answer)

    def _receive(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            assert select([self._in], [], [], PATIENCE)[0], f"no answer in {PATIENCE} s"
            more = os.read(self._in, 1 << 16)
            assert more, "the browser ended"
            self._rest += more
        message, _, self._rest = self._rest.partition(b"\0")
        return json.loads(message)

    def _note(self, event: dict[str, Any]) -> None:
        method, about = event["method"], event.get("params", {})
        if method == "Log.entryAdded":
            self.problems.append(about["entry"]["text"])
        elif method in ("Runtime.exceptionThrown", "Runtime.consoleAPICalled"):
            self.problems.append(json.dumps(about))
        elif method == "Network.requestWillBeSent":
            if not about["request"]["url"].startswith("data:"):
                self.requests.append(about["request"]["url"])
        elif method == "Page.loadEventFired":
            self._loaded = True

    def open(self, path: Path, width: int = 1280, height: int = 900, scripts: bool = True) -> None:
        """Load a file in a window of the given size, and wait until it is there."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )
        self.call("Emulation.setScriptExecutionDisabled", value=not scripts)
        self._loaded = False
        self.call("Page.navigate", url=path.resolve().as_uri())
        while not self._loaded:
            self._note(self._receive())

    def ask(self, expression: str) -> Any:
        """The value of a JavaScript expression in the page."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def press(self, key: str) -> None:
        """Press and release a key."""
        text = {"text": "\r"} if key == "Enter" else {}
        about = {"key": key, "code": key, "windowsVirtualKeyCode": KEYS[key]}
        self.call("Input.dispatchKeyEvent", type="keyDown", **about, **text)
        self.call("Input.dispatchKeyEvent", type="keyUp", **about)
