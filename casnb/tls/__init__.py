"""A TLS connection pinned to a certificate: the exchange, its errors, the chain, and recipes for
other tools.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from casnb.base.surface import surface

if TYPE_CHECKING:
    from casnb.tls.cas_chain import CasChain as CasChain
    from casnb.tls.recipes import RECIPES as RECIPES
    from casnb.tls.recipes import recipe as recipe
    from casnb.tls.tls_errors import explain_tls_error as explain_tls_error

__all__, __getattr__ = surface(
    __name__,
    {
        "CasChain": "casnb.tls.cas_chain",
        "RECIPES": "casnb.tls.recipes",
        "explain_tls_error": "casnb.tls.tls_errors",
        "recipe": "casnb.tls.recipes",
    },
)
