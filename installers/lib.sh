# Shared by the installers; sourced, so it only defines. POSIX sh, no side effects.
# shellcheck shell=sh

# The minor version of Bun that everything here was measured with.
BUN_SERIES=1.4

say() { printf '\n== %s\n' "$*"; }

have() { command -v "$1" >/dev/null 2>&1; }

# bounded SECONDS COMMAND…: nothing waits for ever, where the host has coreutils' timeout.
bounded() {
  bounded_seconds=$1
  shift
  if have timeout; then timeout --kill-after=10 "$bounded_seconds" "$@"; else "$@"; fi
}

bun_fits() {
  have bun || return 1
  case "$(bun --version 2>/dev/null)" in
    "$BUN_SERIES".*) return 0 ;;
    *) return 1 ;;
  esac
}

# Puts a fitting bun on PATH. Installs it below the user's cache, so that it needs no rights and leaves
# another bun of this machine alone.
#   KTRDR_TOOLS          where to (default: ~/.cache/ktrdr/tools)
#   KTRDR_BUN_INSTALLER  Bun's install script, used when npm is absent
ensure_bun() {
  tools=${KTRDR_TOOLS:-${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/ktrdr/tools}
  bun_fits && return 0
  PATH=$tools/bin:$PATH
  export PATH
  bun_fits && return 0
  mkdir -p "$tools" || return 1
  if have npm; then
    say "Installing Bun $BUN_SERIES with npm into $tools"
    bounded 300 npm install --global --no-audit --no-fund --prefix "$tools" "bun@$BUN_SERIES" || return 1
  else
    install_bun_by_script || return 1
  fi
  bun_fits && return 0
  echo "Cannot use Bun: $(command -v bun || echo none) is not $BUN_SERIES; install it and run this again" >&2
  return 1
}

install_bun_by_script() {
  installer=${KTRDR_BUN_INSTALLER:-https://bun.com/install}
  say "Installing Bun $BUN_SERIES with $installer into $tools"
  for tool in curl bash unzip; do
    have "$tool" && continue
    echo "Cannot install Bun: $tool is missing; install npm, or curl, bash and unzip" >&2
    return 1
  done
  script=$(mktemp) || return 1
  # Its argument is a tag of a release; the lock file was made with this one.
  bounded 60 curl -fsSL "$installer" -o "$script" &&
    BUN_INSTALL=$tools SHELL=/bin/sh bounded 300 bash "$script" "bun-v$BUN_SERIES.5"
  installed=$?
  rm -f "$script"
  return "$installed"
}
