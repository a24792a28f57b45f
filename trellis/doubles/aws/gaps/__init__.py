"""What the moto server lacks of AWS, served by the moto server itself: any client sees it, and it outlives our process.

Each module holds one service. A handler answers an operation in place of moto's, or around it; the answer goes out
through moto's own reading and writing of AWS's protocols, which follow AWS's published service models.
"""

from trellis.doubles.aws.gaps.fill import install, served

__all__ = ["install", "served"]
