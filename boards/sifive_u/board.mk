# SiFive HiFive Unleashed, and QEMU's sifive_u.  Its ROM looks for these partition types (type,
# first and last sector).
BOARD_SPL   := 5B193300-FC78-40CD-8002-E86C45580B47,34,2081
BOARD_UBOOT := 2E54B353-1271-4842-806F-E436D6AF6985,2082,10273
