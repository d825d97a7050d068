# Sourced by the other scripts: which Python, and an environment made with it. `caller` names who says what is wrong.

find_python() { # the first that is new enough; PYTHON names another
  local name
  for name in ${PYTHON:-python3.11 python3.12 python3.13 python3.14 python3 python}; do
    if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      echo "$name"
      return
    fi
  done
  echo "$caller: no Python 3.11 or newer was found; install one, or name it: PYTHON=/path/to/python $caller" >&2
  return 2
}

make_venv() { # make_venv FOLDER
  local python
  python=$(find_python)
  if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    echo "$caller: $python cannot make a virtual environment; on Debian: apt-get install python3-venv" >&2
    return 2
  fi
  "$python" -m venv --clear "$1"
}

install() { # install FOLDER WHAT: again only when pyproject.toml is another than the one installed
  if cmp -s pyproject.toml "$1/installed-pyproject.toml"; then return; fi
  cp pyproject.toml "$1/installing-pyproject.toml"
  "$1/bin/python" -m pip install --quiet --disable-pip-version-check --editable "$2"
  mv "$1/installing-pyproject.toml" "$1/installed-pyproject.toml"
}
