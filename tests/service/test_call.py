import pytest

from service.call import Call, new_request_id


def test_a_sane_request_id_is_taken_over() -> None:
    assert Call([(b"host", b"x"), (b"x-request-id", b"abc-123")], "/").request_id == "abc-123"


@pytest.mark.parametrize("value", [b"", b"a" * 129, b"a b", b"a\nb", "ü".encode(), b'"x"'])
def test_any_other_is_replaced(value: bytes) -> None:
    request_id = Call([(b"x-request-id", value)], "/").request_id
    assert request_id != value.decode()
    assert 1 <= len(request_id) <= 64


def test_new_ids_are_unique() -> None:
    assert len({new_request_id() for _ in range(1000)}) == 1000
