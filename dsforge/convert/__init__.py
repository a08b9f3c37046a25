"""Any format in, any format out; what the target cannot hold is counted before it is left out."""

from dsforge.convert.chunk import convert_example
from dsforge.convert.result import ConvertResult, Reason
from dsforge.convert.run import convert

__all__ = ["ConvertResult", "Reason", "convert", "convert_example"]
