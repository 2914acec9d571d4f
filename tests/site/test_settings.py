"""What the environment makes of the settings."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
TELLS = """
import json
import django
django.setup()
from django.conf import settings
from django.test import RequestFactory
request = RequestFactory().get("/api/v1/images/", HTTP_X_FORWARDED_PROTO="https", HTTP_HOST="127.0.0.1")
print(json.dumps({
    "next": request.build_absolute_uri("?cursor=x"),
    "secure": [settings.SESSION_COOKIE_SECURE, settings.CSRF_COOKIE_SECURE],
}))
"""


def told(data_dir: Path, **environment: str) -> dict[str, Any]:
    """What a process under this environment makes of a request that claims to have come by https."""
    own = {"BIOFORS_DATA_DIR": str(data_dir), "DJANGO_SETTINGS_MODULE": "biofors_site.settings"}
    kept = {name: value for name, value in os.environ.items() if name != "BIOFORS_TRUST_PROXY"}
    printed = subprocess.run(
        [sys.executable, "-c", TELLS],
        cwd=ROOT,
        env={**kept, **own, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(json.loads(printed.stdout.splitlines()[-1]))


def test_behind_a_trusted_proxy_addresses_and_cookies_are_those_of_https(tmp_path: Path) -> None:
    assert told(tmp_path, BIOFORS_TRUST_PROXY="1") == {
        "next": "https://127.0.0.1/api/v1/images/?cursor=x",
        "secure": [True, True],
    }


@pytest.mark.parametrize("environment", [{}, {"BIOFORS_TRUST_PROXY": "0"}])
def test_without_a_proxy_nobody_claims_https_and_cookies_go_over_http(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    assert told(tmp_path, **environment) == {
        "next": "http://127.0.0.1/api/v1/images/?cursor=x",
        "secure": [False, False],
    }
