"""Bits of a stream, which codecs read one after the other."""


class Bits:
    """Bits of a byte string, the highest first; past its end there are zeros."""

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data, "big")
        self._left = 8 * len(data)

    def take(self, count: int) -> int:
        """The next `count` bits as a number."""
        self._left -= count
        if self._left < 0:
            return 0
        return self._value >> self._left & (1 << count) - 1

    def golomb(self) -> int:
        """The next number of the kind that AV1 calls uvlc, and HEVC ue(v)."""
        zeros = 0
        while self._left > 0 and not self.take(1):
            zeros += 1
        return self.take(zeros) + (1 << zeros) - 1 if zeros < 32 else 0
