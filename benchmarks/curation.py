"""How many images a minute a person can relabel: the workbench against a page of one image at a time.

The baseline is what small labelling tools do: a full page per image, the label saved by a form before the
next page comes. Both are served by the same gunicorn from the same database, and driven by the same scripted
person in Chromium, who presses the next key as soon as the page shows that the last one has counted.

Needs the development environment (./run test makes it) and Chromium.
"""

import os
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PAPERS = 20
ROUNDS = 5
IMAGES = 60
PORT = 8765
PASSWORD = secrets.token_urlsafe(12)
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]

# From the key press to the frame in which the image shows its new class.
WATCH = """() => {
    window.pressed = null;
    window.seen = [];
    const press = (event) => "12345".includes(event.key) && (window.pressed = performance.now());
    addEventListener("keydown", press, true);
    new MutationObserver(() => {
        const from = window.pressed;
        if (from === null) return;
        window.pressed = null;
        requestAnimationFrame(() => requestAnimationFrame(() => window.seen.push(performance.now() - from)));
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


def relabel_in_the_workbench(page: Any, url: str) -> tuple[float, list[float]]:
    """Relabel images by keys; return the seconds until all is saved, and ms from key to sight."""
    page.goto(f"{url}/workbench/?dataset=d")
    page.locator(".thumb").nth(IMAGES).wait_for()
    page.evaluate(WATCH)
    page.locator(".thumb").first.focus()
    began = time.perf_counter()
    for place in range(IMAGES):
        page.keyboard.press(str(place % 5 + 1))
    page.locator("#bench-unsaved").wait_for(state="hidden")
    return time.perf_counter() - began, page.evaluate("window.seen")


def relabel_one_by_one(page: Any, url: str) -> float:
    """Relabel as many images on pages of one; return the seconds."""
    page.goto(f"{url}/one-by-one/?at=0")
    page.locator("img").wait_for()
    began = time.perf_counter()
    for place in range(IMAGES):
        page.keyboard.press(str(place % 5 + 1))
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
        ours, theirs, seen = measured(
            lambda: relabel_in_the_workbench(page, url), lambda: relabel_one_by_one(page, url)
        )
        browser.close()
    print(f"{IMAGES} images a round, {ROUNDS} interleaved rounds, medians")
    for name, seconds in (("workbench, all saved", ours), ("one page per image", theirs)):
        print(f"{name:24} {60 * IMAGES / seconds:8.0f} images a minute")
    print(f"ratio {theirs / ours:.1f}")
    ranked = sorted(seen)
    p95 = ranked[int(0.95 * len(ranked))]
    print(f"key to sight: median {statistics.median(ranked):.0f} ms, p95 {p95:.0f} ms")


def measured(
    workbench: Callable[[], tuple[float, list[float]]], one_by_one: Callable[[], float]
) -> tuple[float, float, list[float]]:
    """Return the median seconds of both, taken in turn, and all milliseconds from key to sight."""
    ours, theirs, seen = [], [], []
    for _ in range(ROUNDS):
        seconds, sights = workbench()
        ours.append(seconds)
        seen += sights
        theirs.append(one_by_one())
    return statistics.median(ours), statistics.median(theirs), seen


if __name__ == "__main__":
    main()
