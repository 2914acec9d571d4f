"""The settings of a test run: the site's own, in a data directory that ends with the run."""

import atexit
import os
import shutil
import tempfile

DATA_DIRECTORY = tempfile.mkdtemp(prefix="biofors-test-")
atexit.register(shutil.rmtree, DATA_DIRECTORY, ignore_errors=True)
os.environ["BIOFORS_DATA_DIR"] = DATA_DIRECTORY
os.environ.setdefault("SECRET_KEY", "only-for-tests")
# Playwright's event loop runs in the thread of the tests, and Django would refuse them its database.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

from biofors_site.settings import *  # noqa: E402, F403
from biofors_site.settings import DATABASES  # noqa: E402

# A test sees at once what it changed.
CLASSIFY_REMEMBER_SECONDS = 0
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # A file, as in an installation: other processes and threads see it, under the same locks.
    DATABASES["default"]["TEST"] = {"NAME": f"{DATA_DIRECTORY}/test.sqlite3"}
