"""How many images a minute a person can decide on: the workbench against a page of one image at a time.

The baseline is what small labelling tools do: a full page per image, the label saved by a form before the
next page comes. Both are served by the same gunicorn from the same database, and driven by the same scripted
person in Chromium, who goes on as soon as the page takes it. Two jobs:

- relabel: every image gets another class, one key each; in the workbench all of it is saved at the end.
- check: every image is decided on, one label in twenty is wrong. On the page of one image that is a key each;
  in a queue of the workbench, with small thumbnails, the wrong ones are clicked and set, and one key says
  that the rest is right.

Needs the development environment (./run test makes it) and Chromium.
"""

import json
import os
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PAPERS = 20
ROUNDS = 5
IMAGES = 60
CHECKED = 200
# Of labels in ten much used test sets 3.3 % are wrong, 0.2 to 10 % (C. G. Northcutt et al., NeurIPS 2021).
WRONG_EVERY = 20
GOAL = 10
# Seconds between two keys of a person who hurries; faster ones wait for each other's frames.
PACE = 0.05
# Sizes of thumbnails, in pixels: the usual one, and one that shows some 200 on a screen.
USUAL = 132
SMALL = 64
PORT = 8765
PASSWORD = secrets.token_urlsafe(12)
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]

RELABEL_KEYS = [str(place % 5 + 1) for place in range(IMAGES)]
CHECK_KEYS = [str(place % 5 + 1) if place % WRONG_EVERY == 0 else "y" for place in range(CHECKED)]

SET_SIZE = "(size) => localStorage.setItem('thumb-size', size)"

# Where to click an element, scrolled into sight.
TO_SIGHT = """(element) => {
    element.scrollIntoView({ block: "nearest" });
    const { x, y, width, height } = element.getBoundingClientRect();
    return [x + width / 2, y + height / 2];
}"""

# From the key press to the end of the frame in which the image shows its new class.
WATCH = """() => {
    window.pressed = null;
    window.seen = [];
    const press = (event) => "12345".includes(event.key) && (window.pressed = performance.now());
    addEventListener("keydown", press, true);
    new MutationObserver(() => {
        const from = window.pressed;
        if (from === null) return;
        window.pressed = null;
        requestAnimationFrame(() => {
            const painted = new MessageChannel();
            painted.port1.onmessage = () => window.seen.push(performance.now() - from);
            painted.port2.postMessage(null);
        });
    }).observe(document.getElementById("grid"), { subtree: true, childList: true, attributes: true });
}"""


@contextmanager
def served(data_dir: Path) -> Iterator[str]:
    """Serve a sample, with the page of one image beside the product's pages; yield the address."""
    environment = {
        **os.environ,
        "BIOFORS_DATA_DIR": str(data_dir),
        "BIOFORS_ADMIN_PASSWORD": PASSWORD,
        "DJANGO_SETTINGS_MODULE": "benchmarks.baselines.settings",
    }

    def manage(*words: str) -> None:
        subprocess.run([sys.executable, "manage.py", *words], cwd=ROOT, env=environment, check=True)

    manage("bootstrap")
    manage("make_sample", str(data_dir / "drawn"), "--papers", str(PAPERS))
    drawn = data_dir / "drawn"
    manage(
        "import_biofors",
        str(drawn / "classification.json"),
        "--images",
        str(drawn / "images"),
        "--dataset",
        "d",
    )
    manage("collectstatic", "--noinput", "-v", "0")
    words = f"-m gunicorn biofors_site.wsgi --bind 127.0.0.1:{PORT}"
    words += " --worker-class gthread --workers 2 --threads 4"
    server = subprocess.Popen([sys.executable, *words.split()], cwd=ROOT, env=environment)
    try:
        time.sleep(5)
        yield f"http://127.0.0.1:{PORT}"
    finally:
        server.terminate()
        server.wait()


def relabel_in_the_workbench(page: Any, url: str, pace: float = 0) -> tuple[float, list[float]]:
    """Relabel images by keys; return the seconds until all is saved, and ms from key to sight.

    `pace`: seconds between two keys; 0 for as fast as the page takes them.
    """
    page.evaluate(SET_SIZE, USUAL)
    page.goto(f"{url}/workbench/?dataset=d")
    page.locator(".thumb").nth(IMAGES).wait_for()
    page.evaluate(WATCH)
    page.locator(".thumb").first.focus()
    began = time.perf_counter()
    for place in range(IMAGES):
        time.sleep(pace)
        page.keyboard.press(str(place % 5 + 1))
    page.locator("#bench-unsaved").wait_for(state="hidden")
    return time.perf_counter() - began, page.evaluate("window.seen")


