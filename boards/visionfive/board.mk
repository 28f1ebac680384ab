# StarFive VisionFive (V1): its firmware is in flash memory, the card holds the system only.
