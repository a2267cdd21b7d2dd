"""UQS: how far the numbers that say a vision-language model forgot can be trusted."""

__version__ = "0.1.0"
