import json
import sys
from argparse import ArgumentParser
from pathlib import Path
from time import monotonic
from typing import Any
from uuid import uuid4

from django.core.management.base import BaseCommand, CommandError

from monitoring.domain.scenario import Scenario, UnableToReadScenario
from monitoring.domain.verdicts import ExitCode
from monitoring.services.scenario_files import scenario_from_yaml
from monitoring.services.simulated import MARK, Simulation, run_in_own_database
from tenancy.services.databases import UnableToMakeDatabase


class Command(BaseCommand):
    help = (
        "Rehearse a burn-in: play a scripted platform through the scheduler, the recording and the judge by a"
        " simulated clock, in a database of its own. Nothing is sent and the portal's own rows are not touched."
        " Exit code: 0 GO at the review, 1 NO-GO, 2 NO-GO for lack of evidence, 3 could not be played."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("scenario", metavar="SCENARIO.yaml")
        parser.add_argument("--format", choices=["table", "json"], default="table")
        parser.add_argument("--keep", action="store_true", help="keep the database and say its name")
        parser.add_argument(
            "--verify", action="store_true", help="also replay each stored verdict and compare"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        scenario = self._read(options["scenario"])
        began = monotonic()
        try:
            simulation = run_in_own_database(
                scenario,
                name=f"levqor_simulated_{uuid4().hex[:12]}",
                keep=options["keep"],
                check=options["verify"],
                said=lambda text: self.stderr.write(f"SIMULATED {text}"),
            )
        except UnableToMakeDatabase as error:
            raise CommandError(str(error), returncode=ExitCode.COULD_NOT_JUDGE) from error
        took_s = round(monotonic() - began, 1)
        if options["format"] == "json":
            self.stdout.write(json.dumps({**simulation.to_dict(), "took_s": took_s}, indent=2))
        else:
            self._write_text(simulation, took_s)
        if simulation.exit_code:
            sys.exit(simulation.exit_code)

    def _read(self, path: str) -> Scenario:
        try:
            return scenario_from_yaml(Path(path).read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, UnableToReadScenario) as error:
            raise CommandError(f"{path}: {error}", returncode=ExitCode.COULD_NOT_JUDGE) from error

    def _write_text(self, simulation: Simulation, took_s: float) -> None:
        write = self.stdout.write
        write(f"{MARK}\n{simulation.probes:,} probes, {simulation.slots:,} slots, {took_s:g} s.\n")
        for day in simulation.days:
            write(f"SIMULATED {_line(day)}")
        for title, told in (("Checkpoint", simulation.checkpoint), ("Review", simulation.review)):
            write(f"\nSIMULATED {title}\n  {_line(told)}")
            for reading in told["verdict"]["gates"]:
                write(f"  {reading['standing']:<10}{reading['key']}: {reading['explanation']}")
            for reason in told["verdict"]["reasons"]:
                write(f"  - {reason}")
        write(f"\nSIMULATED outages: {len(simulation.outages) or 'none'}")
        for outage in simulation.outages:
            write(
                f"  {outage['first_bad']} {outage['endpoint']}: likely {outage['likely_s']:.0f} s. {outage['error']}"
            )
        for number, texts in (simulation.replay or {}).items():
            write(f"Replay of verdict {number}: {'; '.join(texts) or 'identical'}")
        if simulation.database:
            write(f"Kept as database {simulation.database}.")


def _line(told: dict[str, Any]) -> str:
    verdict = told["verdict"]
    return (
        f"{verdict['at']}  {verdict['decision']}, {verdict['within']}/5 within, {verdict['proven']}/5 proven"
    )
