#!/bin/sh
# Everything that must hold, on a fresh machine: tools, the gate, the binary, unit and system tests.
# The last line of output is alone `N passed, N failed, N skipped`; exit code 1 when anything failed.
#
#   KTRDR_TOOLS          where Bun is put when it is missing (default: ~/.cache/ktrdr/tools)
#   KTRDR_BUN_INSTALLER  Bun's install script, used when npm is absent too
#   KTRDR_NO_APT=1       install no Debian packages; what needs them is skipped with its reason
set -u
cd "$(dirname "$0")/.." || exit 1
# shellcheck source=installers/lib.sh
. installers/lib.sh

passed=0
failed=0
skipped=0
results=$(mktemp -d) || exit 1
trap 'rm -rf "$results"' EXIT
trap 'exit 130' INT TERM
NO_COLOR=1
export NO_COLOR
# Both act inside compiled binaries as well.
unset BUN_OPTIONS BUN_BE_BUN

main() {
  prepare || finish
  # Before the gate: the dead-code check follows imports into what the build makes.
  say 'Binary'
  check 'build' 300 bun run build
  say 'Gate'
  check 'format' 120 bun run format:check
  check 'types' 300 bun run types
  check 'lint' 300 bun run lint
  check 'dead code' 120 bun run dead
  check_shell
  say 'Unit tests'
  suite 'unit tests' 600 bun run test
  say 'System tests'
  # They mostly wait, for networks to break and heal: beside the others they cost little time.
  behind 700 bun run test:network
  # The binary is there: building it again would pull it away under those that run.
  suite 'system tests' 900 bun test test/system
  say 'Network tests'
  suite 'network tests' 720 await_behind
  finish
}

prepare() {
  ensure_bun || { fail 'install Bun'; return 1; }
  debian_packages
  say "Packages, with Bun $(bun --version)"
  bounded 600 bun install --frozen-lockfile || { fail 'bun install'; return 1; }
}

