#!/usr/bin/env bash
# What `make venv` needs before there is a Python environment: Python 3.11 or newer with venv and pip.
# Installs it by apt when that can be done (root on Debian or Ubuntu), else says in one line what to install.
set -euo pipefail

usable() {
  command -v "$1" >/dev/null && "$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

find_python() {
  local candidate
  for candidate in python3 python3.11 python3.12 python3.13; do
    if usable "$candidate"; then command -v "$candidate"; return 0; fi
  done
  return 1
}

if ! find_python >/dev/null; then
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "Python 3.11 or newer with venv is missing. Install it, e.g.: sudo apt-get install python3 python3-venv" >&2
    exit 1
  fi
  echo "==> Installing Python (apt)" >&2
  apt-get update -qq >&2
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq python3 python3-venv python3-pip >&2
fi
find_python || { echo "This system's Python is older than 3.11: install python3.11 or newer with its venv module" >&2; exit 1; }
