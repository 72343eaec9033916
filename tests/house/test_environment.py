"""What the settings read and what .env.example lists are the same."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
READ = re.compile(r"""(?:env\.\w+\(\s*|_address\(\s*)["']([A-Z0-9_]+)["']""")
LISTED = re.compile(r"^([A-Z0-9_]+)=", re.MULTILINE)


def test_env_example_lists_every_variable_with_a_meaning():
    read = set(READ.findall((ROOT / "levqor" / "settings.py").read_text()))
    example = (ROOT / ".env.example").read_text()

    assert set(LISTED.findall(example)) == read


def test_nothing_but_the_settings_reads_the_environment():
    allowed = {"settings.py", "wsgi.py", "celery.py", "manage.py"}
    readers = {
        path.relative_to(ROOT).as_posix()
        for folder in ("levqor", "intelligence", "monitoring", "tenancy")
        for path in (ROOT / folder).rglob("*.py")
        if path.name not in allowed
        and "runtime" not in path.parts
        and re.search(r"os\.(environ|getenv)", path.read_text())
    }

    # The prober fills in ${LEVQOR_PROBE_…}, variables whose names the portal cannot know.
    assert readers <= {"monitoring/services/probing.py"}