# The store is also tested on Debian's own server; the shell scripts are checked by shellcheck.
debian_packages() {
  missing=''
  ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing='postgresql'
  # A transaction pooler, which the control plane must recognise and refuse.
  [ -x /usr/sbin/pgbouncer ] || missing="$missing pgbouncer"
  # A clock that is off, for the machine of a control plane.
  ls /usr/lib/*/faketime/libfaketime.so.1 >/dev/null 2>&1 || missing="$missing libfaketime"
  have shellcheck || missing="$missing shellcheck"
  # Gossip beside the agent whose protocol it speaks, in network namespaces with packets dropped.
  have serf || missing="$missing serf"
  have nft || missing="$missing nftables"
  have ip || missing="$missing iproute2"
  # The binaries of other processors run under an emulator, arm64 with libraries of its own.
  have qemu-aarch64 || missing="$missing qemu-user"
  [ -e /usr/aarch64-linux-gnu/lib/libstdc++.so.6 ] || [ "$(uname -m)" != x86_64 ] ||
    missing="$missing libc6-arm64-cross libstdc++6-arm64-cross"
  [ -n "$missing" ] || return 0
  if [ "${KTRDR_NO_APT:-}" = 1 ] || ! have apt-get || [ "$(id -u)" != 0 ]; then
    echo "not installed:$missing (needs root and apt-get); tests that need it say so and are skipped"
    return 0
  fi
  say "Debian packages: $missing"
  if [ ! -e /etc/postgresql-common ]; then
    # The tests start servers of their own; the package need not create and start one.
    mkdir -p /etc/postgresql-common/createcluster.d
    echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.d/ktrdr-tests.conf
  fi
  DEBIAN_FRONTEND=noninteractive
  export DEBIAN_FRONTEND
  # Packages bring services, such as serf's, which the tests do not want running.
  if [ ! -e /usr/sbin/policy-rc.d ]; then
    printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
    chmod +x /usr/sbin/policy-rc.d
    quiet_services=1
  fi
  # shellcheck disable=SC2086 # A list of package names.
  { bounded 120 apt-get update -qq &&
    bounded 300 apt-get install -y -qq --no-install-recommends $missing; } >"$results/apt.log" 2>&1 || {
    tail -n 5 "$results/apt.log"
    echo "not installed:$missing (apt-get failed); tests that need it say so and are skipped"
  }
  if [ "${quiet_services:-}" = 1 ]; then rm -f /usr/sbin/policy-rc.d; fi
}

fail() {
  failed=$((failed + 1))
  echo "(fail) $1"
}

# check NAME SECONDS COMMAND…: one test of the gate.
check() {
  name=$1 seconds=$2
  shift 2
  started=$(date +%s)
  if bounded "$seconds" "$@"; then
    passed=$((passed + 1))
    echo "(pass) $name [$(($(date +%s) - started)) s]"
  else
    fail "$name (exit code $?)"
  fi
}

check_shell() {
  if have shellcheck; then
    # shellcheck disable=SC2046 # Our own file names hold no blanks.
    check 'shell scripts' 60 shellcheck -x $(ls installers/*.sh .ci/run)
  else
    skipped=$((skipped + 1))
    echo 'skipped: shell scripts, shellcheck is not installed' | tee -a "$results/skipped"
  fi
}

# suite NAME SECONDS COMMAND…: a run of `bun test`, streamed and counted by its summary.
suite() {
  name=$1 seconds=$2 log=$results/suite.log
  shift 2
  # A pipe has the status of its last command, so that of the tests goes through a file.
  { run_suite "$seconds" "$@"; echo $? >"$results/status"; } 2>&1 | tee "$log"
  status=$(cat "$results/status")
  # The names are enough in the closing list; a reason may stand anywhere in the output.
  grep -E '^(\(skip\)|\(todo\)|skipped:) ?' "$log" >>"$results/skipped"
  tail -n 15 "$log" >"$results/summary"
  if grep -Eq '^Ran [0-9]+ tests? across' "$results/summary"; then
    suite_failed=$(summary fail)
    passed=$((passed + $(summary pass)))
    skipped=$((skipped + $(summary skip) + $(summary todo)))
  else
    # No summary: the run crashed or ran out of time. What it had finished still counts.
    suite_failed=$(lines_of fail)
    passed=$((passed + $(lines_of pass)))
    skipped=$((skipped + $(lines_of skip) + $(lines_of todo)))
    [ "$suite_failed" != 0 ] || suite_failed=1
    echo "(fail) $name ended without a summary (exit code $status)"
  fi
  failed=$((failed + suite_failed))
  # Bun also fails a run in which nothing ran, which its counts do not show.
  if [ "$status" != 0 ] && [ "$suite_failed" = 0 ]; then fail "$name (exit code $status)"; fi
}

# timeout(1) starts programs only; await_behind waits for one that is bounded already.
run_suite() {
  if [ "$2" = await_behind ]; then await_behind; else bounded "$@"; fi
}

# behind SECONDS COMMAND…: starts a run of `bun test` in the background, for `await_behind` to show.
behind() {
  seconds=$1
  shift
  { bounded "$seconds" "$@" >"$results/behind.log" 2>&1; echo $? >"$results/behind.status"; } &
}

await_behind() {
  # By its file: a pipe's part is another shell, which cannot wait for this one's child.
  until [ -e "$results/behind.status" ]; do sleep 1; done
  cat "$results/behind.log"
  return "$(cat "$results/behind.status")"
}

# summary KIND: the number before `pass`, `fail`, `skip` or `todo` in Bun's closing lines, or 0.
summary() {
  sed -n "s/^ *\([0-9][0-9]*\) $1\$/\1/p" "$results/summary" | tail -n 1 | grep . || echo 0
}

lines_of() {
  grep -c "^($1) " "$log"
}

finish() {
  if [ -s "$results/skipped" ]; then
    say 'Skipped'
    sort -u "$results/skipped"
  fi
  printf '\n%s passed, %s failed, %s skipped\n' "$passed" "$failed" "$skipped"
  [ "$failed" = 0 ]
  exit
}

main
