#!/bin/sh
# Makes a clone ready to run: Node, dependencies, a GPU adapter that Dawn accepts. Does only what is still missing.
#   CI or WEFT_SETUP=yes   install the driver without asking      WEFT_SETUP=no   never install it
set -eu
cd "$(dirname "$0")/.."

say() { printf 'setup: %s\n' "$*" >&2; }
fail() {
  say "$*"
  exit 1
}

# Empty, 0 and false mean unset, as CI services and people write them.
is_set() { case ${1:-} in '' | 0 | false | no) return 1 ;; *) return 0 ;; esac; }

person_at_terminal() { [ -t 0 ] && [ -t 2 ]; }

check_node() {
  needs='weft needs Node 20.19 or newer with npm'
  command -v node >/dev/null 2>&1 || fail "$needs, and there is no node in PATH: install Node, then run this again."
  version=$(node --version)
  major=${version#v} && minor=${major#*.} && major=${major%%.*} && minor=${minor%%.*}
  if [ "$major" -lt 20 ] || { [ "$major" -eq 20 ] && [ "$minor" -lt 19 ]; }; then
    fail "$needs, and this is Node $version: install a newer Node, then run this again."
  fi
  command -v npm >/dev/null 2>&1 || fail "$needs, and there is no npm in PATH: install npm, then run this again."
}

# --include=dev: tsx and vitest are needed under NODE_ENV=production too. --ignore-scripts: no dependency needs its
# install script, and this package's own build is not needed to run from source.
install_dependencies() {
  if ! node scripts/dependencies-check.mjs; then
    say 'installing the dependencies that package-lock.json names (npm ci)'
    npm ci --include=dev --ignore-scripts --no-audit --no-fund --loglevel=error >&2 ||
      fail 'npm ci failed, for the reason above: mend it (network? registry of "npm config get registry"?), then run this again.'
  fi
}

# Sets `adapter` to the adapter's name, or to what Dawn says instead; returns 0 with an adapter, 3 without.
find_adapter() {
  status=0
  adapter=$(node scripts/adapter-check.mjs 2>&1) || status=$?
  case $status in 0 | 3) return $status ;; *) fail "$adapter" ;; esac
}

# One sentence for the systems where nothing is installed for the user.
other_system() {
  case $(uname -s) in
    Darwin) fail "$adapter: Dawn needs a GPU with Metal, which this Mac or virtual machine does not offer." ;;
    MINGW* | MSYS* | CYGWIN*) fail "$adapter: install the current driver of the GPU (Direct3D 12), then run this again." ;;
  esac
  if command -v dnf >/dev/null 2>&1; then
    how='sudo dnf install mesa-vulkan-drivers'
  elif command -v pacman >/dev/null 2>&1; then
    how='sudo pacman -S vulkan-swrast'
  elif command -v zypper >/dev/null 2>&1; then
    how='sudo zypper install libvulkan_lvp'
  else
    how='version 24.0 or newer'
  fi
  fail "$adapter: install a Vulkan driver for the GPU, or Mesa's lavapipe ($how), then run this again."
}

# Asks a person; without one at the terminal, or with CI or WEFT_SETUP=yes, the answer is yes.
may_install() {
  [ "${WEFT_SETUP:-}" != no ] || return 1
  [ "${WEFT_SETUP:-}" != yes ] || return 0
  if is_set "${CI:-}" || ! person_at_terminal; then return 0; fi
  say "$adapter."
  say "Mesa's lavapipe is one on the CPU: package mesa-vulkan-drivers, from backports where this release's is too old."
  printf 'setup: install it with apt now? [Y/n] ' >&2
  read -r answer || return 1
  case $answer in '' | [Yy] | [Yy][Ee][Ss]) return 0 ;; *) return 1 ;; esac
}

install_driver() {
  by_hand='run "sh scripts/lavapipe.sh" as root, or install another Vulkan driver, then run this again.'
  may_install || fail "$adapter, and nothing was installed: $by_hand"
  as_root=
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null 2>&1 || fail "$adapter, and installing one needs root: $by_hand"
    as_root=sudo
    if ! person_at_terminal; then
      as_root='sudo -n'
      sudo -n true 2>/dev/null || fail "$adapter, and sudo asks for a password here: $by_hand"
    fi
  fi
  $as_root sh scripts/lavapipe.sh || fail "no driver was installed: $by_hand"
  find_adapter && return 0
  loader=
  for name in VK_DRIVER_FILES VK_ICD_FILENAMES; do
    eval "value=\${$name:-}"
    [ -z "$value" ] || loader=" $name=$value limits the Vulkan loader to that driver: unset it."
  done
  fail "lavapipe is installed, and still: $adapter.$loader"
}

check_node
install_dependencies
if ! find_adapter; then
  if [ "$(uname -s)" = Linux ] && command -v apt-get >/dev/null 2>&1; then install_driver; else other_system; fi
fi
say "ready on $adapter"
