"""Invented health numbers. Those of Alberta begin with 0, so that no one takes them for someone's."""

from cpar_plugin.domain.identifiers import phn_check_digit

from .draw import Draw

MOST = 10**7  # so many different PHNs remain besides the leading 0 and the check digit


class Phns:
    """Well-formed PHNs, no two alike: a walk through all of them, with a stride and a start drawn by lot."""

    def __init__(self, draw: Draw) -> None:
        self._stride = 10 * draw.below(MOST // 10) + 3  # ends in 3: no divisor in common with MOST
        self._start = draw.below(MOST)

    def of(self, index: int) -> str:
        """The PHN of the patient in this place; 0 <= place < MOST."""
        digits = f"{(self._start + index * self._stride) % MOST:07d}"
        first_half, second_half = "0" + digits[:3], digits[3:]
        return f"{first_half}{phn_check_digit(first_half + '0' + second_half)}{second_half}"


def doubtful(phn: str, draw: Draw) -> str:
    """The same PHN with a wrong check digit."""
    return f"{phn[:4]}{(int(phn[4]) + 1 + draw.below(9)) % 10}{phn[5:]}"


def malformed(phn: str, draw: Draw) -> str:
    """What gets typed in place of a PHN."""
    return draw.pick((phn[:-1], phn + phn[-1], phn.replace("0", "O"), phn[:5] + 4 * "X", "pending", "newborn", "0"))


def of_another_province(draw: Draw) -> tuple[str, str, str]:
    """Number, version letters and province of a health card from elsewhere in Canada."""
    digits = f"000{draw.below(10**6):06d}"
    return draw.pick(
        (
            ("9" + digits, "", "BC"),
            (digits, "", "SK"),
            (digits, "", "MB"),
            ("0" + digits, "ZZ", "ON"),
            ("ZZZZ" + digits[:8], "", "QC"),
            ("N" + digits[:7], "", "NT"),
            (digits, "", "OT"),
        )
    )
