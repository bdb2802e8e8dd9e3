"""Numbers as people read them."""


def grouped(number: int) -> str:
    """Write a number with a space for thousands: 43 008."""
    return f"{number:,}".replace(",", " ")


def bytes_text(count: int) -> str:
    """Write a size in bytes with a space for thousands: 43 008 bytes."""
    return f"{grouped(count)} byte{'' if count == 1 else 's'}"