def check_in_a_queue(page: Any, url: str) -> float:
    """Decide on a queue's images, a screen at a time; return the seconds until all is saved."""
    page.evaluate(SET_SIZE, SMALL)
    page.goto(f"{url}/workbench/?dataset=d&queue={new_queue(page)}")
    thumbs = page.locator(".thumb")
    thumbs.nth(WRONG_EVERY).wait_for()
    began = time.perf_counter()
    at = 0
    while at < CHECKED:
        loaded = thumbs.count()
        for place in range(at, loaded):
            if place % WRONG_EVERY == 0:
                click(page, thumbs.nth(place))
                page.keyboard.press(str(place % 5 + 1))
        page.keyboard.press("Y")
        at = loaded
        if at < CHECKED:
            thumbs.nth(at).wait_for()
    page.get_by_text(f"All {CHECKED} images are decided.").wait_for()
    page.locator("#bench-unsaved").wait_for(state="hidden")
    return time.perf_counter() - began


def click(page: Any, thumb: Any) -> None:
    """Click where a thumbnail lies; Playwright's own click first waits until nothing moves for two frames."""
    page.mouse.click(*thumb.evaluate(TO_SIGHT))


def one_by_one(page: Any, url: str, keys: Sequence[str]) -> float:
    """Press these keys on pages of one image; return the seconds."""
    page.goto(f"{url}/one-by-one/?at=0")
    page.locator("img").wait_for()
    began = time.perf_counter()
    for place, key in enumerate(keys):
        page.keyboard.press(key)
        page.wait_for_url(f"**/one-by-one/?at={place + 1}", wait_until="load")
    return time.perf_counter() - began


def main() -> None:
    """Measure both, in turn, and print the table."""
    from playwright.sync_api import sync_playwright

    with (
        tempfile.TemporaryDirectory() as folder,
        served(Path(folder)) as url,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.goto(f"{url}/admin/login/")
        page.get_by_label("Username").fill("admin")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
        page.wait_for_load_state("networkidle")
        flooded: list[float] = []

        def relabel() -> float:
            seconds, sights = relabel_in_the_workbench(page, url)
            flooded.extend(sights)
            return seconds

        relabelled = medians(relabel, lambda: one_by_one(page, url, RELABEL_KEYS))
        checked = medians(lambda: check_in_a_queue(page, url), lambda: one_by_one(page, url, CHECK_KEYS))
        paced = [ms for _ in range(ROUNDS) for ms in relabel_in_the_workbench(page, url, PACE)[1]]
        browser.close()
    report(relabelled, checked, {"paced": paced, "flooded": flooded})


def new_queue(page: Any) -> int:
    """Make a queue of the same images; return its id."""
    return int(
        page.evaluate(
            """async (size) => {
                const token = document.cookie.split("; ").find((each) => each.startsWith("csrftoken="));
                const headers = { "Content-Type": "application/json", "X-CSRFToken": token.split("=")[1] };
                const body = JSON.stringify({ dataset: "d", kind: "filter", size });
                const answer = await fetch("/api/v1/queues/", { method: "POST", headers, body });
                return (await answer.json()).id;
            }""",
            CHECKED,
        )
    )


def medians(ours: Callable[[], float], theirs: Callable[[], float]) -> tuple[float, float]:
    """Return the median seconds of both, taken in turn."""
    pairs = [(ours(), theirs()) for _ in range(ROUNDS)]
    return statistics.median(one for one, _ in pairs), statistics.median(other for _, other in pairs)


def report(
    relabelled: tuple[float, float], checked: tuple[float, float], sights: dict[str, list[float]]
) -> None:
    """Print the table, and the figures once more as one JSON object."""
    figures: dict[str, float] = {}
    print(f"{IMAGES} images relabelled, {CHECKED} checked a round; medians of {ROUNDS} interleaved rounds")
    print(f"{'a minute':10} {'workbench':>10} {'one page':>10} {'ratio':>6}")
    for name, images, (ours, theirs) in (("relabel", IMAGES, relabelled), ("check", CHECKED, checked)):
        figures[f"{name}_per_minute"] = round(60 * images / ours)
        figures[f"{name}_baseline_per_minute"] = round(60 * images / theirs)
        figures[f"{name}_ratio"] = round(theirs / ours, 2)
        print(f"{name:10} {60 * images / ours:10.0f} {60 * images / theirs:10.0f} {theirs / ours:6.1f}")
    for name, all_seen in sights.items():
        seen = sorted(all_seen)
        median, p95 = statistics.median(seen), seen[int(0.95 * len(seen))]
        figures[f"key_to_sight_{name}_median_ms"] = round(median, 1)
        figures[f"key_to_sight_{name}_p95_ms"] = round(p95, 1)
        keys = f"a key each {1000 * PACE:.0f} ms" if name == "paced" else "keys without a pause"
        print(f"key to sight, {keys}: median {median:.1f} ms, p95 {p95:.1f} ms")
    ratio = figures["check_ratio"]
    print(json.dumps({"name": "curation", **figures, "ratio": ratio, "goal": GOAL, "holds": ratio >= GOAL}))


if __name__ == "__main__":
    main()
