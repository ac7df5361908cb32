"""An OCI runtime that drops the capabilities which the host itself does not have, then becomes runc.

Docker's privileged containers ask for every capability. Where root lacks one in its bounding set, runc dies with
"unable to apply caps: operation not permitted". This program removes just the missing ones from the bundle's
config.json (`create --bundle DIR`) or the process file (`exec --process FILE`). It is copied out of the package
and run alone by the Docker engine, so it imports nothing from here. Its tests: tests/unit/cluster/.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

# linux/capability.h, by bit number.
_BY_NUMBER = (
    "CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE"
    " NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT"
    " SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE"
    " AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ"
    " PERFMON BPF CHECKPOINT_RESTORE"
)
CAPABILITIES = tuple(_BY_NUMBER.split())


def missing_capabilities(status: str, last: int) -> frozenset[str]:
    """Names (CAP_X) that the kernel knows (bits 0..last) and that the CapBnd line of /proc/*/status lacks."""
    line = next(line for line in status.splitlines() if line.startswith("CapBnd:"))
    bounding = int(line.split()[1], 16)
    known = CAPABILITIES[: last + 1]
    return frozenset(f"CAP_{name}" for bit, name in enumerate(known) if not bounding >> bit & 1)


def host_lacks() -> frozenset[str]:
    """The capabilities that this process can never have, read from the kernel."""
    last = int(Path("/proc/sys/kernel/cap_last_cap").read_text())
    return missing_capabilities(Path("/proc/self/status").read_text(), last)


def without(document: dict[str, Any], lacking: frozenset[str]) -> dict[str, Any]:
    """The OCI config or process document with `lacking` taken out of every capability set."""
    holder = document.get("process", document)
    sets = holder.get("capabilities") or {}
    kept = {name: [cap for cap in caps if cap not in lacking] for name, caps in sets.items()}
    changed = {**holder, "capabilities": kept} if sets else holder
    return {**document, "process": changed} if "process" in document else changed


def option(argv: list[str], names: tuple[str, ...]) -> str | None:
    """The value of `--name VALUE` or `--name=VALUE`, or None."""
    for position, word in enumerate(argv):
        name, equals, value = word.partition("=")
        if name in names:
            return value if equals else argv[position + 1]
    return None


def main(argv: list[str]) -> None:
    """Rewrite the file that runc is about to read, then exec runc with the same arguments."""
    target: Path | None = None
    if {"create", "run"} & set(argv):
        target = Path(option(argv, ("--bundle", "-b")) or ".") / "config.json"
    elif "exec" in argv and (process := option(argv, ("--process", "-p"))):
        target = Path(process)
    if target is not None and target.exists():
        document = without(json.loads(target.read_text()), host_lacks())
        target.write_text(json.dumps(document))
    runc = shutil.which("runc", path=os.defpath + ":/usr/sbin:/usr/local/sbin:/usr/local/bin")
    os.execv(runc or "runc", ["runc", *argv])


if __name__ == "__main__":
    main(sys.argv[1:])
