# Microchip PolarFire SoC Icicle Kit: its firmware is in flash memory.
