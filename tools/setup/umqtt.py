"""Fetches umqtt.simple into a folder: umqtt.py FOLDER. Called by `make setup`.

The package on PyPI has no setup.py, so pip cannot install it: it is taken from the same index that
pip would use, checked against the hash below, and unpacked. That is the older of the two forms;
the current one of micropython-lib works as well, at the place that $SLVG_UMQTT names.
"""
import hashlib
import io
import os
import re
import subprocess
import sys
import tarfile
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

NAME = "micropython-umqtt.simple"
VERSION = "1.3.4"
SHA256 = "b6a2520239e3992c63a7de9370ee9b3d9d27819a90359c521f1c0f7ccab8d12f"
WAIT_S = 60


def index() -> str:
    """Of pip, with the slash at its end."""
    url = os.environ.get("PIP_INDEX_URL", "")
    if not url:
        asked = subprocess.run([sys.executable, "-m", "pip", "config", "get", "global.index-url"],
                               capture_output=True, text=True, check=False)
        url = asked.stdout.strip()
    if not url:
        from pip._internal.models.index import PyPI
        url = PyPI.simple_url
    return url.rstrip("/") + "/"


def get(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=WAIT_S) as answer:
        return answer.read()


def fetch(base: str) -> bytes:
    """umqtt/simple.py out of the archive at this index."""
    page = base + re.sub(r"[-_.]+", "-", NAME) + "/"
    found = re.search(rf'href="([^"]*{re.escape(NAME)}-{re.escape(VERSION)}\.tar\.gz)[#"]',
                      get(page).decode())
    if not found:
        raise ValueError(f"the index has no {NAME} {VERSION}")
    archive = get(urllib.parse.urljoin(page, found[1]))
    if hashlib.sha256(archive).hexdigest() != SHA256:
        raise ValueError("the archive is not the one that its hash says")
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        for member in files:
            if member.name.endswith("/umqtt/simple.py"):
                inside = files.extractfile(member)
                if inside:
                    return inside.read()
    raise ValueError("the archive has no umqtt/simple.py")


def main() -> int:
    target = Path(sys.argv[1]) / "umqtt" / "simple.py"
    try:
        text = fetch(index())
    except (OSError, ValueError, ImportError, tarfile.TarError, urllib.error.URLError) as e:
        reason = getattr(e, "reason", e)
        print(f"E439 setup: umqtt.simple could not be fetched: {reason}. Check pip's index and "
              "the network, or set SLVG_UMQTT to a folder that has umqtt/simple.py.",
              file=sys.stderr)
        return 1
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
