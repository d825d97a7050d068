# Sourced by scripts/test: Prometheus and Alertmanager with their tools, for the tests of deploy/, from Debian's packages
# (scripts/debian.sh). Where there is no apt, install `prometheus`, `promtool`, `alertmanager` and `amtool` by hand; what
# is on the PATH comes first. Without them those tests are skipped, or fail when CI is set.
. scripts/debian.sh

monitoring_cache() { debian_cache monitoring; }

has_monitoring() {
  local tool
  for tool in prometheus promtool amtool; do
    [ -n "$(PATH="$PATH:$(monitoring_cache)/usr/bin" type -P "$tool")" ] || return
  done
  [ -n "$(PATH="$PATH:$(monitoring_cache)/usr/bin" type -P alertmanager prometheus-alertmanager)" ]
}

install_monitoring() {
  has_monitoring || install_unpacked "Prometheus and Alertmanager" "$(monitoring_cache)" fetch_monitoring
}

fetch_monitoring() { # into ./root
  mkdir root
  apt_here update && apt_here download prometheus prometheus-alertmanager && unpack ./*.deb || return
  # Debian's Alertmanager reads its own templates from this very path, and would end without them: let it look in a
  # `.usr` of the folder it is started in. As long as the path was, so that nothing else of the program moves.
  LC_ALL=C sed -i 's|/usr/share/prometheus/alertmanager|.usr/share/prometheus/alertmanager|g' \
    root/usr/bin/prometheus-alertmanager
}
