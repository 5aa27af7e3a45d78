"""What a relying party accepts: flags, their rules, and what each one gives away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from casnb.base.surface import surface

if TYPE_CHECKING:
    from casnb.policy.flags import BY_NAME as BY_NAME
    from casnb.policy.flags import BY_OPTION as BY_OPTION
    from casnb.policy.flags import FLAGS as FLAGS
    from casnb.policy.flags import NEWER as NEWER
    from casnb.policy.flags import Flag as Flag
    from casnb.policy.flags import options as options
    from casnb.policy.policy import AttestationPolicy as AttestationPolicy
    from casnb.policy.smallest import minimal_flags as minimal_flags
    from casnb.policy.translation import crosswalk as crosswalk
    from casnb.policy.translation import to_flags as to_flags
    from casnb.policy.translation import to_session as to_session

__all__, __getattr__ = surface(
    __name__,
    {
        "AttestationPolicy": "casnb.policy.policy",
        "BY_NAME": "casnb.policy.flags",
        "BY_OPTION": "casnb.policy.flags",
        "FLAGS": "casnb.policy.flags",
        "Flag": "casnb.policy.flags",
        "NEWER": "casnb.policy.flags",
        "crosswalk": "casnb.policy.translation",
        "minimal_flags": "casnb.policy.smallest",
        "options": "casnb.policy.flags",
        "to_flags": "casnb.policy.translation",
        "to_session": "casnb.policy.translation",
    },
)
