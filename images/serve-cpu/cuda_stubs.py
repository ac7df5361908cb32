"""Replace the CUDA half of a CUDA build of torch by tiny stub libraries.

The package index has torch for x86-64 only as a CUDA build; its NVIDIA wheels weigh 2.7 GB and libtorch_cuda.so half a
GB, and an engine on CPU calls none of it. But libtorch_python.so and libtorch_cpu.so are linked against these
libraries, so the loader wants the files and, since Python loads with RTLD_NOW, every symbol. This script deletes the
CUDA libraries of torch, then reads from the ELF headers what the remaining libraries still need and compiles
one library per missing name. A stubbed function prints its name and aborts: it can never return a wrong answer.

Usage: python3 cuda_stubs.py SITE_PACKAGES   (needs gcc and readelf; libcudart stays real, it answers "no device")
"""

import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

CUDA_ONLY = ("libtorch_cuda.so", "libtorch_cuda_linalg.so", "libtorch_nvshmem.so", "libcaffe2_nvrtc.so")
# Two functions run when torch._C is loaded, whatever the device (torch 2.13, c10d/ProcessGroupNCCL.cpp and c10d/init.cpp):
# `get_gil_checker()` returns a reference to a pointer that is stored to; `ProcessGroupNCCL::Options(bool)` makes the
# default value of an argument: an empty object with its vtable is enough, since no process group can be made with it.
AT_LOAD = {
    "_ZN4c10d15get_gil_checkerEv": "void *{name}(void) {{ static void *slot; return &slot; }}",
    "_ZN4c10d16ProcessGroupNCCL7OptionsC1Eb": """
extern char nccl_options_vtable[] __asm__("_ZTVN4c10d16ProcessGroupNCCL7OptionsE");
void {name}(void **self) {{
    memset(self, 0, malloc_usable_size(self));
    self[0] = nccl_options_vtable + 2 * sizeof(void *);
}}""",
}
PRELUDE = """
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
static void refuse(const char *name) {
    fprintf(stderr, "%s: CUDA was left out of this image, which serves on CPU only; use the GPU image\\n", name);
    abort();
}
extern char class_type_info[] __asm__("_ZTVN10__cxxabiv117__class_type_infoE");
"""


@dataclass(frozen=True)
class Symbol:
    """One dynamic symbol; `version` is the version node it is bound to, or ""."""

    name: str
    version: str
    kind: str
    size: int


def readelf(*args: str) -> str:
    return subprocess.run(["readelf", "-W", *args], check=True, capture_output=True, text=True).stdout  # noqa: S603, S607


def symbols(library: Path, *, defined: bool) -> list[Symbol]:
    """Dynamic symbols that `library` defines, or those that it wants from others (weak ones may stay missing)."""
    found = []
    for line in readelf("--dyn-syms", str(library)).splitlines():
        field = line.split()
        if len(field) < 8 or not field[0].rstrip(":").isdigit():
            continue
        size, kind, binding, section = int(field[2], 0), field[3], field[4], field[6]
        if (section != "UND") != defined or (binding == "WEAK" and not defined):
            continue
        name, _, version = field[7].partition("@")
        found.append(Symbol(name, version.lstrip("@"), kind, size))
    return found


def needed(library: Path) -> list[str]:
    return re.findall(r"\(NEEDED\).*\[(.+)\]", readelf("-d", str(library)))


def version_owner(library: Path) -> dict[str, str]:
    """Version node -> the library (soname) that must define it, from the version needs of `library`."""
    owner, soname = {}, ""
    for line in readelf("-V", str(library)).splitlines():
        if match := re.search(r"File: (\S+)", line):
            soname = match[1]
        elif match := re.search(r"Name: (\S+)\s+Flags", line):
            owner[match[1]] = soname
    return owner


def declaration(symbol: Symbol, original: Symbol | None) -> str:
    """C text that defines the symbol: a type_info, a block of zeros (vtables), or a function that aborts."""
    name = symbol.name
    if name.startswith("_ZTI"):
        return f'void *{name}[] = {{class_type_info + 2 * sizeof(void *), "{name[4:]}"}};'
    if original is not None and original.kind == "OBJECT":
        return f"char {name}[{max(original.size, 8)}];"
    if name in AT_LOAD:
        return AT_LOAD[name].format(name=name)
    return f'void {name}(void) {{ refuse("{name}"); }}'


def compile_stub(target: Path, wanted: dict[str, set[str]], bodies: dict[str, str]) -> None:
    """Compile `target` with soname = file name; `wanted` maps version node ("" = none) to symbol names."""
    names = sorted(set().union(*wanted.values()))
    with tempfile.TemporaryDirectory() as scratch:
        source, script = Path(scratch) / "stub.c", Path(scratch) / "versions"
        source.write_text(PRELUDE + "\n".join(bodies[name] for name in names) + "\n")
        nodes = [(node, sorted(group)) for node, group in sorted(wanted.items()) if node]
        script.write_text(
            "".join(f"{node} {{ global: {' '.join(f'{n};' for n in group)} }};\n" for node, group in nodes)
        )
        command = ["gcc", "-shared", "-fPIC", "-Os", "-s", "-w", "-fno-builtin", f"-Wl,-soname,{target.name}"]
        command += [f"-Wl,--version-script={script}"] if nodes else []
        subprocess.run([*command, "-o", str(target), str(source), "-l:libstdc++.so.6"], check=True)  # noqa: S603


def home_of(symbol: Symbol, absent: list[str], owner: dict[str, str], torch_cuda: dict[str, Symbol]) -> str | None:
    """The absent library that must define the symbol; None when it comes from elsewhere (libc, Python, cudart)."""
    if symbol.version:
        soname = owner.get(symbol.version, "")
        return soname if soname in absent else None
    if symbol.name in torch_cuda:
        return CUDA_ONLY[0]
    prefix = symbol.name.lower()
    return next((name for name in absent if prefix.startswith(name[3:].split(".")[0].lower())), None)


def system_libraries() -> set[str]:
    listing = subprocess.run(["ldconfig", "-p"], check=True, capture_output=True, text=True).stdout  # noqa: S607
    return {Path(line.split()[-1]).name for line in listing.splitlines()[1:]}


def replace_cuda(site_packages: Path) -> None:
    """Delete torch's CUDA libraries and write stubs for all that the others then lack."""
    lib = site_packages / "torch" / "lib"
    torch_cuda: dict[str, Symbol] = {}
    for name in CUDA_ONLY:
        torch_cuda |= {symbol.name: symbol for symbol in symbols(lib / name, defined=True)}
        (lib / name).unlink()
    present = sorted(lib.glob("*.so*"))
    shipped = {path.name for path in [*present, *site_packages.glob("nvidia/**/*.so*")]} | system_libraries()
    for path in present:
        for symbol in symbols(path, defined=True):
            torch_cuda.pop(symbol.name, None)
    missing: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    bodies: dict[str, str] = {}
    for path in present:
        absent, owner = [name for name in needed(path) if name not in shipped], version_owner(path)
        for name in absent:
            missing[name][""].update()
        for symbol in symbols(path, defined=False):
            home = home_of(symbol, absent, owner, torch_cuda)
            if home is not None:
                missing[home][symbol.version].add(symbol.name)
                bodies[symbol.name] = declaration(symbol, torch_cuda.get(symbol.name))
    for name, wanted in sorted(missing.items()):
        compile_stub(lib / name, wanted, bodies)
        sys.stdout.write(f"stub {name}: {sum(map(len, wanted.values()))} symbols\n")


if __name__ == "__main__":
    replace_cuda(Path(sys.argv[1]))
