#!/usr/bin/env bash
# Make sure that there is a Chromium: on the PATH, playwright's own, or Debian's for whoever is root.
# If none can be had, the browser tests fail and say so.
set -u
python=$1
have() { "$python" -c 'import sys; sys.path.insert(0, "tests/website"); from browser import chromium
sys.exit(chromium() is None)'; }
have && exit 0
echo "Looking for a browser for the website's tests (once) ..."
"$python" -m playwright install chromium >/dev/null 2>&1 && have && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    { apt-get update && apt-get install -y chromium; } >/dev/null 2>&1
fi
exit 0
