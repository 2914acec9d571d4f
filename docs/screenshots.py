"""Take the screenshots of the documentation from a running site, such as `./run demo`,
in which a curator has started the queue “Most likely wrong”, others have worked in an audit and in a blind
sample, and some runs and a sweep have been trained.

Usage: .venv/bin/python docs/screenshots.py URL USER PASSWORD. Needs Debian's Chromium.
"""

import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Page, sync_playwright

FOLDER = Path(__file__).parent / "images"
WINDOW = {"width": 1440, "height": 900}
# From a model's page everything else is a link away.
ADDRESSES = {
    "home": "/?dataset=sample",
    "workbench": "/workbench/?dataset=sample&model=champion&ordering=panel",
    "review": "/review/?dataset=sample",
    "dataset": "/datasets/sample/",
    "split": "/splits/1/",
    "run": "/training/1/",
    "runs": "/training/compare/?dataset=sample",
    "sweep": "/training/sweeps/1/",
    "model": "/models/1/",
    "errors": "/models/1/errors/",
    "compare": "/compare/?models=1,2",
}


def sign_in(page: Page, url: str, user: str, password: str) -> None:
    """Sign in at the site."""
    page.goto(f"{url}/admin/login/")
    page.get_by_label("Username").fill(user)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_load_state("networkidle")


def drawn_panels(folder: Path) -> list[Path]:
    """Draw panels that no model has seen; return some of them."""
    command = [sys.executable, "manage.py", "make_sample", str(folder), "--papers", "6", "--seed", "77"]
    subprocess.run(command, cwd=FOLDER.parent.parent, check=True)
    return sorted((folder / "images").rglob("*.png"))[::5]


def main(url: str, user: str, password: str) -> None:
    """Write a picture of each page."""
    FOLDER.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        page = browser.new_page(viewport=WINDOW)
        sign_in(page, url, user, password)
        for name, address in ADDRESSES.items():
            page.goto(url + address)
            page.wait_for_load_state("networkidle")
            page.wait_for_timeout(500)
            page.screenshot(path=FOLDER / f"{name}.png")
        page.goto(f"{url}/classify/?dataset=sample")
        with TemporaryDirectory() as folder:
            page.set_input_files("#files", drawn_panels(Path(folder) / "sample"))
            page.locator("#classify-status", has_text="in all").wait_for(timeout=60_000)
        page.get_by_label("Order").select_option("Unsure first")
        page.wait_for_timeout(1000)
        page.screenshot(path=FOLDER / "classify.png")
        page.goto(f"{url}/review/?dataset=sample")
        page.get_by_role("link", name=re.compile("Most likely wrong")).first.click()
        page.locator(".thumb").first.wait_for()
        page.wait_for_timeout(1000)
        page.screenshot(path=FOLDER / "queue.png")
        page.goto(f"{url}/workbench/?dataset=sample&model=champion&disagrees=true&ordering=-confidence")
        page.locator(".thumb").first.click()
        page.keyboard.press("Enter")
        page.keyboard.press("w")
        page.locator(".why .thumb").first.wait_for(timeout=120_000)
        page.wait_for_timeout(2000)
        page.screenshot(path=FOLDER / "why.png")
        browser.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
