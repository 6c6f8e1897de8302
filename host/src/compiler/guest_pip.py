"""Runs the pinned pip as if it were the guest's Python.

pip can be told another platform, but it evaluates environment markers for the machine it runs on, and then takes no
source distributions at all. This runs pip's own command line with the guest's markers and tags, and with a policy
for files: wheels of pure Python; wheels with machine code only of packages that work without it (`native`, or with
`any_native` all but `refused`), ranked behind pure ones of the same version; source only of packages in `sdists`.
The machine code itself is never loaded: it is left out of the component.

What builds source is the package's own code. It runs in a jail of its own (`jail`: this program as `sluice` and the
argument that makes it one; nothing where there is no jail), which reaches the folders of that package and nothing
of what pip has: no network, no environment, no settings.

Dependencies that the SDK stands for (`provided`), and those that the package can do without (`spared`, pairs), are
left out. The first argument is a JSON file with the policy, the rest goes to pip. Names of packages of which no file
was acceptable go, with the reason, into the file that the policy names as `blocked`; beside them those of which only
some versions have one.
"""

import json
import os
import sys

from pip._internal.cli import cmdoptions
from pip._internal.distributions import sdist
from pip._internal.index.package_finder import LinkEvaluator, LinkType
from pip._internal.models.format_control import FormatControl
from pip._internal.models.target_python import TargetPython
from pip._internal.models.wheel import Wheel
from pip._internal.operations.build import metadata, wheel
from pip._internal.resolution.resolvelib.factory import Factory
from pip._internal.utils.subprocess import call_subprocess
from pip._vendor.packaging import markers, tags
from pip._vendor.packaging.requirements import InvalidRequirement, Requirement
from pip._vendor.packaging.utils import canonicalize_name

VERSION = (3, 14, 0)
ENVIRONMENT = {
    "implementation_name": "cpython",
    "implementation_version": "3.14.0",
    "os_name": "posix",
    "platform_machine": "wasm32",
    "platform_python_implementation": "CPython",
    "platform_release": "0.0.0",
    "platform_system": "wasi",
    "platform_version": "0.0.0",
    "python_full_version": "3.14.0",
    "python_version": "3.14",
    "sys_platform": "wasi",
}


# What a build's own code keeps of the environment.
KEPT = {"PATH", "PYTHONPATH", "PYTHONNOUSERSITE", "LANG", "LC_ALL"}


def supported_tags():
    """Pure Python first, then every kind of wheel whose Python part can be taken alone."""
    pure = list(tags.compatible_tags(VERSION[:2], interpreter="cp314", platforms=["any"]))
    platforms = [f"manylinux_2_{minor}_x86_64" for minor in range(40, 4, -1)]
    platforms += ["manylinux2014_x86_64", "manylinux2010_x86_64", "manylinux1_x86_64", "linux_x86_64"]
    platforms += ["musllinux_1_2_x86_64", "musllinux_1_1_x86_64"]
    native = []
    for minor in range(14, 6, -1):
        python = f"cp3{minor}"
        for abi in (python, f"{python}m", "abi3", "none"):
            native += [tags.Tag(python, abi, platform) for platform in platforms]
    native += [tags.Tag(python, "none", platform) for python in ("py3", "py2.py3") for platform in platforms]
    return pure + native


