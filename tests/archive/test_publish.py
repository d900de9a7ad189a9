"""Publishing into an XNAT project: the plain way, and every way that is refused."""

from __future__ import annotations

from xnat_pixelanon.archive.ports import Absent, Published, Sent


def test_a_published_session_is_visible_complete_and_has_its_receipt(world, packer, open_gate, tmp_path):
    destination = world.destination()
    destination.check()
    package = packer.package(1, 2)
    assert destination.look(packer.labels, packer.study) == Absent()
    assert destination.publish(package, open_gate, tmp_path / "scratch") == Sent()
    assert destination.look(packer.labels, packer.study) == Published(package.receipt, active=True)
    assert world.visible() == {packer.session: 3}
    assert world.prearchive() == []
    assert list((tmp_path / "scratch").iterdir()) == []
