# Sourced by scripts/monitoring.sh and scripts/browser.sh. Nothing is installed into the system and nothing runs: Debian's
# packages are unpacked into a cache of the user, once a machine, by whoever it is.

debian_cache() { echo "${XDG_CACHE_HOME:-$HOME/.cache}/sla-monitor/$1"; } # debian_cache NAME

install_unpacked() { # install_unpacked WHAT CACHE FETCH: never fails, the tests say what is missing
  local what=$1 cache=$2 fetch=$3 scratch
  if ! type -P apt-get >/dev/null || ! type -P dpkg-deb >/dev/null; then
    echo "$caller: no $what, and no apt to fetch them" >&2
    return 0
  fi
  mkdir -p "$(dirname "$cache")"
  scratch=$(mktemp -d "$cache.partial-XXXXXX")
  if (cd "$scratch" && "$fetch" "$cache") >"$scratch/said" 2>&1; then
    mv -T "$scratch/root" "$cache" 2>/dev/null || true # somebody else was first
  else
    echo "$caller: apt cannot fetch $what:" >&2
    tail -n 3 "$scratch/said" >&2
  fi
  rm -rf "$scratch"
}

apt_here() { # apt-get with lists and cache in this folder, so that it needs no root and no fresh system
  mkdir -p lists/partial cache/archives/partial
  apt-get -q -o Acquire::Retries=3 -o Acquire::http::Timeout=30 -o APT::Sandbox::User= \
    -o "Dir::State::lists=$PWD/lists" -o "Dir::Cache=$PWD/cache" "$@"
}

unpack() { # unpack PACKAGE...: into ./root
  local package
  for package; do dpkg-deb --extract "$package" root || return; done
}
