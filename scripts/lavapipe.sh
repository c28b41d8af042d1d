#!/bin/sh
# Installs Mesa's lavapipe, the Vulkan driver that runs on the CPU, on Debian or Ubuntu. Run as root; setup.sh does.
# Where the release's own Mesa is too old it comes from Debian's backports, through an apt list that lives in a
# temporary folder and names the mirror apt already uses: the machine's own sources and indexes are not touched.
set -eu
export LC_ALL=C DEBIAN_FRONTEND=noninteractive

package=mesa-vulkan-drivers
# Dawn wants shaderSampledImageArrayDynamicIndexing; lavapipe 22.3 and 23.1 lack it, no release ships 23.3.
oldest=24

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
chmod 755 "$work" # apt downloads as the user _apt

say() { printf 'setup: %s\n' "$*" >&2; }
fail() {
  say "$*"
  exit 1
}

# Runs a command silently, and shows the end of what it printed where it fails.
quietly() {
  "$@" >"$work/log" 2>&1 && return 0
  tail -n 15 "$work/log" >&2
  return 1
}

# The version apt would install, "(none)" without one; the arguments are apt's options.
candidate() { apt-cache "$@" policy "$package" | sed -n 's/^ *Candidate: *//p'; }

new_enough() {
  major=${1#*:} && major=${major%%.*}
  case $major in '' | *[!0-9]*) return 1 ;; *) [ "$major" -ge "$oldest" ] ;; esac
}

# The arguments are apt's options.
install_package() {
  say "installing $package $version with apt"
  quietly apt-get -q -y -o DPkg::Lock::Timeout=300 "$@" install --no-install-recommends "$package" ||
    fail "apt could not install $package $version, for the reason above."
}

# Sets `site` and `codename` to the mirror and the name of the Debian release this machine follows, empty without one.
find_release() {
  set -- $(apt-get indextargets --format '$(ORIGIN) $(CODENAME) $(SITE)' 'Created-By: Packages' |
    awk '$1 == "Debian" && $2 !~ /-/ { print $2, $3; exit }')
  codename=${1:-} site=${2:-}
}

# Copies apt's sources and indexes to the temporary folder and adds the backports there, unless the machine has them.
add_backports() {
  eval "$(apt-config shell list Dir::Etc::sourcelist/f parts Dir::Etc::sourceparts/d lists Dir::State::lists/d)"
  mkdir -p "$work/parts" "$work/lists/partial"
  : >"$work/sources.list"
  [ ! -f "$list" ] || cp "$list" "$work/sources.list"
  for file in "$parts"*.list "$parts"*.sources; do [ ! -f "$file" ] || cp "$file" "$work/parts/"; done
  for file in "$lists"*_*; do [ ! -f "$file" ] || cp -p "$file" "$work/lists/"; done
  if ! apt-get indextargets --format '$(CODENAME)' | grep -qx "$codename-backports"; then
    key=/usr/share/keyrings/debian-archive-keyring.gpg
    [ -f "$key" ] && signed="[signed-by=$key] " || signed=
    echo "deb $signed$site $codename-backports main" >"$work/parts/weft-backports.list"
  fi
}

quietly apt-get -q update || say 'apt-get update reported the errors above; going on with what it has'
version=$(candidate)
if new_enough "$version"; then
  install_package
  exit 0
fi

case $version in '' | '(none)') fail "apt knows no package $package: mend its sources or its network." ;; esac
too_old="this release's $package is $version and Dawn needs $oldest.0 or newer"
find_release
[ -n "$site" ] || fail "$too_old: use a newer release, or a Vulkan driver for the GPU."
add_backports
set -- -o "Dir::Etc::sourcelist=$work/sources.list" -o "Dir::Etc::sourceparts=$work/parts" \
  -o "Dir::State::lists=$work/lists" -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache=
quietly apt-get -q "$@" update || say 'apt-get update reported the errors above; going on with what it has'
set -- "$@" -o "APT::Default-Release=$codename-backports"
backport=$(candidate "$@" 2>/dev/null) || backport=
new_enough "$backport" || fail "$too_old, and $codename-backports at $site has none: use a newer release."
version="$backport from $codename-backports"
install_package "$@"
