#!/bin/sh
# From a clone to results: tools, binary, a fleet on this machine, real bars, two sweeps, a report of each.
#
#   sh installers/quickstart.sh          leaves the fleet running; stop it with `ktrdr-agent dev down`
#   sh installers/quickstart.sh --once   stops the fleet at the end
#
#   KTRDR_DEV_DIR        where the fleet lives (default: the dev directory of `ktrdr-agent dev up`)
#   KTRDR_REPORTS        where the reports go (default: ~/.local/share/ktrdr/reports)
#   KTRDR_TOOLS          where Bun is put when it is missing (default: ~/.cache/ktrdr/tools)
#   KTRDR_BUN_INSTALLER  Bun's install script, used when npm is absent
set -eu
cd "$(dirname "$0")/.."
# shellcheck source=installers/lib.sh
. installers/lib.sh

once=no
for argument in "$@"; do
  case $argument in
    --once) once=yes ;;
    -h | --help)
      sed -n '2,11s/^# \{0,1\}//p' "$0"
      exit 0
      ;;
    *)
      echo "Cannot read the argument $argument: there is only --once" >&2
      exit 2
      ;;
  esac
done
unset BUN_OPTIONS BUN_BE_BUN

agent=$PWD/dist/ktrdr-agent
bars=node_modules/vega-datasets/data/sp500-2000.csv
reports=${KTRDR_REPORTS:-${XDG_DATA_HOME:-${HOME:-/tmp}/.local/share}/ktrdr/reports}

ensure_bun
say "Packages, with Bun $(bun --version)"
bounded 600 bun install --frozen-lockfile
say 'Binary'
bounded 300 bun run build

down() {
  say 'Stopping the fleet'
  bounded 90 "$agent" dev down
}
if [ "$once" = yes ]; then
  # Also when a step fails: nothing of this script may be left running.
  trap down EXIT
  trap 'exit 130' INT TERM
fi

say 'A control plane and two agents on this machine'
bounded 120 "$agent" dev up --agents 2

say 'S&P 500, daily bars since 2000 (npm vega-datasets)'
bounded 60 "$agent" data import - --symbol SP500 --timeframe 1d <"$bars"

say 'A sweep of moving-average crossovers'
crossovers=$("$agent" sweep sma_cross SP500 1d --grid fast=5:60:1 --grid slow=20:250:5 --rank-by sharpe_ratio --detach)
bounded 600 "$agent" follow "$crossovers" --top 10

say 'A sweep of RSI reversions'
reversions=$("$agent" sweep rsi_reversion SP500 1d --grid period=2:30:1 --grid lower=10:40:2 --grid upper=50:90:5 --rank-by sharpe_ratio --detach)
bounded 600 "$agent" follow "$reversions" --top 10

say 'The fleet'
bounded 30 "$agent" status

say 'Reports: open them in a browser, no network needed'
bounded 60 "$agent" report "$crossovers" --output "$reports/sma_cross.html" --open no
bounded 60 "$agent" report "$reversions" --output "$reports/rsi_reversion.html" --open no
