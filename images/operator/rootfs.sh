#!/bin/sh
# Collects into $2 what a virtual environment at $1 needs to run, and nothing else.
set -eu
venv=$1
root=$2
stdlib=/usr/lib/python3.11

# Parts of the standard library that a server never imports, among them all that need large shared libraries.
( cd "$stdlib"
  rm -rf config-* curses dbm ensurepip idlelib lib2to3 pydoc_data sqlite3 test tkinter turtledemo unittest
  cd lib-dynload
  rm -f _crypt.* _curses* _dbm.* _gdbm.* _sqlite3.* _test* _tkinter.* audioop.* nis.* ossaudiodev.* readline.* xx* )
# The synchronous half of the Kubernetes client (the operator uses kubernetes.aio), tests and stubs of the wheels.
( cd "$venv"/lib/python3.11/site-packages
  rm -rf kubernetes/client/api kubernetes/e2e_test kubernetes/test )
find "$stdlib" "$venv" -name __pycache__ -prune -exec rm -rf {} +
find "$venv" -name '*.pyi' -delete

mkdir -p "$root/etc" "$root/tmp" "$root/usr/bin"
chmod 1777 "$root/tmp"
printf 'root:x:0:0::/:/sbin/nologin\noperator:x:65532:65532::/:/sbin/nologin\n' >"$root/etc/passwd"
printf 'root:x:0:\noperator:x:65532:\n' >"$root/etc/group"
printf 'hosts: files dns\n' >"$root/etc/nsswitch.conf"
cp -a /etc/debian_version "$root/etc/"
cp -a --parents /usr/lib/os-release /etc/os-release /etc/mime.types /usr/share/zoneinfo/UTC \
  "$stdlib" "$venv" "$root"
cp -a /usr/bin/python3.11 "$root/usr/bin/"
ln -s python3.11 "$root/usr/bin/python3"

# Shared libraries, the loader included; glibc loads the name service ones by name.
{ find /usr/bin/python3.11 "$stdlib/lib-dynload" "$venv" -type f \( -name 'python3.11' -o -name '*.so' -o -name '*.so.*' \) \
    -exec ldd {} +
  ls /lib/*/libnss_dns.so.2 /lib/*/libnss_files.so.2 | sed 's/^/	/'
} | grep -o '^	.*' | grep -o '/[^ ]*' | sort -u | xargs cp -L --parents -t "$root"
# Is anything missing that the operator imports? This also leaves the bytecode of just these modules in place: a pod starts
# one CPU second sooner, and cannot write it itself.
chroot "$root" "$venv/bin/python3" -P -c 'import ssl, uuid, yaml, zoneinfo
import aiohttp.web, jinja2, kopf, kubernetes.aio.client, kubernetes.aio.config, prometheus_client, pydantic, llm_operator.main, llm_operator.__main__'
"$venv/bin/python3" -P -m compileall -q "$root$venv"/lib/python3.11/site-packages/llm_operator -s "$root"
