"""What stands for an address: enough to know one's own by, or a keyed hash."""

from audiences.masking.keyed_hashes import keyed
from audiences.masking.masks import DOTS, masked, masked_id, masked_text

__all__ = ["DOTS", "keyed", "masked", "masked_id", "masked_text"]
