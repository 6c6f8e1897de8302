"""Holds a wheel against what it must have and must not: ``contents.py WHEEL``."""

import sys
import zipfile
from email.parser import Parser
from pathlib import PurePosixPath

PACKAGES = {"sluice", "fivetran_connector_sdk"}

wheel = zipfile.ZipFile(sys.argv[1])
names = [PurePosixPath(name) for name in wheel.namelist()]
tops = {name.parts[0] for name in names}
[info] = [top for top in tops if top.endswith(".dist-info")]
[data] = [top for top in tops if top.endswith(".data")]
# Whatever else were at the top would be a module of the author's Python.
assert tops == PACKAGES | {info, data}, tops
assert [name for name in names if name.parts[0] == data] == [PurePosixPath(data, "scripts", "sluice")]
for package in PACKAGES:
    assert PurePosixPath(package, "py.typed") in names
    assert PurePosixPath(package, "__init__.py") in names
assert PurePosixPath("sluice/_debugging/_session.py") in names
assert not [name for name in names if name.suffix in (".pyc", ".c", ".so")]

metadata = Parser().parsestr(wheel.read(f"{info}/METADATA").decode())
assert metadata["Name"] == "sluicegate"
assert metadata["License-Expression"] == "Apache-2.0"
assert metadata["Requires-Python"] == ">=3.10"
for licence in ("LICENSE", "licenses/THIRD-PARTY.txt"):
    assert f"{info}/licenses/{licence}" in wheel.namelist(), f"{licence} is not in it"
tags = Parser().parsestr(wheel.read(f"{info}/WHEEL").decode()).get_all("Tag")
assert all(tag.startswith("py3-none-") and "linux" in tag for tag in tags), tags
size = sum(entry.compress_size for entry in wheel.infolist())
print(f"{metadata['Name']} {metadata['Version']}, {tags[0]}, {len(names)} files, {size / 2**20:.1f} MiB")
