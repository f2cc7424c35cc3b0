"""From ``[digest]`` to how digests are made."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.config import Settings
from gateway.wiring import WiringError, digest_plan, read_templates


def settings(folder: Path) -> Settings:
    return Settings.model_validate(
        {"digest": {"domains": ["example.com"], "sender": "m@example.com", "language": "de", "templates": str(folder)}}
    )


def test_an_own_template_is_read_and_checked(tmp_path: Path) -> None:
    template = tmp_path / "digest.de.txt"
    with pytest.raises(WiringError, match=r"digest\.templates"):
        digest_plan(settings(tmp_path))
    template.write_text("Hallo\n")
    with pytest.raises(WiringError, match="one paragraph that is"):
        digest_plan(settings(tmp_path))
    template.write_text("Hallo {recipient}\n\n{messages}\n\nTschüs\n")
    plan = digest_plan(settings(tmp_path))
    assert plan.writer.template.startswith("Hallo")
    assert plan.link_to("00", "bob@example.com") == ""


def test_the_folder_may_be_that_of_the_notices(tmp_path: Path) -> None:
    (tmp_path / "digest.de.txt").write_text("{messages}")
    (tmp_path / "strip.de.txt").write_text("{name} {held_id} {contact}")
    assert len(read_templates(tmp_path, "de")) == 1


@pytest.mark.parametrize(
    "wrong",
    [{"sender": "Bob <bob@example.com>"}, {"notify": "a@b.test"}, {"notify": ["a"]}, {"at": "7"}, {"at": "25:00"}],
)
def test_what_cannot_be_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"digest\."):
        Settings.model_validate({"digest": wrong})
