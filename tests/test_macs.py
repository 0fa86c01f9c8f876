import hmac
import random

import pytest

from digest.macs import mac_under


@pytest.mark.parametrize("length", [0, 1, 32, 63, 64, 65, 200])
def test_a_mac_is_the_one_of_the_standard_library(length):
    chance = random.Random(length)
    key = chance.randbytes(length)
    for size in (0, 1, 55, 56, 64, 1000):
        message = chance.randbytes(size)
        assert mac_under(key)(message) == hmac.digest(key, message, "sha256")


def test_a_mac_is_the_one_of_rfc_4231():
    assert mac_under(b"Jefe")(b"what do ya want for nothing?").hex() == (
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    )