def apply(policy):
    """Teach this process's pip the guest's environment and the policy."""
    markers._cached_default_environment = lambda: ENVIRONMENT
    markers.default_environment = lambda: dict(ENVIRONMENT)
    known = supported_tags()
    TargetPython.get_sorted_tags = lambda self: known
    cmdoptions.make_target_python = lambda options: TargetPython(py_version_info=VERSION)
    for module in list(sys.modules.values()):
        if getattr(module, "make_target_python", None) is not None:
            module.make_target_python = cmdoptions.make_target_python

    native, refused, sdists = set(policy["native"]), set(policy["refused"]), set(policy["sdists"])
    accepted, blocked = set(), {}
    hashes = {name: set(values) for name, values in policy["hashes"].items()}

    def allowed_formats(self, name):
        return frozenset({"binary", "source"} if name in sdists else {"binary"})

    FormatControl.get_allowed_formats = allowed_formats
    original = LinkEvaluator.evaluate_link

    def evaluate_link(self, link):
        name = canonicalize_name(self.project_name)
        if name in refused:
            blocked[name] = "machine-code"
            return (LinkType.platform_mismatch, "it cannot run here")
        verdict = original(self, link)
        if verdict[0] is LinkType.format_unsupported and not link.is_wheel:
            blocked.setdefault(name, "source")
        if verdict[0] is not LinkType.candidate:
            return verdict
        if name in hashes and link.hash_name == "sha256" and link.hash not in hashes[name]:
            return (LinkType.platform_mismatch, "its hash is not in the project's requirements")
        if link.is_wheel and any(tag.platform != "any" for tag in Wheel(link.filename).file_tags):
            if name not in native and not policy["any_native"]:
                blocked[name] = "machine-code"
                return (LinkType.platform_mismatch, "it holds machine code")
        accepted.add(name)
        return verdict

    LinkEvaluator.evaluate_link = evaluate_link
    leave_out(set(policy["provided"]), {tuple(pair) for pair in policy["spared"]})
    return lambda: {
        "blocked": {name: why for name, why in blocked.items() if name not in accepted},
        "partly": {name: why for name, why in blocked.items() if name in accepted},
    }


def leave_out(provided, spared):
    """Teach pip which dependencies of packages are not needed."""
    original = Factory.make_requirements_from_spec

    def make_requirements_from_spec(self, specifier, comes_from, *rest, **named):
        if comes_from is not None:
            try:
                name = canonicalize_name(Requirement(specifier).name)
            except InvalidRequirement:
                name = ""
            if name in provided or (canonicalize_name(comes_from.name or ""), name) in spared:
                return iter(())
        return original(self, specifier, comes_from, *rest, **named)

    Factory.make_requirements_from_spec = make_requirements_from_spec


def hold_builds(jail):
    """Teach pip to run the code of packages in a jail within its own, with an environment of its own."""

    def runner_with_spinner_message(message):
        def runner(command, cwd=None, extra_environ=None):
            # `python script hook folder`: what the hook is told and answers lies in the folder.
            folder = command[-1]
            if jail:
                command = [*jail, *reach(folder, cwd), "--", *command]
            own = dict.fromkeys(("HOME", "TMPDIR", "TEMP", "TMP"), folder) | dict(extra_environ or {})
            foreign = [name for name in os.environ if name not in KEPT and name not in own]
            call_subprocess(command, command_desc=message, cwd=cwd, extra_environ=own, unset_environ=foreign)

        return runner

    for module in (sdist, metadata, wheel):
        module.runner_with_spinner_message = runner_with_spinner_message


def reach(folder, source):
    """The source, what the hook is asked to make, and the packages that it may use."""
    with open(os.path.join(folder, "input.json"), encoding="utf-8") as file:
        asked = json.load(file)["kwargs"]
    made = [asked.get(name) for name in ("wheel_directory", "metadata_directory")]
    # Of the environment that pip made for this build; its packages lie beside what is named.
    used = [os.path.dirname(path) for path in os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    for kind, paths in (("write", [folder, source, *made]), ("read", used)):
        for path in paths:
            if path and os.path.isabs(path):
                yield from (kind, path)


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        policy = json.load(file)
    blocked = apply(policy)
    hold_builds(policy["jail"])
    from pip._internal.cli.main import main as pip

    code = pip(sys.argv[2:])
    with open(policy["blocked"], "w", encoding="utf-8") as file:
        json.dump(blocked(), file)
    sys.exit(code)


if __name__ == "__main__":
    main()
