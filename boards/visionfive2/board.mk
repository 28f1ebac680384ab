# StarFive VisionFive 2.  With firmware on the card its ROM looks for these partition types
# (type, first and last sector); the second stage must be partition number 2.
BOARD_SPL   := 2E54B353-1271-4842-806F-E436D6AF6985,4096,8191
BOARD_UBOOT := BC13C2FF-59E6-4262-A352-B275FD6F7172,8192,16383
