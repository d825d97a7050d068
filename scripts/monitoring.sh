# Sourced by scripts/test: Prometheus and Alertmanager with their tools, for the tests of deploy/. Nothing is installed
# into the system and nothing runs: Debian's packages are unpacked into a cache of the user, once a machine, by whoever
# it is. Where there is no apt, install `prometheus`, `promtool`, `alertmanager` and `amtool` by hand; what is on the
# PATH comes first. Without them those tests are skipped, or fail when CI is set.

monitoring_cache() { echo "${XDG_CACHE_HOME:-$HOME/.cache}/sla-monitor/monitoring"; }

has_monitoring() {
  local tool
  for tool in prometheus promtool amtool; do
    [ -n "$(PATH="$PATH:$(monitoring_cache)/usr/bin" type -P "$tool")" ] || return
  done
  [ -n "$(PATH="$PATH:$(monitoring_cache)/usr/bin" type -P alertmanager prometheus-alertmanager)" ]
}

install_monitoring() { # never fails: the tests say what is missing
  if has_monitoring; then return 0; fi
  if ! type -P apt-get >/dev/null || ! type -P dpkg-deb >/dev/null; then
    echo "$caller: no Prometheus and Alertmanager, and no apt to fetch them" >&2
    return 0
  fi
  local cache scratch
  cache=$(monitoring_cache)
  mkdir -p "$(dirname "$cache")"
  scratch=$(mktemp -d "$cache.partial-XXXXXX")
  if (cd "$scratch" && fetch_monitoring) >"$scratch/said" 2>&1; then
    mv -T "$scratch/root" "$cache" 2>/dev/null || true # somebody else was first
  else
    echo "$caller: apt cannot fetch Prometheus and Alertmanager:" >&2
    tail -n 3 "$scratch/said" >&2
  fi
  rm -rf "$scratch"
}

fetch_monitoring() { # into ./root; lists of packages of our own, so that it needs no root and no fresh system
  local apt=(apt-get -q -o Acquire::Retries=3 -o Acquire::http::Timeout=30 -o APT::Sandbox::User=)
  apt+=(-o "Dir::State::lists=$PWD/lists" -o "Dir::Cache=$PWD/cache")
  mkdir -p lists/partial cache/archives/partial root
  "${apt[@]}" update && "${apt[@]}" download prometheus prometheus-alertmanager || return
  local package
  for package in ./*.deb; do dpkg-deb --extract "$package" root || return; done
  # Debian's Alertmanager reads its own templates from this very path, and would end without them: let it look in a
  # `.usr` of the folder it is started in. As long as the path was, so that nothing else of the program moves.
  LC_ALL=C sed -i 's|/usr/share/prometheus/alertmanager|.usr/share/prometheus/alertmanager|g' \
    root/usr/bin/prometheus-alertmanager
}
