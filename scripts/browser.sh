# Sourced by scripts/test and scripts/screenshots: Chromium without a window, for the tests of the board's page, from
# Debian's packages with what they need that is not here yet (scripts/debian.sh). Where there is no apt, install `chromium`
# by hand; what is on the PATH comes first. Without it those tests are skipped, or fail when CI is set.
. scripts/debian.sh

browser_cache() { debian_cache browser; }

has_browser() {
  [ -n "$(PATH="$PATH:$(browser_cache)/bin" type -P chromium chromium-browser google-chrome sla-monitor-chromium)" ]
}

install_browser() {
  has_browser || install_unpacked "packages of Chromium" "$(browser_cache)" fetch_browser
}

fetch_browser() { # fetch_browser CACHE: into ./root, as it works once it is CACHE; apt works out what is missing here
  mkdir -p root/bin
  # A typeface besides, so that pictures look the same wherever they are made.
  apt_here update && apt_here install -o Debug::NoLocking=1 --yes --no-install-recommends --download-only \
    chromium-headless-shell fonts-inter && unpack cache/archives/*.deb || return
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
