"""What `deploy/siem/` ships: read by the program it is for where there is one, tried on real events where not."""

from __future__ import annotations

import configparser
import csv
import json
import re
import subprocess
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.e2e.tools import DEPLOY, find, need
from tests.unit.test_docs_events import declared, flat, written

SIEM = DEPLOY / "siem"


def table() -> dict[str, str]:
    with (SIEM / "ecs.csv").open(encoding="utf-8", newline="") as file:
        return {row["field"]: row["ecs"] for row in csv.DictReader(file)}


def processors() -> list[tuple[str, dict[str, Any]]]:
    pipeline = json.loads((SIEM / "elastic" / "ingest-pipeline.json").read_text())
    return [next(iter(one.items())) for one in pipeline["processors"]]


def test_the_elastic_pipeline_gives_each_field_the_name_of_the_table() -> None:
    named: dict[str, str] = {}
    for kind, settings in processors():
        if kind in ("rename", "date"):
            named[settings["field"].removeprefix("macrogate.")] = settings["target_field"]
        if kind == "append":
            (value,) = settings["value"]
            named[value.removeprefix("{{{macrogate.").removesuffix("}}}")] = settings["field"]
    assert named == table()


def test_the_elastic_pipeline_never_takes_two_fields_of_an_event_for_one() -> None:
    """A rename onto a field that is there already fails in Elasticsearch, and with it the whole event."""
    names = {settings["field"]: settings["target_field"] for kind, settings in processors() if kind == "rename"}
    assert len(set(names.values())) == len(names)
    assert not set(names.values()) & {settings["field"] for kind, settings in processors() if kind == "set"}
    assert set(names) <= {
        f"macrogate.{field}" for fields in (*declared().values(), flat(written()[0])) for field in fields
    }


def test_splunk_finds_the_time_of_every_event() -> None:
    settings = configparser.ConfigParser(interpolation=None, strict=True, allow_no_value=False)
    settings.optionxform = str  # type: ignore[assignment,method-assign]
    settings.read(SIEM / "splunk" / "props.conf", encoding="utf-8")
    read = settings["macrogate:json"]
    for event in written():
        found = re.search(read["TIME_PREFIX"], json.dumps(event, separators=(",", ":")))
        assert found
        text = json.dumps(event, separators=(",", ":"))[found.end() :][: int(read["MAX_TIMESTAMP_LOOKAHEAD"])]
        stamp = text.partition('"')[0]
        assert datetime.strptime(stamp, "%Y-%m-%dT%H:%M:%S.%f%z").tzinfo
    fields = set(table()) | {field for event in declared().values() for field in event}
    for key, value in read.items():
        if key.startswith("FIELDALIAS-"):
            assert value.partition(" AS ")[0].strip('"').removesuffix("{}") in fields, key


def test_rsyslog_takes_the_configuration() -> None:
    need("rsyslogd")
    command = [find("rsyslogd") or "", "-N1", "-f", str(SIEM / "rsyslog" / "macrogate.conf")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert "error" not in done.stderr.lower()


def test_logrotate_takes_the_configuration(tmp_path: Path) -> None:
    """With the user of this test in the place of the daemon's, who may not be there."""
    need("logrotate")
    text = (SIEM / "logrotate" / "macrogate").read_text()
    assert "su macrogate macrogate" in text
    path = tmp_path / "macrogate"
    path.write_text(text.replace("    su macrogate macrogate\n", "").replace("/var/log/macrogate", str(tmp_path)))
    path.chmod(0o600)
    command = [find("logrotate") or "", "--debug", "--state", str(tmp_path / "state"), str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert "error:" not in done.stderr
