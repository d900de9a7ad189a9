"""UIDs, pseudonyms and digests of a project's key."""

from __future__ import annotations

import pickle
import re
import uuid

import pytest
from header_makers import IDENTITY
from hypothesis import given, settings
from hypothesis import strategies as st

from xnat_pixelanon.errors import ConfigurationError
from xnat_pixelanon.headers import Identity
from xnat_pixelanon.headers.identity import is_well_known

uids = st.from_regex(r"[1-2]\.\d{1,6}(\.\d{1,9}){2,5}", fullmatch=True)
texts = st.text(min_size=1, max_size=40)
OTHER = Identity.from_keys(bytes(32))


@settings(deadline=None)
@given(uids)
def test_a_mapped_uid_is_a_valid_uuid_uid_and_always_the_same(source):
    uid = IDENTITY.uid(source)
    assert re.fullmatch(r"2\.25\.[1-9]\d*", uid)
    assert len(uid) <= 64
    assert uuid.UUID(int=int(uid[5:])).variant == uuid.RFC_4122
    assert uid == Identity.from_keys(bytes(range(32))).uid(f"{source}\0") != source
    assert uid != OTHER.uid(source)


@settings(deadline=None)
@given(st.lists(uids, unique=True, min_size=2, max_size=20))
def test_different_uids_stay_different(sources):
    assert len({IDENTITY.uid(source) for source in sources}) == len(sources)


@pytest.mark.parametrize(
    "uid",
    [
        "1.2.840.10008.5.1.4.1.1.2",
        "1.2.840.10008.1.2.4.90",
        "1.2.840.10008.1.4.1.1",
        "1.2.840.10008.2.16.4",
        "1.2.840.10008.15.1.1",
    ],
)
def test_uids_of_the_standard_are_not_mapped(uid):
    assert is_well_known(uid)
    assert IDENTITY.mapped_uid(uid + "\0") == uid


def test_uids_that_only_look_like_the_standards_are_mapped():
    for uid in ("1.2.840.10008.1.2.99.4711", "1.2.840.10008.5.1.4.1.1.2.1971", "1.3.12.2.1107.5.9.1"):
        assert IDENTITY.mapped_uid(uid) == IDENTITY.uid(uid)


def test_code_systems_are_well_known_where_code_systems_are_named_only():
    loinc = "2.16.840.1.113883.6.1"
    assert is_well_known(loinc, 0x0008010C)
    assert not is_well_known(loinc, 0x0020000D)
    assert is_well_known("1.2.840.10008.6.1.2", 0x00080117)
    assert not is_well_known("1.2.840.10008.6.1.2", 0x00081155)


@settings(deadline=None)
@given(texts, st.sampled_from(["", "MS_"]))
def test_labels_have_one_form(text, prefix):
    for label in (
        IDENTITY.subject_label(text, prefix=prefix),
        IDENTITY.subject_label_of_patient(text, "HOSP", prefix=prefix),
        IDENTITY.session_label(text, prefix=prefix),
    ):
        assert re.fullmatch(prefix + r"[A-Z2-7]{16}", label)


def test_subject_labels_ignore_case_as_xnat_does():
    assert IDENTITY.subject_label("Test_0001") == IDENTITY.subject_label("TEST_0001")
    assert IDENTITY.subject_label("TEST_0001") != IDENTITY.subject_label("TEST_0002")


def test_the_issuer_belongs_to_the_patient_id():
    assert IDENTITY.subject_label_of_patient("1", "A") != IDENTITY.subject_label_of_patient("1", "B")
    assert IDENTITY.subject_label_of_patient("1A") != IDENTITY.subject_label_of_patient("1", "A")


def test_each_use_has_a_key_of_its_own():
    same = "1.2.3"
    labels = {IDENTITY.subject_label(same), IDENTITY.subject_label_of_patient(same), IDENTITY.session_label(same)}
    assert len(labels) == 3
    assert IDENTITY.keyed_digest(same.encode()) != IDENTITY.uid(same)


@settings(deadline=None)
@given(st.lists(st.binary(max_size=8), max_size=4), st.lists(st.binary(max_size=8), max_size=4))
def test_digests_keep_their_parts_apart(first, second):
    assert (IDENTITY.keyed_digest(*first) == IDENTITY.keyed_digest(*second)) == (first == second)


def test_a_site_key_changes_everything():
    mixed = Identity.from_keys(bytes(range(32)), b"a site secret")
    assert mixed.uid("1.2.3") != IDENTITY.uid("1.2.3")
    assert mixed.session_label("E1") != IDENTITY.session_label("E1")


def test_a_key_of_another_length_is_refused_without_showing_it():
    with pytest.raises(ConfigurationError) as caught:
        Identity.from_keys(b"short and secret")
    assert "secret" not in str(caught.value)


def test_an_identity_crosses_processes_and_hides_its_key():
    assert pickle.loads(pickle.dumps(IDENTITY)) == IDENTITY
    assert "root" not in repr(IDENTITY)
