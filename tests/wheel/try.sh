#!/usr/bin/env bash
# Builds the wheel from what cargo has compiled, and does with it what README.md and docs/native.md tell a new
# user, in an empty folder with an environment of their own: install, a first connector, tests, breakpoints, types.
#
#   tests/wheel/try.sh              builds with maturin, and tries
#   tests/wheel/try.sh FILE.whl     tries this wheel
set -euo pipefail
top=$(cd "$(dirname "$0")/../.." && pwd)
target=${CARGO_TARGET_DIR:-$top/target}
trying=$(mktemp -d)
trap 'rm -rf "$trying"' EXIT

say() { printf -- '--- %s\n' "$*"; }
run() { "$@" >"$trying/said" 2>&1 || { cat "$trying/said"; echo "failed: $*"; exit 1; }; }
has() { grep -q -- "$1" "$trying/said" || { cat "$trying/said"; echo "the output has no '$1'"; exit 1; }; }

if [ $# -eq 0 ]; then
    say "building"
    python3 -m venv "$target/wheel-tools"
    "$target/wheel-tools/bin/pip" install --quiet "maturin==1.16.0"
    rm -rf "$target/wheels"
    python3 "$top/tests/wheel/licenses.py"
    # The target folder, the profile and the features of `cargo build --release`: nothing is compiled twice.
    # shellcheck disable=SC2086
    (cd "$top" && "$target/wheel-tools/bin/maturin" build --release --out "$target/wheels" ${SLUICE_MATURIN_FLAGS:-})
    set -- "$target"/wheels/sluicegate-*.whl
fi
wheel=$(realpath "$1")

say "what is in it"
python3 "$top/tests/wheel/contents.py" "$wheel"

say "installing"
cd "$trying"
python3 -m venv env
# shellcheck disable=SC1091
. env/bin/activate
pip install --quiet "$wheel"
[ "$(command -v sluice)" = "$trying/env/bin/sluice" ]
sluice --version

say "a first connector"
sluice init shop
run sluice run shop
has "orders (3 rows)"
run sluice dev shop --once
has "sync of shop succeeded"
run sluice test shop

say "natively"
pip install --quiet --requirement shop/requirements.txt
run python shop/connector.py
has "sync of shop succeeded, natively"
has "orders (3 rows)"
run python shop/connector.py
has "going on from a state"
has "orders (0 rows)"
rm shop/.sluice/native/shop.json
sed -i 's/^    cursor = .*/    breakpoint()\n&/' shop/connector.py
printf 'p configuration["api_key"]\nc\n' >typed
run python shop/connector.py <typed
has "shop/connector.py"
has "(Pdb) ''"
has "orders (3 rows)"

say "a connector over HTTP, from its stand-in, natively and in the sandbox"
sluice init products --template rest-api
run python products/connector.py
has "sync of products succeeded, natively"
run sluice dev products --once --with-server products/tests/server.py
has "sync of products succeeded"

say "types"
pip install --quiet "mypy==2.4.1"
cat >typed.py <<'EOF'
from typing import Any

from fivetran_connector_sdk import Connector, Logging as log, Operations as op


def update(configuration: dict[str, str], state: dict[str, Any]) -> None:
    op.upsert("orders", {"id": 1})
    op.checkpoint(state)
    log.info("done")


connector = Connector(update=update)
EOF
run mypy --strict typed.py
sed -i 's/op.upsert("orders", /op.upsert(5, /' typed.py
mypy --strict typed.py >said && exit 1
has 'incompatible type "int"; expected "str"'

say "the wheel does what it says"
