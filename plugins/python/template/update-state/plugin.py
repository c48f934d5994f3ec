"""What each key has brought, from batch to batch."""

from tidemill_plugin import update_state


@update_state
def total(values: list[float], state: float | None) -> float | None:
    # `None` would forget the key.
    return (state or 0.0) + sum(values)
