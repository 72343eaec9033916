"""Look for known vulnerabilities among the installed packages, with pip-audit.

Exit 1 when there are any. Where the advisory service cannot be reached this says "skipped" and exits 0: an
answer that nothing was found, when nothing was looked up, would be worse than none.
"""

import json
import subprocess
import sys

_UNREACHABLE = ("ConnectionError", "ServiceError", "ConnectTimeout", "ReadTimeout", "NameResolutionError")


def main() -> int:
    """Run the audit and say in one line what came of it."""
    done = subprocess.run(
        [sys.executable, "-m", "pip_audit", "--format", "json", "--progress-spinner", "off"],
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        packages = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        if any(name in done.stderr for name in _UNREACHABLE):
            return _say("skipped: no network (the advisory service did not answer)", 0)
        return _say(f"failed: {done.stderr.strip()[-2000:]}", 1)
    audited = [package for package in packages if "skip_reason" not in package]
    if not audited:
        return _say("skipped: no network (the advisory service knows none of the packages)", 0)
    found = [(package, flaw) for package in audited for flaw in package["vulns"]]
    for package, flaw in found:
        mended = ", ".join(flaw["fix_versions"]) or "no version yet"
        _say(f"{package['name']} {package['version']}: {flaw['id']}, mended in {mended}", 0)
    not_audited = len(packages) - len(audited)
    return _say(
        f"{len(audited)} audited, {not_audited} unknown, {len(found)} vulnerabilities", int(bool(found))
    )


def _say(sentence: str, code: int) -> int:
    sys.stdout.write(f"pip-audit: {sentence}\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
