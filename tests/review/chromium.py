"""A real browser, driven as a person would: headless Chromium over the DevTools protocol.

By its pipe: that needs no package, and opens no port that another process could reach.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import queue
import shutil
import subprocess
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars=false",
)
_PATIENCE = 60.0
_KEYS = {
    "Enter": (13, "\r"),
    "Tab": (9, ""),
    "Escape": (27, ""),
    "Delete": (46, ""),
    "Backspace": (8, ""),
    "ArrowLeft": (37, ""),
    "ArrowUp": (38, ""),
    "ArrowRight": (39, ""),
    "ArrowDown": (40, ""),
    "Home": (36, ""),
    "End": (35, ""),
    "PageDown": (34, ""),
    " ": (32, " "),
}
ALT, CTRL, SHIFT = 1, 2, 8


class BrowserError(AssertionError):
    """The browser refused a command, or what was waited for did not come."""


class Chromium:
    """One browser process with a profile of its own; a context manager."""

    def __init__(self, profile: Path, *, width: int = 1280, height: int = 720) -> None:
        program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
        assert program, "no Chromium: the tests of the page need one"
        to_browser, self._out = os.pipe()
        self._in, from_browser = os.pipe()
        # The browser reads 3 and writes 4; ours go above these first.
        theirs = [fcntl.fcntl(one, fcntl.F_DUPFD, 50) for one in (to_browser, from_browser)]
        words = [program, *_FLAGS, f"--user-data-dir={profile}", f"--window-size={width},{height}"]
        words += ["--remote-debugging-pipe", "about:blank"]
        redirect = f'exec "$@" 3<&{theirs[0]} 4>&{theirs[1]}'
        self._process = subprocess.Popen(
            ["bash", "-c", redirect, "bash", *words],
            pass_fds=theirs,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for one in (*theirs, to_browser, from_browser):
            os.close(one)
        self._answers: dict[int, queue.Queue[dict[str, Any]]] = {}
        self._events: queue.Queue[dict[str, Any]] = queue.Queue()
        self._number = 0
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.size = (width, height)

    def _read(self) -> None:
        rest = b""
        while chunk := os.read(self._in, 1 << 20):
            *whole, rest = (rest + chunk).split(b"\0")
            for text in whole:
                message = json.loads(text)
                waiting = self._answers.pop(message.get("id", 0), None)
                (waiting or self._events).put(message)

    def ask(self, method: str, session: str = "", **given: Any) -> dict[str, Any]:
        """One command of the protocol, and its result."""
        self._number += 1
        number = self._number
        answer = self._answers[number] = queue.Queue()
        message = {"id": number, "method": method, "params": given} | ({"sessionId": session} if session else {})
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self._out, data) :]
        try:
            found = answer.get(timeout=_PATIENCE)
        except queue.Empty:
            raise BrowserError(f"no answer to {method}") from None
        if "error" in found:
            raise BrowserError(f"{method}: {found['error']}")
        result: dict[str, Any] = found["result"]
        return result

    def events(self) -> list[dict[str, Any]]:
        """What came since the last call."""
        found = []
        while not self._events.empty():
            found.append(self._events.get())
        return found

    def page(self, url: str = "about:blank", **cookies: str) -> Page:
        """A new tab at `url`, with cookies for its host."""
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = Page(self, session, target)
        for domain in ("Page", "Runtime", "Log", "Network"):
            page.ask(f"{domain}.enable")
        page.resize(*self.size)
        for name, value in cookies.items():
            page.ask("Network.setCookie", name=name, value=value, url=url, httpOnly=True)
        if url != "about:blank":
            page.open(url)
        return page

    def close(self) -> None:
        os.close(self._out)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join(10)
        os.close(self._in)

    def __enter__(self) -> Chromium:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@dataclass
class Page:
    """One tab. What the page throws, or the browser refuses for it, is kept in `trouble`."""

    browser: Chromium
    session: str
    target: str
    trouble: list[str] = field(default_factory=list)

    def ask(self, method: str, **given: Any) -> dict[str, Any]:
        result = self.browser.ask(method, self.session, **given)
        self._listen()
        return result

    def _listen(self) -> None:
        for event in self.browser.events():
            if event.get("sessionId") != self.session:
                continue
            kind, told = event.get("method"), event.get("params", {})
            if kind == "Runtime.exceptionThrown":
                details = told["exceptionDetails"]
                self.trouble.append(details.get("exception", {}).get("description", details["text"]))
            elif kind == "Log.entryAdded" and told["entry"]["level"] == "error":
                self.trouble.append(f"{told['entry']['text']} {told['entry'].get('url', '')}")
            elif kind == "Page.javascriptDialogOpening":
                self.trouble.append(f"dialog: {told['type']}")
                if told["type"] == "beforeunload":
                    self.browser.ask("Page.handleJavaScriptDialog", self.session, accept=True)

    def close(self) -> None:
        """Without being asked about what is not stored."""
        self.browser.ask("Target.closeTarget", targetId=self.target)

    def open(self, url: str) -> None:
        self.ask("Page.navigate", url=url)

    def reload(self) -> None:
        self.js("delete document.documentElement.dataset.ready")
        self.ask("Page.reload")
        self.ready()

    def resize(self, width: int, height: int) -> None:
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def js(self, expression: str) -> Any:
        """The value of an expression; a promise is waited for."""
        result = self.ask(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True, userGesture=True
        )
        if "exceptionDetails" in result:
            raise BrowserError(str(result["exceptionDetails"].get("exception", result["exceptionDetails"])))
        return result["result"].get("value")

    def wait(self, expression: str, seconds: float = _PATIENCE) -> Any:
        """Until an expression is true; its value."""
        limit = time.monotonic() + seconds
        while time.monotonic() < limit:
            try:
                found = self.js(expression)
                if found not in (None, False, 0, "", []):  # an element comes as {}
                    return found
            except BrowserError as error:
                if "Cannot find context" not in str(error) and "context" not in str(error):
                    raise
            time.sleep(0.02)
        raise BrowserError(f"did not come: {expression}; trouble {self.trouble}; shown {self.text()[:400]}")

    def ready(self) -> str:
        """Until the review page has started; its kind: live, xnat or file."""
        return str(self.wait("document.documentElement?.dataset.ready"))

    def text(self, selector: str = "body") -> str:
        return str(self.js(f"document.querySelector({json.dumps(selector)})?.innerText ?? ''"))

    def point(self, selector: str, text: str = "", at: tuple[float, float] = (0.5, 0.5)) -> tuple[float, float]:
        """Where an element lies: the first that is shown, matches, and has this text or label."""
        found = self.wait(
            f"""(() => {{
              const words = {json.dumps(text)};
              const open = document.querySelector("dialog[open]") ?? document;
              for (const one of open.querySelectorAll({json.dumps(selector)})) {{
                const said = one.getAttribute("aria-label") ?? one.textContent;
                if (words && !said.includes(words) && !one.textContent.includes(words)) continue;
                if (!one.checkVisibility()) continue;
                one.scrollIntoView({{block: "nearest"}});
                const area = one.getBoundingClientRect();
                return [area.left + area.width * {at[0]}, area.top + area.height * {at[1]}];
              }}
            }})()""",
            20,
        )
        return float(found[0]), float(found[1])

    def mouse(self, kind: str, x: float, y: float, **more: Any) -> None:
        self.ask("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)

    def click(self, selector: str, text: str = "", *, modifiers: int = 0, count: int = 1) -> None:
        x, y = self.point(selector, text)
        for kind in ("mousePressed", "mouseReleased"):
            self.mouse(kind, x, y, button="left", clickCount=count, modifiers=modifiers, buttons=1)

    def drag(self, selector: str, start: tuple[float, float], end: tuple[float, float]) -> None:
        """From one place of an element to another, both in fractions of it."""
        self.js("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        from_, to = self.point(selector, at=start), self.point(selector, at=end)
        self.drag_points(from_, to)

    def drag_points(self, from_: tuple[float, float], to: tuple[float, float]) -> None:
        self.mouse("mousePressed", *from_, button="left", clickCount=1, buttons=1)
        for step in (0.3, 0.7, 1.0):
            place = [a + (b - a) * step for a, b in zip(from_, to, strict=True)]
            self.mouse("mouseMoved", *place, button="left", buttons=1)
        self.mouse("mouseReleased", *to, button="left", clickCount=1)

    def touch(self, *places: tuple[float, float]) -> None:
        """A finger put down at the first place, moved over the others, and lifted.

        Not in haste: lifted in full flight it flings, and the next tap only stops that.
        """
        self.ask("Emulation.setTouchEmulationEnabled", enabled=True)
        for kind, place in zip(("touchStart", *["touchMove"] * len(places)), places, strict=False):
            self.ask("Input.dispatchTouchEvent", type=kind, touchPoints=[{"x": place[0], "y": place[1]}])
            time.sleep(0.1 if places[1:] else 0)
        self.ask("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])

    def key(self, key: str, modifiers: int = 0, times: int = 1) -> None:
        code, text = _KEYS.get(key, (ord(key.upper()[0]), key))
        names = {" ": "Space"} | {one: f"Key{one.upper()}" for one in "abcdefghijklmnopqrstuvwxyz"}
        given = {"key": key, "code": names.get(key, key), "windowsVirtualKeyCode": code, "modifiers": modifiers}
        for _ in range(times):
            plain = {"text": text} if text and not modifiers & CTRL else {}
            self.ask("Input.dispatchKeyEvent", type="keyDown", **given, **plain)
            self.ask("Input.dispatchKeyEvent", type="keyUp", **given)

    def type(self, text: str) -> None:
        """Into what has the focus."""
        self.ask("Input.insertText", text=text)

    def fill(self, label: str, text: str) -> None:
        """A field by its label: emptied, typed into, left."""
        self.wait(
            f"""(() => {{
              const open = document.querySelector("dialog[open]") ?? document;
              for (const one of open.querySelectorAll("input, textarea, select")) {{
                const labels = [...(one.labels ?? [])].map((label) => label.textContent);
                const said = [one.getAttribute("aria-label") ?? "", ...labels];
                if (!said.some((text) => text.trim().startsWith({json.dumps(label)}))) continue;
                if (!one.checkVisibility()) continue;
                one.scrollIntoView({{block: "nearest"}});
                one.focus();
                one.select?.();
                return true;
              }}
            }})()""",
            20,
        )
        self.type(text)
        self.js("document.activeElement.dispatchEvent(new Event('change', {bubbles: true}))")

    def focused(self) -> str:
        return str(self.js("document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent"))

    def picture(self, path: Path) -> Path:
        data = self.ask("Page.captureScreenshot", format="png")["data"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(data))
        return path
