#!/usr/bin/env bash
# Make .venv with everything the book, its tests and its tools need; safe to run again.
# Called by the Makefile. PYTHON names another interpreter, VENV another folder.
set -euo pipefail
cd "$(dirname "$0")/.."
VENV=${VENV:-.venv}
NEED_GIB=9
case $VENV in /*) HERE=$VENV ;; *) HERE=$PWD/$VENV ;; esac

# What the environment was made from; while that stays, there is nothing to do.
STATE=$(cat pyproject.toml constraints.txt package.json package-lock.json \
    tools/setup.sh tools/fetch_live.py | cksum)
[ ! -e "$VENV/.ready" ] || [ "$(cat "$VENV/.ready")" != "$STATE" ] || exit 0

die() { printf '\nmarginflow set-up: %s\n' "$1" >&2; exit 2; }

find_python() {
    for candidate in ${PYTHON:-} python3.11 python3.12 python3.13 python3; do
        if command -v "$candidate" >/dev/null 2>&1 &&
            "$candidate" -c 'import sys; sys.exit(sys.version_info[:2] < (3, 11))' \
                2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
}

if [ ! -x "$VENV/bin/python" ]; then
    python=$(find_python)
    [ -n "$python" ] || die "no Python 3.11 or newer on the PATH.
  Install it (Debian and Ubuntu: apt-get install python3.11 python3.11-venv;
  macOS: brew install python@3.11) or name it: make PYTHON=/path/to/python3.11"
    free=$(df -Pk . | awk 'NR==2 {print int($4 / 1048576)}')
    [ "$free" -ge "$NEED_GIB" ] || die "$free GiB free here, $NEED_GIB GiB needed
  (PyTorch's default build carries its GPU libraries). Free some, or move the checkout."
    echo "Setting up $VENV with $("$python" --version) (a few minutes, once)"
    "$python" -m venv "$VENV" || {
        rm -rf "$VENV"
        die "cannot make a virtual environment (Debian: apt-get install python3-venv)"
    }
fi

"$VENV/bin/python" -m pip install --quiet --disable-pip-version-check \
    --constraint constraints.txt --editable '.[book,test,dev]' 2> >(
        grep -v 'is ignored: it is neither a file nor a directory' >&2 || true
    ) || die "pip could not install what constraints.txt pins (see above).
  Without a network, or behind a proxy, set pip up first (pip help install: --proxy,
  --find-links) and run make again: it goes on from here."

# The scripts that pages use are served by the site itself; node comes from PyPI with
# the rest. Without them the book is still built, and set-up tries again next time.
complete=yes
if PATH="$HERE/bin:$PATH" npm ci --no-progress --loglevel=error >/dev/null; then
    rm -rf book/_static/mathjax book/_static/hover book/_static/vega
    mkdir -p book/_static/mathjax/{input/tex,output/chtml/fonts,sre/mathmaps} \
        book/_static/hover book/_static/vega
    for library in vega vega-lite vega-embed; do
        cp "node_modules/$library/build/$library.min.js" book/_static/vega/
    done
    # The interpreter's own imports are what vega has brought along already.
    sed "s/^import {\(.*\)} from 'vega-util';/const {\1} = window.vega;/" \
        node_modules/vega-interpreter/build/vega-interpreter.js \
        >book/_static/vega/vega-interpreter.js
    cp node_modules/@popperjs/core/dist/umd/popper.min.js \
        node_modules/tippy.js/dist/tippy-bundle.umd.min.js book/_static/hover/
    sed -i.map '/^\/\/# sourceMappingURL/d' book/_static/{hover,vega}/*.js
    rm book/_static/{hover,vega}/*.map
    cp node_modules/mathjax/es5/tex-chtml.js book/_static/mathjax/
    cp -R node_modules/mathjax/es5/input/tex/extensions book/_static/mathjax/input/tex/
    cp -R node_modules/mathjax/es5/output/chtml/fonts/woff-v2 \
        book/_static/mathjax/output/chtml/fonts/
    cp -R node_modules/mathjax/es5/a11y book/_static/mathjax/
    cp node_modules/mathjax/es5/sre/mathmaps/{base,en}.json \
        book/_static/mathjax/sre/mathmaps/
else
    complete=no
    echo "marginflow set-up: npm could not install what package-lock.json pins (see
  above). The book is built all the same, but its mathematics is then rendered by a
  script from the web, and the live cells and hover previews are missing." >&2
fi

# Python for the reader's browser; where it cannot be had, its page says so.
"$VENV/bin/python" tools/fetch_live.py

[ "$complete" = no ] || printf '%s' "$STATE" >"$VENV/.ready"
