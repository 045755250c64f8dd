"""The form on the department's site."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable

from tests.channels import contract
from tests.channels.contract import Letter


class Site(contract.Case):
    """Tried through the door the form calls; the form itself is tried in tests/portal."""

    code = "website"
    name = "site"
    does_not_apply = {
        **contract.NEVER_ASKED,
        **contract.NOT_CALLED,
        **dict.fromkeys(contract.SENDING, "an answer is read on the status page: nothing is sent"),
        **contract.NO_XML,
        "clock": "a form has no clock: the time it came is ours",
        "unknown": "written by our own form: a field nobody knows goes to quarantine",
    }

    def raw(self, letter: Letter) -> bytes:
        return self._sent(letter).to_bytes()

    def broken(self, case: str) -> Iterable[bytes]:
        if case == "attachment":
            said = json.loads(self.raw(Letter()))
            said["files"] = [{"sha256": "0" * 64, "name": "план.pdf", "size": 4, "declared_type": ""}]
            return [json.dumps(said).encode()]
        return super().broken(case)

    def deliver(self, *letters: Letter, times: int = 1) -> None:
        from otklik.channels.site import intake

        for _ in range(times):
            for letter in letters:
                intake.take_in(self._sent(letter))

    def _sent(self, letter: Letter):  # type: ignore[no-untyped-def]
        from otklik.channels.site import attached
        from otklik.channels.site.submission import SentFile, Submission

        files = tuple(
            SentFile(attached.keep(io.BytesIO(content), name).sha256, name, len(content))
            for name, content in letter.files
        )
        return Submission(
            form_id=f"form-{letter.number}", kind="person", last_name="Примерова", first_name="Анна", patronymic="",
            organisation="", answer_by="website", email="anna@citizen.example", phone="", address="",
            text=letter.text, files=files,
        )  # fmt: skip


CASE = Site()
