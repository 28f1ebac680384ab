# QEMU virt through U-Boot: the card is a virtio disk.
