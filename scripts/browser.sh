# Sourced by scripts/test and scripts/screenshots: Chromium without a window, for the tests of the board's page. As with
# scripts/monitoring.sh nothing is installed into the system: Debian's package, and what it needs that is not here yet,
# are unpacked into a cache of the user. Where there is no apt, install `chromium` by hand; what is on the PATH comes
# first. Without it those tests are skipped, or fail when CI is set.

browser_cache() { echo "${XDG_CACHE_HOME:-$HOME/.cache}/sla-monitor/browser"; }

has_browser() {
  [ -n "$(PATH="$PATH:$(browser_cache)/bin" type -P chromium chromium-browser google-chrome sla-monitor-chromium)" ]
}

install_browser() { # never fails: the tests say what is missing
  if has_browser; then return 0; fi
  if ! type -P apt-get >/dev/null || ! type -P dpkg-deb >/dev/null; then
    echo "$caller: no Chromium, and no apt to fetch it" >&2
    return 0
  fi
  local cache scratch
  cache=$(browser_cache)
  mkdir -p "$(dirname "$cache")"
  scratch=$(mktemp -d "$cache.partial-XXXXXX")
  if (cd "$scratch" && fetch_browser "$cache") >"$scratch/said" 2>&1; then
    mv -T "$scratch/root" "$cache" 2>/dev/null || true # somebody else was first
  else
    echo "$caller: apt cannot fetch Chromium:" >&2
    tail -n 3 "$scratch/said" >&2
  fi
  rm -rf "$scratch"
}

fetch_browser() { # fetch_browser CACHE: into ./root, as it works once it is CACHE; apt works out what is missing here
  local apt=(apt-get -q -o Acquire::Retries=3 -o Acquire::http::Timeout=30 -o APT::Sandbox::User= -o Debug::NoLocking=1)
  apt+=(-o "Dir::State::lists=$PWD/lists" -o "Dir::Cache=$PWD/cache")
  mkdir -p lists/partial cache/archives/partial root/bin
  "${apt[@]}" update || return
  # A typeface besides, so that pictures look the same wherever they are made.
  "${apt[@]}" install --yes --no-install-recommends --download-only chromium-headless-shell fonts-inter || return
  local package
  for package in cache/archives/*.deb; do dpkg-deb --extract "$package" root || return; done
  cat >root/fonts.conf <<EOF
<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd">
<fontconfig><include ignore_missing="yes">/etc/fonts/fonts.conf</include><dir>$1/usr/share/fonts</dir></fontconfig>
EOF
  cat >root/bin/sla-monitor-chromium <<EOF
#!/bin/sh
export FONTCONFIG_FILE="$1/fonts.conf"
for folder in "$1"/usr/lib/*-linux-gnu; do LD_LIBRARY_PATH="\$folder:\$folder/pulseaudio:\$LD_LIBRARY_PATH"; done
export LD_LIBRARY_PATH
exec "$1/usr/lib/chromium/chromium-headless-shell" "\$@"
EOF
  chmod +x root/bin/sla-monitor-chromium
}
